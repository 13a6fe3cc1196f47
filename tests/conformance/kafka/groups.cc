// Promises about groups: who gets what, whose offsets count.
#include <algorithm>
#include <thread>

#include "tests/conformance/kafka/suite.h"

namespace regulars::kafka::conformance {
namespace {

using Groups = LogConformance;

TEST_F(Groups, NothingIsFetchedBeforeAssign) {
  const std::string topic = NewTopic();
  CommitValues(topic, {"a"});
  Heard heard;
  auto member = Member(Unique("g"), "slot-0", {topic}, &heard);
  EXPECT_EQ(member->Group(), nullptr);
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return heard.has_assignment; }));
  EXPECT_NE(member->Group(), nullptr);
  std::string values;
  EXPECT_FALSE(PollUntil(
      {member.get()}, [&] { return !values.empty(); }, &values, absl::Milliseconds(500)));
  ASSERT_TRUE(member->Assign({{topic, 0, 0}}).ok());
  EXPECT_TRUE(PollUntil(
      {member.get()}, [&] { return values == "a"; }, &values));
}

TEST_F(Groups, AssignStartsAtExplicitOffsetsAndReplacesTheSet) {
  const std::string topic = NewTopic(2);
  CommitValues(topic, {"a", "b", "c"});
  Heard heard;
  auto member = Member(Unique("g"), "slot-0", {topic}, &heard);
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return heard.has_assignment; }));
  std::string values;
  ASSERT_TRUE(member->Assign({{topic, 0, 1}, {topic, 1, 0}}).ok());
  EXPECT_TRUE(PollUntil(
      {member.get()}, [&] { return values == "bc"; }, &values))
      << values;
  values.clear();
  ASSERT_TRUE(member->Assign({{topic, 0, 0}}).ok());  // back
  EXPECT_TRUE(PollUntil(
      {member.get()}, [&] { return values == "abc"; }, &values))
      << values;
  ASSERT_TRUE(member->Assign({{topic, 1, 0}}).ok());  // partition 0 is out
  CommitValues(topic, {"d"});
  EXPECT_FALSE(PollUntil(
      {member.get()}, [&] { return values != "abc"; }, &values, absl::Milliseconds(500)));
  EXPECT_EQ(member->Assign({{topic, 0, kNoOffset}}).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(Groups, ARebalanceRevokesBeforeItAssignsAndRangeKeepsPartitionsTogether) {
  const std::string one = NewTopic(4);
  const std::string two = NewTopic(4);
  const std::string group = Unique("g");
  Heard first_heard;
  Heard second_heard;
  auto first = Member(group, "slot-0", {one, two}, &first_heard);
  ASSERT_TRUE(PollUntil({first.get()}, [&] { return first_heard.assigned.size() == 8; }));
  auto second = Member(group, "slot-1", {one, two}, &second_heard);
  ASSERT_TRUE(PollUntil({first.get(), second.get()}, [&] {
    return first_heard.assigned.size() == 4 && second_heard.assigned.size() == 4;
  }));
  EXPECT_EQ(first_heard.story, "+-+");
  for (const Heard* heard : {&first_heard, &second_heard}) {
    for (const TopicPartition& p : heard->assigned) {
      const TopicPartition twin{p.topic == one ? two : one, p.partition};
      EXPECT_NE(std::find(heard->assigned.begin(), heard->assigned.end(), twin),
                heard->assigned.end())
          << "partition " << p.partition << " of the other topic is elsewhere";
    }
  }
}

TEST_F(Groups, ADynamicMemberThatLeavesGivesItsPartitionsBackAtOnce) {
  const std::string topic = NewTopic(2);
  const std::string group = Unique("g");
  Heard stays_heard;
  Heard leaves_heard;
  auto stays = Member(group, "", {topic}, &stays_heard);
  auto leaves = Member(group, "", {topic}, &leaves_heard);
  ASSERT_TRUE(PollUntil({stays.get(), leaves.get()}, [&] {
    return stays_heard.assigned.size() == 1 && leaves_heard.assigned.size() == 1;
  }));
  leaves.reset();
  EXPECT_TRUE(PollUntil(
      {stays.get()}, [&] { return stays_heard.assigned.size() == 2; }, nullptr, absl::Seconds(8)));
  EXPECT_EQ(leaves_heard.story.back(), '+') << "a destroyed consumer calls nobody";
}

TEST_F(Groups, OffsetsSentInATransactionCountOnlyAfterItsCommit) {
  const std::string topic = NewTopic();
  CommitValues(topic, {"a", "b"});
  Heard heard;
  auto member = Member(Unique("g"), "slot-0", {topic}, &heard);
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return heard.has_assignment; }));
  auto committed = [&](absl::Duration timeout) { return member->Committed({{topic, 0}}, timeout); };
  EXPECT_EQ(committed(kLong).value()[0].offset, kNoOffset);

  auto producer = ReadyProducer(Unique("tx"));
  ASSERT_TRUE(producer->Begin().ok());
  TxnResult result = producer->SendOffsets({{topic, 0, 1}}, *member->Group(), kLong);
  ASSERT_TRUE(result.ok()) << result.message;
  EXPECT_EQ(committed(absl::Milliseconds(500)).status().code(), absl::StatusCode::kUnavailable)
      << "an open transaction has offsets here";
  ASSERT_TRUE(producer->Abort(kLong).ok());
  EXPECT_EQ(committed(kLong).value()[0].offset, kNoOffset);

  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->SendOffsets({{topic, 0, 2}}, *member->Group(), kLong).ok());
  ASSERT_TRUE(producer->Commit(kLong).ok());
  EXPECT_EQ(committed(kLong).value()[0].offset, 2) << "waits for the markers";
}

