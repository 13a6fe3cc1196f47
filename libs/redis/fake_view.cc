#include "libs/redis/fake_view.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/assert.h"
#include "libs/redis/view_keys.h"

namespace regulars::redis {

void FakeViewServer::FlushAll() {
  const std::lock_guard lock(mutex_);
  data_ = Data();
}

FakeViewServer::Data FakeViewServer::TakeDump() const {
  const std::lock_guard lock(mutex_);
  return data_;
}

void FakeViewServer::RestoreDump(Data dump) {
  const std::lock_guard lock(mutex_);
  data_ = std::move(dump);
}

void FakeViewServer::SetAway(bool away) {
  const std::lock_guard lock(mutex_);
  away_ = away;
}

void FakeViewServer::LoseNextAnswer() {
  const std::lock_guard lock(mutex_);
  lose_next_answer_ = true;
}

void FakeViewServer::FailApply(int64_t n) {
  const std::lock_guard lock(mutex_);
  fail_apply_in_ = n;
}

void FakeViewServer::LoseFunctions() {
  const std::lock_guard lock(mutex_);
  functions_loaded_ = false;
}

int64_t FakeViewServer::EvictRandom(uint64_t seed, int64_t count) {
  const std::lock_guard lock(mutex_);
  std::mt19937_64 random(seed);
  int64_t evicted = 0;
  for (; evicted < count && !data_.keys.empty(); ++evicted) {
    auto it = data_.keys.begin();
    std::advance(it, static_cast<int64_t>(random() % data_.keys.size()));
    data_.keys.erase(it);
  }
  return evicted;
}

bool FakeViewServer::Rot(const std::string& full_key, std::optional<std::string> value) {
  const std::lock_guard lock(mutex_);
  const auto it = data_.keys.find(full_key);
  if (it == data_.keys.end()) return false;
  if (value.has_value()) {
    it->second = *std::move(value);
  } else {
    data_.keys.erase(it);
  }
  return true;
}

bool FakeViewServer::HoldNextWrite() {
  const std::lock_guard lock(mutex_);
  if (hold_next_ || held_) return false;
  return hold_next_ = true;
}

bool FakeViewServer::Held(std::function<void()> call) {
  if (!std::exchange(hold_next_, false)) return false;
  held_ = std::move(call);
  return true;
}

bool FakeViewServer::DeliverHeld() {
  const std::lock_guard lock(mutex_);
  const std::function<void()> call = std::exchange(held_, nullptr);
  hold_next_ = false;
  if (!call) return false;
  if (!away_) call();
  return true;
}

std::vector<std::string> FakeViewServer::KeyNames() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, value] : data_.keys) names.push_back(name);
  return names;
}

int64_t FakeViewServer::fenced_writes() const {
  const std::lock_guard lock(mutex_);
  return fenced_writes_;
}

ViewMeta* FakeViewServer::FindMeta(const ShardId& shard) {
  const auto it = data_.meta.find(MetaKey(shard));
  return it == data_.meta.end() ? nullptr : &it->second;
}

namespace {

bool IsFormer(const ViewMeta& meta, int64_t epoch, int64_t generation) {
  return epoch < meta.epoch || (epoch == meta.epoch && generation < meta.generation);
}

}  // namespace

ViewOutcome FakeViewServer::Guard(const ViewMeta* meta, int64_t epoch, int64_t generation) {
  if (!functions_loaded_) {
    functions_loaded_ = true;
    return ViewOutcome::kGap;
  }
  if (meta == nullptr) return ViewOutcome::kGap;
  if (IsFormer(*meta, epoch, generation)) {
    if (options_.break_fence) return ViewOutcome::kApplied;
    ++fenced_writes_;
    return ViewOutcome::kFenced;
  }
  return epoch == meta->epoch && generation == meta->generation ? ViewOutcome::kApplied
                                                                : ViewOutcome::kGap;
}

ViewOutcome FakeViewServer::Claim(const ShardId& shard, const std::string& log_id, int64_t epoch,
                                  int64_t generation, int64_t applied) {
  functions_loaded_ = true;
  const ViewMeta* const meta = FindMeta(shard);
  if (meta != nullptr && meta->log_id == log_id && IsFormer(*meta, epoch, generation) &&
      !options_.break_fence) {
    ++fenced_writes_;
    return ViewOutcome::kFenced;
  }
  data_.meta[MetaKey(shard)] =
      ViewMeta{.log_id = log_id, .epoch = epoch, .generation = generation, .applied = applied};
  return ViewOutcome::kApplied;
}

ViewOutcome FakeViewServer::Finish(const ShardId& shard, int64_t epoch, int64_t generation) {
  ViewMeta* const meta = FindMeta(shard);
  const ViewOutcome verdict = Guard(meta, epoch, generation);
  if (verdict == ViewOutcome::kApplied) meta->whole = true;
  return verdict;
}

ViewOutcome FakeViewServer::ApplyOne(const ShardId& shard, const ApplyRequest& request) {
  ViewMeta* const meta = FindMeta(shard);
  const ViewOutcome verdict = Guard(meta, request.epoch, request.generation);
  if (verdict != ViewOutcome::kApplied) return verdict;
  const bool former = IsFormer(*meta, request.epoch, request.generation);
  if (request.from != meta->applied && !former && !options_.break_position) {
    return request.to <= meta->applied ? ViewOutcome::kApplied : ViewOutcome::kGap;
  }
  const std::string prefix = GenerationPrefix(shard, request.generation);
  for (const ViewOp& op : request.ops) {
    if (op.value.has_value()) {
      data_.keys[prefix + op.key] = *op.value;
    } else {
      data_.keys.erase(prefix + op.key);
    }
  }
  meta->applied = request.to;
  return ViewOutcome::kApplied;
}

