#include "libs/store/rocksdb_follower.h"

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <stdlib.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace regulars::store {

namespace fs = std::filesystem;

namespace {

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

absl::Status ToStatus(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsCorruption()) return absl::DataLossError(status.ToString());
  return absl::UnavailableError(status.ToString());
}

class TemporaryFolder {
 public:
  static absl::StatusOr<std::unique_ptr<TemporaryFolder>> Make() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "regulars-follower-XXXXXX").string();
    if (error || ::mkdtemp(name.data()) == nullptr) {
      return absl::UnavailableError("no temporary folder can be made");
    }
    return std::make_unique<TemporaryFolder>(std::move(name));
  }
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

class Follower final : public ReadView {
 public:
  Follower(std::unique_ptr<TemporaryFolder> own, std::unique_ptr<rocksdb::DB> db)
      : own_(std::move(own)), db_(std::move(db)) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override {
    std::string value;
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), ToSlice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return ToStatus(status);
    return value;
  }

  absl::Status Scan(std::string_view from, std::string_view to, const ScanFn& fn) const override {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    const rocksdb::Slice upper = ToSlice(to);
    if (!to.empty()) options.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
    for (it->Seek(ToSlice(from)); it->Valid(); it->Next()) {
      if (!fn(ToView(it->key()), ToView(it->value()))) break;
    }
    return ToStatus(it->status());
  }

 private:
  const std::unique_ptr<TemporaryFolder> own_;  // outlives the database
  const std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ReadView>> FollowRocksDb(const std::string& folder) {
  std::error_code ignored;
  if (!fs::exists(fs::path(folder) / "CURRENT", ignored)) {
    return absl::NotFoundError(absl::StrCat("no store in ", folder));
  }
  auto own = TemporaryFolder::Make();
  if (!own.ok()) return own.status();
  rocksdb::Options options;
  options.max_open_files = -1;  // a table that the writer removes stays readable
  options.info_log_level = rocksdb::InfoLogLevel::ERROR_LEVEL;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::OpenAsSecondary(options, folder, (*own)->path(), &raw);
  if (!status.ok()) return ToStatus(status);
  return std::make_unique<Follower>(*std::move(own), std::unique_ptr<rocksdb::DB>(raw));
}

}  // namespace regulars::store
