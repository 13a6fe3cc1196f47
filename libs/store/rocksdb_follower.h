// Reads the store of another process while that process writes it: for tools, never for services.
//
// The view is the store at some moment not later than now (a prefix of its batches, as after a
// crash) and stays as it was opened. Nothing in the folder is changed; RocksDB's own log goes to a
// temporary folder that is removed with the object. Thread-safety: as ReadView. Errors: NOT_FOUND
// when there is no store in the folder, DATA_LOSS spoiled files, UNAVAILABLE any other I/O error,
// also when the writer changed too much while it was being opened: try again.
#ifndef REGULARS_LIBS_STORE_ROCKSDB_FOLLOWER_H_
#define REGULARS_LIBS_STORE_ROCKSDB_FOLLOWER_H_

#include <memory>
#include <string>

#include "libs/store/store.h"

namespace regulars::store {

absl::StatusOr<std::unique_ptr<ReadView>> FollowRocksDb(const std::string& folder);

}  // namespace regulars::store

#endif  // REGULARS_LIBS_STORE_ROCKSDB_FOLLOWER_H_
