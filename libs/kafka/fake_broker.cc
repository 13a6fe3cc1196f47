#include "libs/kafka/fake_broker.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

namespace regulars::kafka::fake {

namespace {

int64_t WallClockUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Broker::Broker(FakeLogOptions opts) : options(std::move(opts)) {}

FakeFault Broker::Consult(FakeOp op, std::string_view process, std::string_view client) const {
  if (!options.fault) return {};
  return options.fault({.op = op, .process = process, .client = client});
}

int64_t Broker::Now() const { return options.now_us ? options.now_us() : WallClockUs(); }

absl::Status Broker::CreateTopic(const std::string& topic, int32_t partitions) {
  if (partitions <= 0) return absl::InvalidArgumentError("a topic needs at least one partition");
  auto [it, is_new] = topics_.try_emplace(topic);
  if (!is_new) {
    if (static_cast<int32_t>(it->second.size()) == partitions) return absl::OkStatus();
    return absl::AlreadyExistsError(absl::StrCat(topic, " has ", it->second.size(), " partitions"));
  }
  auto name = std::make_shared<const std::string>(topic);
  for (int32_t p = 0; p < partitions; ++p) {
    it->second.push_back(std::make_unique<Partition>(name, p));
  }
  by_name_[topic] = &it->second;  // map nodes do not move
  return absl::OkStatus();
}

int32_t Broker::PartitionCount(const std::string& topic) const {
  auto it = by_name_.find(topic);
  return it == by_name_.end() ? 0 : static_cast<int32_t>(it->second->size());
}

Partition* Broker::FindPartition(const std::string& topic, int32_t id) {
  auto it = by_name_.find(topic);
  if (it == by_name_.end() || id < 0 || id >= static_cast<int32_t>(it->second->size())) {
    return nullptr;
  }
  return (*it->second)[static_cast<size_t>(id)].get();
}

Group* Broker::FindGroup(const std::string& id) {
  std::unique_ptr<Group>& group = groups_[id];
  if (group == nullptr) group = std::make_unique<Group>(id);
  return group.get();
}

Group::PartitionCounts Broker::Counts() {
  return [this](const std::string& topic) { return PartitionCount(topic); };
}

int32_t Broker::InitProducer(const std::string& id) {
  auto [it, is_new] = transactions_.try_emplace(id);
  Transaction& txn = it->second;
  if (is_new) txn.producer_id = next_producer_id_++;
  FinishHeld(&txn);
  ++txn.epoch;
  if (txn.phase == Phase::kOngoing) Finish(&txn, false);
  txn.phase = Phase::kEmpty;
  return txn.epoch;
}

void Broker::Begin(Transaction* txn) {
  FinishHeld(txn);
  if (txn->phase == Phase::kOngoing) return;
  txn->phase = Phase::kOngoing;
  txn->started_us = Now();
}

Refusal Broker::AddPartition(const std::string& id, int32_t epoch, Partition* partition) {
  Transaction& txn = transactions_.at(id);
  if (txn.epoch != epoch) return Refusal::kFenced;
  Begin(&txn);
  txn.partitions.insert(partition);
  return Refusal::kNone;
}

Refusal Broker::AddGroup(const std::string& id, int32_t epoch, Group* group) {
  Transaction& txn = transactions_.at(id);
  if (txn.epoch != epoch) return Refusal::kFenced;
  Begin(&txn);
  txn.groups.insert(group);
  return Refusal::kNone;
}

Refusal Broker::Verify(const std::string& id, int32_t epoch, Partition* partition) const {
  const Transaction& txn = transactions_.at(id);
  if (txn.epoch != epoch) return Refusal::kFenced;
  const bool open = txn.phase == Phase::kOngoing && txn.partitions.contains(partition);
  return open ? Refusal::kNone : Refusal::kInvalidState;
}

// As the coordinator answers: an end that repeats the last one is fine, the opposite one is not.
Refusal Broker::EndTxn(const std::string& id, int32_t epoch, bool commit, int64_t hold_us) {
  Transaction& txn = transactions_.at(id);
  if (txn.epoch != epoch) return Refusal::kFenced;
  switch (txn.phase) {
    case Phase::kOngoing:
      if (hold_us > 0) {
        txn.phase = commit ? Phase::kPrepareCommit : Phase::kPrepareAbort;
        txn.markers_due_us = Now() + hold_us;
      } else {
        Finish(&txn, commit);
      }
      return Refusal::kNone;
    case Phase::kPrepareCommit:
    case Phase::kCompleteCommit:
      return commit ? Refusal::kNone : Refusal::kInvalidState;
    case Phase::kPrepareAbort:
    case Phase::kCompleteAbort:
      return commit ? Refusal::kInvalidState : Refusal::kNone;
    case Phase::kEmpty:
      return Refusal::kInvalidState;
  }
  return Refusal::kInvalidState;
}

void Broker::Finish(Transaction* txn, bool commit) {
  const int64_t now = Now();
  for (Partition* partition : txn->partitions) partition->Mark(txn->producer_id, commit, now);
  for (Group* group : txn->groups) group->Resolve(txn->producer_id, commit);
  txn->partitions.clear();
  txn->groups.clear();
  txn->phase = commit ? Phase::kCompleteCommit : Phase::kCompleteAbort;
  changed.notify_all();
}

void Broker::FinishHeld(Transaction* txn) {
  if (txn->phase == Phase::kPrepareCommit) Finish(txn, true);
  if (txn->phase == Phase::kPrepareAbort) Finish(txn, false);
}

void Broker::DeliverEndTxnAgain(const std::string& id, int32_t epoch, bool commit,
                                int64_t delay_us) {
  late_.push_back({id, epoch, commit, Now() + delay_us});
}

void Broker::Tick() {
  const int64_t now = Now();
  std::vector<LateEndTxn> due;
  std::erase_if(late_, [&](const LateEndTxn& late) {
    if (late.due_us > now) return false;
    due.push_back(late);
    return true;
  });
  for (const LateEndTxn& late : due) {
    Transaction& txn = transactions_.at(late.id);
    if (txn.epoch != late.epoch || txn.phase != Phase::kOngoing) continue;
    Finish(&txn, late.commit);
    ++late_hits_;
  }
  for (auto& [id, txn] : transactions_) {
    const bool held = txn.phase == Phase::kPrepareCommit || txn.phase == Phase::kPrepareAbort;
    if (held && txn.markers_due_us <= now) FinishHeld(&txn);
    if (txn.phase == Phase::kOngoing && txn.started_us + options.transaction_timeout_us < now) {
      ++txn.epoch;  // the producer that slept is fenced
      Finish(&txn, false);
    }
  }
  for (auto& [id, group] : groups_) {
    group->EvictOlderThan(now - options.session_timeout_us, Counts());
  }
  std::erase_if(pulses_, [](const auto& p) { return p.second.expired(); });
  changed.notify_all();
}

void Broker::AddPulse(const std::string& process, std::shared_ptr<Pulse> pulse) {
  pulses_.emplace_back(process, std::move(pulse));
}

std::vector<std::shared_ptr<PlainQueue>> Broker::Queues() {
  std::vector<std::shared_ptr<PlainQueue>> out;
  std::erase_if(queues_, [&](const std::weak_ptr<PlainQueue>& weak) {
    auto queue = weak.lock();
    if (queue != nullptr) out.push_back(queue);
    return queue == nullptr;
  });
  return out;
}

void Broker::Kill(const std::string& process) {
  for (auto& [name, weak] : pulses_) {
    if (name != process) continue;
    if (auto pulse = weak.lock()) pulse->dead = true;
  }
  std::erase_if(pulses_, [&](const auto& p) { return p.first == process; });
  changed.notify_all();
}

}  // namespace regulars::kafka::fake
