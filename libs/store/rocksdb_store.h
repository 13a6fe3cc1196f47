// The local store on RocksDB: one small database per store in a folder of its own below `root`.
// Make one factory per process: its stores share one block cache and one write buffer budget, so
// memory does not grow with the number of shards.
//
// Why there is a write-ahead log but no fsync: the Kafka log is the durability, so nothing needs to
// be on the disk; but every batch should be in the kernel when Write returns, so that a killed
// process comes back at the position it had instead of replaying a write buffer's worth of
// changelog, and so that what a power loss leaves is still a prefix: recovery
// (kPointInTimeRecovery) stops at the first record of the write-ahead log that is missing or torn.
// RocksDB syncs table files itself before it forgets the log they replace.
//
// Tuned for point lookups of keys that are mostly absent ("was this seen before?"): whole-key Bloom
// filters of 10 bits on every level and on the write buffer, filters and indexes kept in the block
// cache before data.
//
// Thread-safety and errors: store.h. Opening a folder that another process holds open is
// FAILED_PRECONDITION. A store may outlive its factory.
#ifndef REGULARS_LIBS_STORE_ROCKSDB_STORE_H_
#define REGULARS_LIBS_STORE_ROCKSDB_STORE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "libs/store/store.h"

namespace regulars::store {

struct RocksDbOptions {
  std::string root;  // made if missing, with mode 0700
  size_t block_cache_bytes = size_t{64} << 20;
  size_t write_buffer_bytes = size_t{32} << 20;
  int open_files_max = 256;  // table files open per store
  int background_threads = 2;
};

class RocksDbStoreFactory final : public StoreFactory {
 public:
  // Finishes destructions that a crash interrupted. INVALID_ARGUMENT for options that cannot work.
  static absl::StatusOr<std::unique_ptr<RocksDbStoreFactory>> Create(RocksDbOptions options);
  ~RocksDbStoreFactory() override;

  absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& name) override;
  absl::Status Destroy(const std::string& name) override;

  // What the stores share and which are open. Not for callers.
  struct Shared;

 private:
  explicit RocksDbStoreFactory(std::shared_ptr<Shared> shared);

  const std::shared_ptr<Shared> shared_;
};

}  // namespace regulars::store

#endif  // REGULARS_LIBS_STORE_ROCKSDB_STORE_H_
