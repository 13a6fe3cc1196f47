#include "libs/store/memory_store.h"

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"

namespace regulars::store {
namespace {

using Map = std::map<std::string, std::string, std::less<>>;

std::optional<std::string> GetFrom(const Map& map, std::string_view key) {
  const auto it = map.find(key);
  if (it == map.end()) return std::nullopt;
  return it->second;
}

void ScanIn(const Map& map, std::string_view from, std::string_view to, const ScanFn& fn) {
  for (auto it = map.lower_bound(from); it != map.end(); ++it) {
    if (!to.empty() && it->first >= to) return;
    if (!fn(it->first, it->second)) return;
  }
}

}  // namespace

struct MemoryStoreFactory::Disk {
  std::atomic<bool> open = false;
  std::shared_ptr<Map> map = std::make_shared<Map>();
  bool shared = false;  // a snapshot may look at `map`: the next write copies it first
};

namespace {

// Held by the handle and its snapshots; the disk is closed when the last of them is gone.
class OpenDisk {
 public:
  explicit OpenDisk(std::shared_ptr<MemoryStoreFactory::Disk> disk) : disk_(std::move(disk)) {}
  ~OpenDisk() { disk_->open = false; }
  OpenDisk(const OpenDisk&) = delete;
  OpenDisk& operator=(const OpenDisk&) = delete;

  MemoryStoreFactory::Disk& disk() const { return *disk_; }

 private:
  const std::shared_ptr<MemoryStoreFactory::Disk> disk_;
};

class MemorySnapshot final : public ReadView {
 public:
  MemorySnapshot(std::shared_ptr<OpenDisk> open, std::shared_ptr<const Map> map)
      : open_(std::move(open)), map_(std::move(map)) {}
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override {
    return GetFrom(*map_, key);
  }
  absl::Status Scan(std::string_view from, std::string_view to, const ScanFn& fn) const override {
    ScanIn(*map_, from, to, fn);
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<OpenDisk> open_;
  const std::shared_ptr<const Map> map_;
};

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(std::shared_ptr<OpenDisk> open)
      : open_(std::move(open)), disk_(open_->disk()) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override {
    return GetFrom(*disk_.map, key);
  }
  absl::Status Scan(std::string_view from, std::string_view to, const ScanFn& fn) const override {
    ScanIn(*disk_.map, from, to, fn);
    return absl::OkStatus();
  }

  absl::Status Write(const std::vector<Op>& batch) override {
    if (absl::Status status = CheckBatch(batch); !status.ok()) return status;
    if (std::exchange(disk_.shared, false)) disk_.map = std::make_shared<Map>(*disk_.map);
    for (const Op& op : batch) {
      if (op.value.has_value()) {
        (*disk_.map)[op.key] = *op.value;
      } else {
        disk_.map->erase(op.key);
      }
    }
    return absl::OkStatus();
  }

  std::unique_ptr<ReadView> NewSnapshot() const override {
    disk_.shared = true;
    return std::make_unique<MemorySnapshot>(open_, disk_.map);
  }

 private:
  const std::shared_ptr<OpenDisk> open_;
  MemoryStoreFactory::Disk& disk_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> MemoryStoreFactory::Open(const std::string& name) {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Disk>& disk = disks_[name];
  if (disk == nullptr) disk = std::make_shared<Disk>();
  if (disk->open.exchange(true)) {
    return absl::FailedPreconditionError(absl::StrCat("store ", name, " is open"));
  }
  return std::make_unique<MemoryStore>(std::make_shared<OpenDisk>(disk));
}

absl::Status MemoryStoreFactory::Destroy(const std::string& name) {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  const auto it = disks_.find(name);
  if (it == disks_.end()) return absl::OkStatus();
  if (it->second->open) {
    return absl::FailedPreconditionError(absl::StrCat("store ", name, " is open"));
  }
  disks_.erase(it);
  return absl::OkStatus();
}

void MemoryStoreFactory::LoseDisk(const std::string& name) {
  const std::lock_guard lock(mutex_);
  disks_.erase(name);
}

std::vector<std::string> MemoryStoreFactory::Names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, disk] : disks_) names.push_back(name);
  return names;
}

}  // namespace regulars::store
