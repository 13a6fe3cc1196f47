#include "libs/shard/view_writer.h"

#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::shard {

using redis::ViewOp;

std::string ViewKey(const StateKeyParts& parts) {
  return ViewKey(parts.pool, parts.entity, parts.sub);
}

std::string ViewKey(std::string_view pool, std::string_view entity, std::string_view sub) {
  return Cat(pool, "|", entity, "|", sub);
}

std::string ViewValue(std::string_view stored) {
  runtime::v1::StateValue value;
  REGULARS_ASSERT(value.ParseFromArray(stored.data(), static_cast<int>(stored.size())),
                  "a state value is garbled");
  return std::move(*value.mutable_value());
}

ViewWriter::ViewWriter(std::unique_ptr<redis::View> view, ViewWriterOptions options,
                       std::function<bool(std::string_view sub)> in_view)
    : view_(std::move(view)), options_(std::move(options)), in_view_(std::move(in_view)) {}

redis::ShardId ViewWriter::Id(int32_t shard) const {
  return {options_.service, shard, options_.shard_count};
}

void ViewWriter::Own(const Ownership& ownership) {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto shard = std::make_shared<ShardView>();
  shard->owner = ownership;
  shards_[ownership.shard] = std::move(shard);
}

void ViewWriter::Lost(int32_t shard) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = shards_.find(shard);
  if (it == shards_.end()) return;
  for (const Transaction& transaction : it->second->queue) queued_bytes_ -= transaction.bytes;
  it->second->queue.clear();
  shards_.erase(it);
}

void ViewWriter::Append(int32_t shard_id, int64_t from_sequence, int64_t to_sequence,
                        std::vector<ViewOp> ops) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = shards_.find(shard_id);
  if (it == shards_.end()) return;
  ShardView* shard = it->second.get();
  if (shard->phase == Phase::kFenced) return;
  // While a rebuild waits for its snapshot, the snapshot will hold everything up to then.
  if (shard->phase == Phase::kWaitSnapshot && !shard->snapshot) return;
  Transaction transaction{from_sequence, to_sequence, std::move(ops), 0};
  for (const ViewOp& op : transaction.ops) transaction.bytes += BytesOf(op);
  if (queued_bytes_ + transaction.bytes > options_.queue_bytes_max) {
    ++counters_.overflows;
    Restart(shard);
    return;
  }
  queued_bytes_ += transaction.bytes;
  shard->queue.push_back(std::move(transaction));
}

void ViewWriter::Refresh(int32_t shard_id, int64_t sequence, std::vector<ViewOp> ops) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = shards_.find(shard_id);
  if (it == shards_.end() || it->second->phase != Phase::kLive) return;
  Transaction keys{sequence, sequence, std::move(ops), 0};
  for (const ViewOp& op : keys.ops) keys.bytes += BytesOf(op);
  if (queued_bytes_ + keys.bytes > options_.refresh_bytes_max) return;
  queued_bytes_ += keys.bytes;
  it->second->queue.push_back(std::move(keys));
}

void ViewWriter::Restart(ShardView* shard) {
  ++shard->restarts;
  for (const Transaction& transaction : shard->queue) queued_bytes_ -= transaction.bytes;
  shard->queue.clear();
  shard->snapshot.reset();
  shard->snapshot_sequence = -1;
  shard->resume_key.clear();
  shard->fresh = false;
  shard->phase = Phase::kWaitSnapshot;
}

bool ViewWriter::WantsSnapshot(int32_t shard) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = shards_.find(shard);
  return it != shards_.end() && it->second->phase == Phase::kWaitSnapshot && !it->second->snapshot;
}

void ViewWriter::GiveSnapshot(int32_t shard, int64_t sequence,
                              std::unique_ptr<store::ReadView> snapshot) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = shards_.find(shard);
  if (it == shards_.end()) return;
  it->second->snapshot = std::move(snapshot);
  it->second->snapshot_sequence = sequence;
}

bool ViewWriter::caught_up() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::all_of(shards_.begin(), shards_.end(), [](const auto& entry) {
    return entry.second->phase == Phase::kFenced ||
           (entry.second->phase == Phase::kLive && entry.second->queue.empty());
  });
}

ViewWriter::Counters ViewWriter::counters() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return counters_;
}

bool ViewWriter::Step(int64_t steady_us) {
  std::vector<int32_t> ids;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [id, shard] : shards_) ids.push_back(id);
  }
  bool worked = false;
  for (const int32_t id : ids) worked |= StepShard(id, steady_us);
  return worked;
}

size_t ViewWriter::BytesOf(const ViewOp& op) {
  // What a key may hold inside one request beside its value.
  constexpr size_t kKeyOverheadBytes = 64;
  return op.key.size() + (op.value ? op.value->size() : 0) + kKeyOverheadBytes;
}

bool ViewWriter::StepShard(int32_t id, int64_t steady_us) {
  std::shared_ptr<ShardView> shard;  // shared: Lost may erase it meanwhile
  Phase phase = Phase::kFenced;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = shards_.find(id);
    if (it == shards_.end()) return false;
    shard = it->second;
    phase = shard->phase;
    if (phase == Phase::kWaitSnapshot && shard->snapshot) phase = Phase::kClaiming;
  }
  switch (phase) {
    case Phase::kClaiming:
      return Claim(id, shard.get());
    case Phase::kWaitSnapshot:
    case Phase::kFenced:
      return false;
    case Phase::kRebuilding:
      return Rebuild(id, shard.get());
    case Phase::kLive:
      return Drain(id, shard.get()) || Check(id, shard.get(), steady_us);
  }
  return false;
}

}  // namespace regulars::shard