TEST_F(Groups, AStaleTokenIsRefusedWithAbort) {
  const std::string topic = NewTopic(2);
  const std::string group = Unique("g");
  Heard first_heard;
  Heard second_heard;
  auto first = Member(group, "slot-0", {topic}, &first_heard);
  ASSERT_TRUE(PollUntil({first.get()}, [&] { return first_heard.assigned.size() == 2; }));
  const std::shared_ptr<const GroupToken> stale = first->Group();
  auto second = Member(group, "slot-1", {topic}, &second_heard);
  ASSERT_TRUE(PollUntil({first.get(), second.get()}, [&] {
    return first_heard.assigned.size() == 1 && second_heard.assigned.size() == 1;
  }));
  auto producer = ReadyProducer(Unique("tx"));
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->Produce(Rec(topic, 0, "k", "doubled")).ok());
  TxnResult result = producer->SendOffsets({{topic, 0, 5}}, *stale, kLong);
  EXPECT_EQ(result.error, TxnError::kAbort) << result.message;
  EXPECT_EQ(producer->Commit(kLong).error, TxnError::kAbort) << "only Abort is left";
  ASSERT_TRUE(producer->Abort(kLong).ok());
  EXPECT_FALSE(producer->dirty()) << "the broker's answer leaves nothing in flight";

  ASSERT_TRUE(producer->Begin().ok());
  result = producer->SendOffsets({{topic, 0, kNoOffset}}, *stale, kLong);
  EXPECT_TRUE(result.ok()) << "logical offsets fence nothing: " << result.message;
  result = producer->SendOffsets({{topic, 0, 5}}, *first->Group(), kLong);
  EXPECT_TRUE(result.ok()) << result.message;
  ASSERT_TRUE(producer->Commit(kLong).ok());
}

TEST_F(Groups, ANewMemberWithTheSameInstanceIdFencesTheOldOneWithoutARebalance) {
  const std::string topic = NewTopic(2);
  const std::string group = Unique("g");
  Heard old_heard;
  Heard new_heard;
  Heard other_heard;
  auto old_one = Member(group, "slot-0", {topic}, &old_heard);
  auto other = Member(group, "slot-1", {topic}, &other_heard);
  ASSERT_TRUE(PollUntil({old_one.get(), other.get()}, [&] {
    return old_heard.assigned.size() == 1 && other_heard.assigned.size() == 1;
  }));
  const std::vector<TopicPartition> place = old_heard.assigned;
  const std::string old_story = old_heard.story;
  const std::string other_story = other_heard.story;
  const std::shared_ptr<const GroupToken> stale = old_one->Group();
  auto new_one = Member(group, "slot-0", {topic}, &new_heard);
  ASSERT_TRUE(PollUntil({new_one.get(), other.get()}, [&] { return new_heard.has_assignment; }));
  EXPECT_EQ(new_heard.assigned, place);
  EXPECT_EQ(other_heard.story, other_story) << "nobody else is disturbed";

  absl::Status fenced;
  const absl::Time until = absl::Now() + kLong;
  while (fenced.ok() && absl::Now() < until) fenced = old_one->Poll(kShort).status();
  EXPECT_EQ(fenced.code(), absl::StatusCode::kFailedPrecondition) << fenced;
  EXPECT_FALSE(old_one->Poll(kShort).ok()) << "for good";
  EXPECT_EQ(old_heard.story, old_story) << "nothing is revoked: the error says it all";

  auto producer = ReadyProducer(Unique("tx"));
  ASSERT_TRUE(producer->Begin().ok());
  const TxnResult result = producer->SendOffsets({{topic, 0, 5}}, *stale, kLong);
  EXPECT_EQ(result.error, TxnError::kAbort) << result.message;
  EXPECT_TRUE(producer->Abort(kLong).ok());
}