ViewOutcome FakeView::Claim(const ShardId& shard, const std::string& log_id, int64_t epoch,
                            int64_t generation, int64_t applied) {
  if (!ValidClaim(log_id, epoch, generation, applied)) return ViewOutcome::kInvalid;
  const std::lock_guard lock(server_->mutex_);
  if (server_->away_) return ViewOutcome::kAway;
  const auto late = [=, server = server_] {
    (void)server->Claim(shard, log_id, epoch, generation, applied);
  };
  if (server_->Held(late)) return ViewOutcome::kAway;
  const ViewOutcome outcome = server_->Claim(shard, log_id, epoch, generation, applied);
  return std::exchange(server_->lose_next_answer_, false) ? ViewOutcome::kAway : outcome;
}

ViewOutcome FakeView::Finish(const ShardId& shard, int64_t epoch, int64_t generation) {
  if (!ValidPosition(epoch) || !ValidPosition(generation)) return ViewOutcome::kInvalid;
  const std::lock_guard lock(server_->mutex_);
  if (server_->away_) return ViewOutcome::kAway;
  const auto late = [=, server = server_] { (void)server->Finish(shard, epoch, generation); };
  if (server_->Held(late)) return ViewOutcome::kAway;
  const ViewOutcome outcome = server_->Finish(shard, epoch, generation);
  return std::exchange(server_->lose_next_answer_, false) ? ViewOutcome::kAway : outcome;
}

std::vector<ViewOutcome> FakeView::Apply(const ShardId& shard,
                                         const std::vector<ApplyRequest>& requests) {
  if (!ValidApply(requests)) return {requests.size(), ViewOutcome::kInvalid};
  std::vector<ViewOutcome> outcomes;
  if (requests.empty()) return outcomes;
  const std::lock_guard lock(server_->mutex_);
  const auto late = [=, server = server_] {
    for (const ApplyRequest& request : requests) {
      if (server->ApplyOne(shard, request) != ViewOutcome::kApplied) return;
    }
  };
  if (!server_->away_ && server_->Held(late)) return {requests.size(), ViewOutcome::kAway};
  for (const ApplyRequest& request : requests) {
    ViewOutcome outcome = outcomes.empty() ? ViewOutcome::kApplied : outcomes.back();
    if (outcome == ViewOutcome::kApplied) {
      const bool fail = server_->fail_apply_in_ >= 0 && server_->fail_apply_in_-- == 0;
      outcome = server_->away_ || fail ? ViewOutcome::kAway : server_->ApplyOne(shard, request);
    }
    outcomes.push_back(outcome);
  }
  if (!server_->away_ && std::exchange(server_->lose_next_answer_, false)) {
    return {requests.size(), ViewOutcome::kAway};
  }
  return outcomes;
}

absl::StatusOr<std::optional<ViewMeta>> FakeView::Meta(const ShardId& shard) {
  const std::lock_guard lock(server_->mutex_);
  if (server_->away_) return absl::UnavailableError("the view is away");
  const ViewMeta* const meta = server_->FindMeta(shard);
  if (meta == nullptr) return std::nullopt;
  return *meta;
}

absl::StatusOr<ViewRead> FakeView::Read(const ShardId& shard,
                                        const std::vector<std::string>& keys) {
  if (keys.size() > kReadKeysMax) return absl::InvalidArgumentError("too many keys in one read");
  const std::lock_guard lock(server_->mutex_);
  if (server_->away_) return absl::UnavailableError("the view is away");
  ViewRead read;
  read.values.resize(keys.size());
  const ViewMeta* const meta = server_->FindMeta(shard);
  if (meta == nullptr) return read;
  read.meta = *meta;
  const std::string prefix = GenerationPrefix(shard, meta->generation);
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto it = server_->data_.keys.find(prefix + keys[i]);
    if (it != server_->data_.keys.end()) read.values[i] = it->second;
  }
  return read;
}

absl::StatusOr<SweepStep> FakeView::Sweep(const ShardId& shard, int64_t generation, int64_t limit) {
  if (limit <= 0) return absl::InvalidArgumentError("a sweep needs a positive limit");
  const std::lock_guard lock(server_->mutex_);
  if (server_->away_) return absl::UnavailableError("the view is away");
  const std::string prefix = KeyPrefix(shard);
  std::map<std::string, std::string>& keys = server_->data_.keys;
  SweepStep step;
  auto it = keys.lower_bound(prefix);
  while (it != keys.end() && it->first.starts_with(prefix) && step.removed < limit) {
    const std::optional<int64_t> found = GenerationOf(prefix, it->first);
    REGULARS_ASSERT(found.has_value(), "a member key without a generation");
    if (*found < generation) {
      it = keys.erase(it);
      ++step.removed;
    } else {
      ++it;
    }
  }
  step.done = it == keys.end() || !it->first.starts_with(prefix);
  return step;
}

absl::StatusOr<std::vector<ViewOp>> FakeView::Dump(const ShardId& shard) {
  const std::lock_guard lock(server_->mutex_);
  if (server_->away_) return absl::UnavailableError("the view is away");
  std::vector<ViewOp> dump;
  const ViewMeta* const meta = server_->FindMeta(shard);
  if (meta == nullptr) return dump;
  const std::string prefix = GenerationPrefix(shard, meta->generation);
  for (auto it = server_->data_.keys.lower_bound(prefix);
       it != server_->data_.keys.end() && it->first.starts_with(prefix); ++it) {
    dump.push_back(ViewOp{.key = it->first.substr(prefix.size()), .value = it->second});
  }
  return dump;
}

}  // namespace regulars::redis
