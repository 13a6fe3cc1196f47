// The local store in memory, for tests and simulation. The factory is the disk: a closed store
// keeps its data until it is destroyed or lost. Thread-safety: as store.h; a store and its
// snapshots may be used after the factory is gone.
#ifndef REGULARS_LIBS_STORE_MEMORY_STORE_H_
#define REGULARS_LIBS_STORE_MEMORY_STORE_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libs/store/store.h"

namespace regulars::store {

class MemoryStoreFactory final : public StoreFactory {
 public:
  absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& name) override;
  absl::Status Destroy(const std::string& name) override;

  // The disk under `name` is gone: the next Open finds nothing. An open handle goes on with what it
  // had, as a process does whose files were unlinked.
  void LoseDisk(const std::string& name);
  // Every store that has been opened and not destroyed or lost, in order of name.
  std::vector<std::string> Names() const;

  // What a store holds; shared between the factory (the disk) and the open handle. Not for callers.
  struct Disk;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Disk>> disks_;
};

}  // namespace regulars::store

#endif  // REGULARS_LIBS_STORE_MEMORY_STORE_H_
