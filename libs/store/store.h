// The local store of one shard: an ordered map of bytes, written in atomic batches. Two
// implementations, RocksDB (`rocksdb_store.h`) and memory (`memory_store.h`), one conformance
// suite.
//
// It is a cache of the log: written only after the Kafka transaction committed, without fsync, with
// the changelog position in the same batch. A crash leaves it behind the log, never ahead: what is
// found after any crash is the state after some prefix of the batches.
//
// Thread-safety: Get, Write and Scan by the shard's thread; NewSnapshot by that thread, a Snapshot
// may then be read by one other thread while the store is written. A factory may be used by any
// thread.
//
// Errors: INVALID_ARGUMENT a name or a limit; FAILED_PRECONDITION the store is open already (or
// still); DATA_LOSS the files are spoiled: Destroy and replay the log from 0; RESOURCE_EXHAUSTED
// the disk is full; UNAVAILABLE any other I/O error. After an error from Write other than
// INVALID_ARGUMENT the store must be closed and opened again.
#ifndef REGULARS_LIBS_STORE_STORE_H_
#define REGULARS_LIBS_STORE_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace regulars::store {

inline constexpr size_t kNameBytesMax = 128;
inline constexpr size_t kKeyBytesMax = 4096;
inline constexpr size_t kValueBytesMax = size_t{4} << 20;

// A change of one key; nullopt deletes.
struct Op {
  std::string key;
  std::optional<std::string> value;
};

// fn(key, value) returns false to stop. The views are valid during the call only.
using ScanFn = std::function<bool(std::string_view key, std::string_view value)>;

class ReadView {
 public:
  virtual ~ReadView() = default;
  virtual absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const = 0;
  // Keys in [from, to) in byte order; an empty `to` means no upper bound.
  virtual absl::Status Scan(std::string_view from, std::string_view to, const ScanFn& fn) const = 0;
};

class Store : public ReadView {
 public:
  // Applies all of the batch or none of it; a later op on a key wins.
  virtual absl::Status Write(const std::vector<Op>& batch) = 0;
  // A consistent view as of now. It may outlive the handle, but it keeps the store open: until it
  // is gone, Open and Destroy of the name are FAILED_PRECONDITION. Drop it soon.
  virtual std::unique_ptr<ReadView> NewSnapshot() const = 0;
};

class StoreFactory {
 public:
  virtual ~StoreFactory() = default;
  // Opens or creates the store called `name` (letters, digits, '-'). One open handle at a time.
  virtual absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& name) = 0;
  // Removes a closed store and everything in it.
  virtual absl::Status Destroy(const std::string& name) = 0;
};

// The limits above; shared by the implementations.
absl::Status CheckName(std::string_view name);
absl::Status CheckBatch(const std::vector<Op>& batch);

}  // namespace regulars::store

#endif  // REGULARS_LIBS_STORE_STORE_H_