TEST_F(Groups, AStaticMemberThatIsDestroyedKeepsItsPlace) {
  const std::string topic = NewTopic(2);
  const std::string group = Unique("g");
  Heard first_heard;
  Heard stays_heard;
  auto first = Member(group, "slot-0", {topic}, &first_heard);
  auto stays = Member(group, "slot-1", {topic}, &stays_heard);
  ASSERT_TRUE(PollUntil({first.get(), stays.get()}, [&] {
    return first_heard.assigned.size() == 1 && stays_heard.assigned.size() == 1;
  }));
  const std::vector<TopicPartition> place = first_heard.assigned;
  const std::string story = stays_heard.story;
  first.reset();
  Heard again_heard;
  auto again = Member(group, "slot-0", {topic}, &again_heard);
  ASSERT_TRUE(PollUntil({again.get(), stays.get()}, [&] { return again_heard.has_assignment; }));
  EXPECT_EQ(again_heard.assigned, place);
  EXPECT_EQ(stays_heard.story, story);
}

TEST_F(Groups, WakeInterruptsPollAndIsNotLostBeforeIt) {
  const std::string topic = NewTopic();
  Heard heard;
  auto member = Member(Unique("g"), "slot-0", {topic}, &heard);
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return heard.has_assignment; }));
  ASSERT_TRUE(member->Assign({{topic, 0, 0}}).ok());
  for (int i = 0; i < 20; ++i) {
    const absl::Time start = absl::Now();
    std::thread waker([&] { member->Wake(); });
    // A wake may end the poll it interrupts or the next one, but no poll sleeps through it.
    auto record = member->Poll(kLong);
    waker.join();
    ASSERT_TRUE(record.ok());
    EXPECT_FALSE(record->has_value());
    EXPECT_LT(absl::Now() - start, absl::Seconds(5)) << i;
  }
  (void)member->Poll(kShort);
  member->Wake();
  const absl::Time start = absl::Now();
  ASSERT_TRUE(member->Poll(kLong).ok());
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
}

TEST_F(Groups, APositionThatIsNotInTheLogIsAnError) {
  const std::string topic = NewTopic();
  CommitValues(topic, {"a", "b", "c"});
  ASSERT_TRUE(backend_->DeleteRecordsBefore({topic, 0}, 2).ok());
  EXPECT_EQ(Marks(topic).low, 2);
  for (const int64_t bad : {int64_t{0}, int64_t{50}}) {
    Heard heard;
    auto member = Member(Unique("g"), "slot-0", {topic}, &heard);
    ASSERT_TRUE(PollUntil({member.get()}, [&] { return heard.has_assignment; }));
    ASSERT_TRUE(member->Assign({{topic, 0, bad}}).ok());
    absl::Status status;
    const absl::Time until = absl::Now() + kLong;
    while (status.ok() && absl::Now() < until) status = member->Poll(kShort).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange) << bad << ": " << status;
    EXPECT_FALSE(member->Poll(kShort).ok()) << "only good for destruction";

    auto reader = log().NewReader().value();
    status = reader->ReadRange(
        {topic, 0}, bad, 60, [](const Record&) { return true; }, kLong);
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange) << bad << ": " << status;
  }
}

}  // namespace
}  // namespace regulars::kafka::conformance
