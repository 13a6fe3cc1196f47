// The group coordinator of the fake log: members, generations, committed and pending offsets.
// Part of fake_log.h. Not thread-safe; the broker's mutex guards it.
#ifndef REGULARS_LIBS_KAFKA_FAKE_GROUP_H_
#define REGULARS_LIBS_KAFKA_FAKE_GROUP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "libs/kafka/port.h"

namespace regulars::kafka::fake {

// What TxnOffsetCommit carries of the group (KIP-447, KIP-345).
class Token : public GroupToken {
 public:
  Token(std::string group_id, int32_t generation_id, std::string member, std::string instance)
      : group(std::move(group_id)),
        generation(generation_id),
        member_id(std::move(member)),
        instance_id(std::move(instance)) {}
  const std::string group;
  const int32_t generation;
  const std::string member_id;
  const std::string instance_id;
};

struct Member {
  std::string member_id;
  std::string instance_id;
  std::vector<std::string> topics;  // sorted
  int64_t last_poll_us = 0;
  bool joined = false;  // in the rebalance that is running
  bool told = false;    // has heard its assignment of this generation
  std::vector<TopicPartition> assignment;
};

class Group {
 public:
  using PartitionCounts = std::function<int32_t(const std::string& topic)>;

  explicit Group(std::string id) : id_(std::move(id)) {}
  const std::string& id() const { return id_; }
  int32_t generation() const { return generation_; }
  bool rebalancing() const { return rebalancing_; }

  // Joins and returns the new member id. A static member takes the place of the one with the same
  // instance id: without a rebalance if the group is stable and the subscription is the same.
  std::string Join(const std::string& instance_id, std::vector<std::string> topics, int64_t now_us,
                   const PartitionCounts& counts);
  Member* Find(const std::string& member_id);
  // The member has dropped its assignment and waits for the next generation.
  void Rejoin(Member* member, const PartitionCounts& counts);
  void Leave(const std::string& member_id, const PartitionCounts& counts);
  void EvictOlderThan(int64_t last_poll_us, const PartitionCounts& counts);
  bool InstanceTaken(const std::string& instance_id) const;

  // Empty if the token is of the current generation and member, else the name of Kafka's error.
  std::string Validate(const Token& token) const;

  // Offsets sent in a transaction wait here for its marker.
  void AddPending(int64_t producer_id, const std::vector<TopicPartitionOffset>& offsets);
  void Resolve(int64_t producer_id, bool commit);
  bool HasPending(const std::vector<TopicPartition>& partitions) const;
  int64_t CommittedOffset(const TopicPartition& partition) const;
  const std::map<TopicPartition, int64_t>& committed() const { return committed_; }
  void ForgetOffsets() { committed_.clear(); }

 private:
  void StartRebalance();
  void CompleteIfAllJoined(const PartitionCounts& counts);
  void AssignRanges(const PartitionCounts& counts);

  const std::string id_;
  int32_t generation_ = 0;
  int64_t next_member_ = 0;
  bool rebalancing_ = false;
  std::map<std::string, Member> members_;  // by member id
  std::map<TopicPartition, int64_t> committed_;
  std::map<int64_t, std::map<TopicPartition, int64_t>> pending_;  // by producer id
};

}  // namespace regulars::kafka::fake

#endif  // REGULARS_LIBS_KAFKA_FAKE_GROUP_H_
