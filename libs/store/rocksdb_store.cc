#include "libs/store/rocksdb_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace regulars::store {

namespace fs = std::filesystem;

struct RocksDbStoreFactory::Shared {
  RocksDbOptions options;
  rocksdb::Options db;
  std::mutex mutex;
  std::set<std::string> open;

  bool Take(const std::string& name) {
    const std::lock_guard lock(mutex);
    return open.insert(name).second;
  }
  void Release(const std::string& name) {
    const std::lock_guard lock(mutex);
    open.erase(name);
  }
};

namespace {

constexpr double kBloomBitsPerKey = 10;
constexpr size_t kBlockBytes = size_t{8} << 10;
constexpr double kHighPriorityCacheShare = 0.5;  // for filters and indexes
constexpr double kMemtableBloomShare = 0.05;
constexpr size_t kMemtableBytesMax = size_t{16} << 20;
constexpr size_t kMemtableBytesMin = size_t{1} << 20;
constexpr size_t kTableFileBytes = size_t{16} << 20;
constexpr size_t kLogFileBytes = size_t{1} << 20;
// What Destroy renames a folder to first; not a valid name of a store.
constexpr char kDestroyedPrefix[] = ".destroyed-";

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

absl::Status ToStatus(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = status.ToString();
  if (status.IsCorruption()) return absl::DataLossError(text);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(text);
  return absl::UnavailableError(text);
}

absl::Status ToStatus(const std::error_code& error, const std::string& what) {
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(what, ": ", error.message()));
}

absl::StatusOr<std::optional<std::string>> GetFrom(rocksdb::DB& db, const rocksdb::Snapshot* at,
                                                   std::string_view key) {
  rocksdb::ReadOptions options;
  options.snapshot = at;
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = db.Get(options, db.DefaultColumnFamily(), ToSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return ToStatus(status);
  return std::string(ToView(value));
}

absl::Status ScanIn(rocksdb::DB& db, const rocksdb::Snapshot* at, std::string_view from,
                    std::string_view to, const ScanFn& fn) {
  rocksdb::ReadOptions options;
  options.snapshot = at;
  options.fill_cache = false;  // a scan passes once; the cache belongs to the lookups
  const rocksdb::Slice upper = ToSlice(to);
  if (!to.empty()) options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(options));
  for (it->Seek(ToSlice(from)); it->Valid(); it->Next()) {
    if (!fn(ToView(it->key()), ToView(it->value()))) break;
  }
  return ToStatus(it->status());
}

// The database of one name; closed, and the name free again, when handle and snapshots are gone.
class OpenDb {
 public:
  OpenDb(std::shared_ptr<RocksDbStoreFactory::Shared> shared, std::string name,
         std::unique_ptr<rocksdb::DB> db)
      : shared_(std::move(shared)), name_(std::move(name)), db_(std::move(db)) {}
  ~OpenDb() {
    db_.reset();
    shared_->Release(name_);
  }
  OpenDb(const OpenDb&) = delete;
  OpenDb& operator=(const OpenDb&) = delete;

  rocksdb::DB& db() const { return *db_; }

 private:
  const std::shared_ptr<RocksDbStoreFactory::Shared> shared_;
  const std::string name_;
  std::unique_ptr<rocksdb::DB> db_;
};

class RocksDbSnapshot final : public ReadView {
 public:
  explicit RocksDbSnapshot(std::shared_ptr<OpenDb> open)
      : open_(std::move(open)), snapshot_(open_->db().GetSnapshot()) {}
  ~RocksDbSnapshot() override { open_->db().ReleaseSnapshot(snapshot_); }
  RocksDbSnapshot(const RocksDbSnapshot&) = delete;
  RocksDbSnapshot& operator=(const RocksDbSnapshot&) = delete;

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override {
    return GetFrom(open_->db(), snapshot_, key);
  }
  absl::Status Scan(std::string_view from, std::string_view to, const ScanFn& fn) const override {
    return ScanIn(open_->db(), snapshot_, from, to, fn);
  }

 private:
  const std::shared_ptr<OpenDb> open_;
  const rocksdb::Snapshot* const snapshot_;
};

class RocksDbStore final : public Store {
 public:
  explicit RocksDbStore(std::shared_ptr<OpenDb> open) : open_(std::move(open)) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override {
    return GetFrom(open_->db(), nullptr, key);
  }
  absl::Status Scan(std::string_view from, std::string_view to, const ScanFn& fn) const override {
    return ScanIn(open_->db(), nullptr, from, to, fn);
  }
  std::unique_ptr<ReadView> NewSnapshot() const override {
    return std::make_unique<RocksDbSnapshot>(open_);
  }

  absl::Status Write(const std::vector<Op>& batch) override {
    if (absl::Status status = CheckBatch(batch); !status.ok()) return status;
    batch_.Clear();
    for (const Op& op : batch) {
      const rocksdb::Status status =
          op.value.has_value() ? batch_.Put(op.key, *op.value) : batch_.Delete(op.key);
      if (!status.ok()) return ToStatus(status);
    }
    rocksdb::WriteOptions options;
    options.sync = false;  // see the header
    return ToStatus(open_->db().Write(options, &batch_));
  }

 private:
  const std::shared_ptr<OpenDb> open_;
  rocksdb::WriteBatch batch_;  // its buffer is kept from write to write
};

