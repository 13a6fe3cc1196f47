#include "libs/kafka/fake_group.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"

namespace regulars::kafka::fake {

std::string Group::Join(const std::string& instance_id, std::vector<std::string> topics,
                        int64_t now_us, const PartitionCounts& counts) {
  std::sort(topics.begin(), topics.end());
  Member member;
  member.member_id = absl::StrFormat("%s-%06d", instance_id, next_member_++);
  member.instance_id = instance_id;
  member.topics = std::move(topics);
  member.last_poll_us = now_us;
  bool rebalance = true;
  if (!instance_id.empty()) {
    for (auto it = members_.begin(); it != members_.end(); ++it) {
      if (it->second.instance_id != instance_id) continue;
      if (!rebalancing_ && it->second.topics == member.topics) {
        member.assignment = it->second.assignment;
        rebalance = false;
      }
      members_.erase(it);
      break;
    }
  }
  const std::string id = member.member_id;
  members_.emplace(id, std::move(member));
  if (rebalance) {
    StartRebalance();
    members_.at(id).joined = true;
    CompleteIfAllJoined(counts);
  }
  return id;
}

Member* Group::Find(const std::string& member_id) {
  auto it = members_.find(member_id);
  return it == members_.end() ? nullptr : &it->second;
}

void Group::Rejoin(Member* member, const PartitionCounts& counts) {
  member->joined = true;
  CompleteIfAllJoined(counts);
}

void Group::Leave(const std::string& member_id, const PartitionCounts& counts) {
  if (members_.erase(member_id) == 0) return;
  StartRebalance();
  CompleteIfAllJoined(counts);
}

void Group::EvictOlderThan(int64_t last_poll_us, const PartitionCounts& counts) {
  const size_t before = members_.size();
  std::erase_if(members_, [&](const auto& m) { return m.second.last_poll_us < last_poll_us; });
  if (members_.size() == before) return;
  StartRebalance();
  CompleteIfAllJoined(counts);
}

bool Group::InstanceTaken(const std::string& instance_id) const {
  return std::any_of(members_.begin(), members_.end(),
                     [&](const auto& m) { return m.second.instance_id == instance_id; });
}

// A rebalance that is already running goes on: who has joined need not join again.
void Group::StartRebalance() {
  if (rebalancing_) return;
  rebalancing_ = true;
  for (auto& [id, member] : members_) member.joined = false;
}

void Group::CompleteIfAllJoined(const PartitionCounts& counts) {
  if (!rebalancing_) return;
  for (const auto& [id, member] : members_) {
    if (!member.joined) return;
  }
  rebalancing_ = false;
  ++generation_;
  AssignRanges(counts);
}

// The range assignor: per topic, consecutive partitions to the members in order of their ids.
void Group::AssignRanges(const PartitionCounts& counts) {
  std::set<std::string> topics;
  for (auto& [id, member] : members_) {
    member.assignment.clear();
    member.told = false;
    topics.insert(member.topics.begin(), member.topics.end());
  }
  for (const std::string& topic : topics) {
    std::vector<Member*> takers;
    for (auto& [id, member] : members_) {
      if (std::binary_search(member.topics.begin(), member.topics.end(), topic)) {
        takers.push_back(&member);
      }
    }
    const int32_t partitions = counts(topic);
    const int32_t each = partitions / static_cast<int32_t>(takers.size());
    int32_t extra = partitions % static_cast<int32_t>(takers.size());
    int32_t next = 0;
    for (Member* member : takers) {
      const int32_t until = next + each + (extra-- > 0 ? 1 : 0);
      for (; next < until; ++next) member->assignment.push_back({topic, next});
    }
  }
}

std::string Group::Validate(const Token& token) const {
  auto it = members_.find(token.member_id);
  if (it == members_.end()) {
    if (!token.instance_id.empty() && InstanceTaken(token.instance_id)) return "FENCED_INSTANCE_ID";
    return "UNKNOWN_MEMBER_ID";
  }
  if (token.generation != generation_) return "ILLEGAL_GENERATION";
  return "";
}

void Group::AddPending(int64_t producer_id, const std::vector<TopicPartitionOffset>& offsets) {
  auto& pending = pending_[producer_id];
  for (const TopicPartitionOffset& o : offsets) pending[{o.topic, o.partition}] = o.offset;
}

void Group::Resolve(int64_t producer_id, bool commit) {
  auto it = pending_.find(producer_id);
  if (it == pending_.end()) return;
  if (commit) {
    for (const auto& [partition, offset] : it->second) committed_[partition] = offset;
  }
  pending_.erase(it);
}

bool Group::HasPending(const std::vector<TopicPartition>& partitions) const {
  for (const auto& [producer_id, offsets] : pending_) {
    for (const TopicPartition& partition : partitions) {
      if (offsets.contains(partition)) return true;
    }
  }
  return false;
}

int64_t Group::CommittedOffset(const TopicPartition& partition) const {
  auto it = committed_.find(partition);
  return it == committed_.end() ? kNoOffset : it->second;
}

}  // namespace regulars::kafka::fake