rocksdb::Options MakeDbOptions(const RocksDbOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache =
      rocksdb::NewLRUCache(options.block_cache_bytes, /*num_shard_bits=*/4,
                           /*strict_capacity_limit=*/false, kHighPriorityCacheShare);
  table.block_size = kBlockBytes;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.whole_key_filtering = true;
  table.cache_index_and_filter_blocks = true;  // else they are outside of every budget
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  table.format_version = 5;  // the fast Bloom filter

  rocksdb::Options db;
  db.create_if_missing = true;
  db.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  db.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(options.write_buffer_bytes);
  db.write_buffer_size =
      std::clamp(options.write_buffer_bytes / 4, kMemtableBytesMin, kMemtableBytesMax);
  db.memtable_whole_key_filtering = true;
  db.memtable_prefix_bloom_size_ratio = kMemtableBloomShare;
  db.optimize_filters_for_hits = false;  // most lookups miss: the last level needs its filter
  db.compression = rocksdb::kLZ4Compression;
  db.level_compaction_dynamic_level_bytes = true;  // few levels, about 10 % of dead versions
  db.target_file_size_base = kTableFileBytes;
  db.max_bytes_for_level_base = 4 * kTableFileBytes;
  db.max_open_files = options.open_files_max;
  db.max_background_jobs = options.background_threads;
  db.bytes_per_sync = size_t{1} << 20;  // no bursts of write-back
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // An idle process does nothing: no statistics, and a small log of warnings only.
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.max_log_file_size = kLogFileBytes;
  db.keep_log_file_num = 2;
  return db;
}

// A folder that has files but no CURRENT lost part of itself: RocksDB would make a new database
// there and replay what is left of the old one's write-ahead log into it.
bool LostItsHead(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder, ignored) && !fs::is_empty(folder, ignored) &&
         !fs::exists(folder / "CURRENT", ignored);
}

}  // namespace

RocksDbStoreFactory::RocksDbStoreFactory(std::shared_ptr<Shared> shared)
    : shared_(std::move(shared)) {}

RocksDbStoreFactory::~RocksDbStoreFactory() = default;

absl::StatusOr<std::unique_ptr<RocksDbStoreFactory>> RocksDbStoreFactory::Create(
    RocksDbOptions options) {
  if (options.root.empty()) return absl::InvalidArgumentError("store: no root folder");
  if (options.open_files_max < 16 || options.background_threads < 1 ||
      options.block_cache_bytes == 0 || options.write_buffer_bytes == 0) {
    return absl::InvalidArgumentError("store: a size or count is too small");
  }
  std::error_code error;
  if (fs::create_directories(options.root, error); error) {
    return ToStatus(error, absl::StrCat("making ", options.root));
  }
  fs::permissions(options.root, fs::perms::owner_all, error);
  if (error) return ToStatus(error, absl::StrCat("protecting ", options.root));
  std::vector<fs::path> leftovers;
  for (const fs::directory_entry& entry : fs::directory_iterator(options.root, error)) {
    if (entry.path().filename().string().starts_with(kDestroyedPrefix)) {
      leftovers.push_back(entry.path());
    }
  }
  for (const fs::path& leftover : leftovers) fs::remove_all(leftover, error);
  if (error) return ToStatus(error, absl::StrCat("clearing ", options.root));

  rocksdb::Env* const env = rocksdb::Env::Default();
  env->SetBackgroundThreads(options.background_threads, rocksdb::Env::LOW);
  env->SetBackgroundThreads(1, rocksdb::Env::HIGH);
  auto shared = std::make_shared<Shared>();
  shared->db = MakeDbOptions(options);
  shared->options = std::move(options);
  return std::unique_ptr<RocksDbStoreFactory>(new RocksDbStoreFactory(std::move(shared)));
}

absl::StatusOr<std::unique_ptr<Store>> RocksDbStoreFactory::Open(const std::string& name) {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  if (!shared_->Take(name)) {
    return absl::FailedPreconditionError(absl::StrCat("store ", name, " is open"));
  }
  const fs::path folder = fs::path(shared_->options.root) / name;
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status status =
      LostItsHead(folder) ? rocksdb::Status::Corruption("files without CURRENT", folder.string())
                          : rocksdb::DB::Open(shared_->db, folder.string(), &raw);
  if (!status.ok()) {
    shared_->Release(name);
    if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
      return absl::FailedPreconditionError(status.ToString());
    }
    return ToStatus(status);
  }
  return std::make_unique<RocksDbStore>(
      std::make_shared<OpenDb>(shared_, name, std::unique_ptr<rocksdb::DB>(raw)));
}

absl::Status RocksDbStoreFactory::Destroy(const std::string& name) {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  if (!shared_->Take(name)) {
    return absl::FailedPreconditionError(absl::StrCat("store ", name, " is open"));
  }
  // Renamed first: a crash in the middle of the removal must not leave half a store behind.
  const fs::path folder = fs::path(shared_->options.root) / name;
  const fs::path doomed = fs::path(shared_->options.root) / (kDestroyedPrefix + name);
  std::error_code error;
  fs::remove_all(doomed, error);
  if (!error && fs::exists(folder, error)) {
    fs::rename(folder, doomed, error);
    if (!error) fs::remove_all(doomed, error);
  }
  shared_->Release(name);
  return ToStatus(error, absl::StrCat("destroying store ", name));
}

}  // namespace regulars::store
