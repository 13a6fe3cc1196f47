// What only the fake has: faults, kills, time, compaction. The promises it shares with the real log
// are in tests/conformance/kafka.
#include "libs/kafka/fake_log.h"

#include <gtest/gtest.h>

namespace regulars::kafka {
namespace {

using Kind = FakeFault::Kind;
const absl::Duration kNow = absl::ZeroDuration();

struct Listener : RebalanceListener {
  void OnAssigned(const std::vector<TopicPartition>& partitions) override {
    assigned = partitions;
    log += "A";
    if (on_assigned) on_assigned();
  }
  void OnRevoked(const std::vector<TopicPartition>&) override {
    assigned.clear();
    log += "R";
  }
  std::vector<TopicPartition> assigned;
  std::string log;
  std::function<void()> on_assigned;
};

class FakeLogTest : public testing::Test {
 protected:
  FakeLogTest() : log_(Options()) { EXPECT_TRUE(log_.CreateTopic("t", 2).ok()); }

  FakeLogOptions Options() {
    FakeLogOptions options;
    options.now_us = [this] { return now_us_; };
    options.fault = [this](const FakeCall& call) {
      if (next_fault_.kind == Kind::kNone || call.op != fault_op_) return FakeFault{};
      const FakeFault fault = next_fault_;
      next_fault_ = {};
      return fault;
    };
    return options;
  }
  void FailNext(FakeOp op, FakeFault fault) {
    fault_op_ = op;
    next_fault_ = fault;
  }
  std::unique_ptr<TransactionalProducer> Ready(const std::string& id) {
    auto producer = log_.NewTransactionalProducer({id}).value();
    EXPECT_TRUE(producer->Init(kNow).ok());
    return producer;
  }
  static OutRecord Rec(int32_t partition, const std::string& key, const std::string& value) {
    return {.topic = "t", .partition = partition, .key = key, .value = value, .headers = {}};
  }
  std::string Visible(int32_t partition) const {
    std::string out;
    for (const Record& r : log_.ReadCommitted({"t", partition})) out += r.value;
    return out;
  }

  int64_t now_us_ = 1'000'000;
  FakeOp fault_op_ = FakeOp::kPoll;
  FakeFault next_fault_;
  FakeLog log_;
};

TEST_F(FakeLogTest, ACommitWhoseAnswerIsLostIsCommittedAndItsRetryIsHarmless) {
  auto producer = Ready("p");
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->Produce(Rec(0, "k", "a")).ok());
  FailNext(FakeOp::kCommit, {.kind = Kind::kLostAnswer});
  EXPECT_EQ(producer->Commit(kNow).error, TxnError::kRetriable);
  EXPECT_TRUE(producer->dirty());
  EXPECT_EQ(Visible(0), "a");
  EXPECT_TRUE(producer->Commit(kNow).ok());
  EXPECT_EQ(Visible(0), "a");
  EXPECT_EQ(log_.EndOffset({"t", 0}), 2);
}

TEST_F(FakeLogTest, ALateCommitTearsTheNextTransactionOfTheSameEpoch) {
  auto producer = Ready("p");
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->Produce(Rec(0, "k", "a")).ok());
  FailNext(FakeOp::kCommit, {.kind = Kind::kLateEndTxn, .delay_us = 10});
  ASSERT_TRUE(producer->Commit(kNow).ok());
  EXPECT_TRUE(producer->dirty());
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->Produce(Rec(0, "k", "b")).ok());
  now_us_ += 20;
  log_.Tick();  // the late commit arrives
  ASSERT_TRUE(producer->Produce(Rec(1, "k", "c")).ok());
  ASSERT_TRUE(producer->Abort(kNow).ok());
  EXPECT_EQ(Visible(0), "ab") << "half of the aborted transaction is visible";
  EXPECT_EQ(Visible(1), "");
  EXPECT_EQ(log_.late_end_txn_hits(), 1);
}

TEST_F(FakeLogTest, ANewEpochStopsALateCommit) {
  auto producer = Ready("p");
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->Produce(Rec(0, "k", "a")).ok());
  FailNext(FakeOp::kCommit, {.kind = Kind::kLateEndTxn, .delay_us = 10});
  ASSERT_TRUE(producer->Commit(kNow).ok());
  auto successor = Ready("p");
  ASSERT_TRUE(successor->Begin().ok());
  ASSERT_TRUE(successor->Produce(Rec(0, "k", "b")).ok());
  now_us_ += 20;
  log_.Tick();
  EXPECT_EQ(Visible(0), "a");
  ASSERT_TRUE(successor->Abort(kNow).ok());
  EXPECT_EQ(Visible(0), "a");
  EXPECT_EQ(log_.late_end_txn_hits(), 0);
}

TEST_F(FakeLogTest, AHeldCommitIsVisibleOnlyWhenItsMarkersAreWritten) {
  auto producer = Ready("p");
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->Produce(Rec(0, "k", "a")).ok());
  FailNext(FakeOp::kCommit, {.kind = Kind::kHold, .delay_us = 10});
  ASSERT_TRUE(producer->Commit(kNow).ok());
  EXPECT_EQ(Visible(0), "");
  EXPECT_EQ(log_.OpenTransactions(), std::vector<std::string>{"p"});
  now_us_ += 10;
  log_.Tick();
  EXPECT_EQ(Visible(0), "a");
}

TEST_F(FakeLogTest, AKilledProcessLeavesItsTransactionOpenUntilItTimesOut) {
  auto process = log_.ForProcess("w1");
  auto producer = process->NewTransactionalProducer({"p"}).value();
  ASSERT_TRUE(producer->Init(kNow).ok());
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->Produce(Rec(0, "k", "a")).ok());
  log_.KillProcess("w1");
  EXPECT_EQ(producer->Commit(kNow).error, TxnError::kFatal);
  producer.reset();
  now_us_ += 10'000'000;
  log_.Tick();
  EXPECT_EQ(log_.OpenTransactions().size(), 1U);
  now_us_ += 1;
  log_.Tick();
  EXPECT_TRUE(log_.OpenTransactions().empty());
  EXPECT_EQ(Visible(0), "");
}

TEST_F(FakeLogTest, ATransactionThatTimedOutFencesItsSleepingProducer) {
  auto producer = Ready("p");
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->Produce(Rec(0, "k", "a")).ok());
  now_us_ += 10'000'001;
  log_.Tick();
  EXPECT_EQ(producer->Produce(Rec(0, "k", "b")).error, TxnError::kFatal);
  EXPECT_EQ(producer->Commit(kNow).error, TxnError::kFatal);
}

TEST_F(FakeLogTest, ASilentMemberIsEvictedAndItsTokenIsWorthless) {
  Listener sleeper_heard;
  Listener heir_heard;
  auto sleeper = log_.NewConsumer({"g", "slot-0"}).value();
  ASSERT_TRUE(sleeper->Subscribe({"t"}, &sleeper_heard).ok());
  ASSERT_TRUE(sleeper->Poll(kNow).ok());
  ASSERT_EQ(sleeper_heard.assigned.size(), 2U);
  auto token = sleeper->Group();
  now_us_ += 10'000'001;
  log_.Tick();
  auto heir = log_.NewConsumer({"g", "slot-1"}).value();
  ASSERT_TRUE(heir->Subscribe({"t"}, &heir_heard).ok());
  ASSERT_TRUE(heir->Poll(kNow).ok());
  EXPECT_EQ(heir_heard.assigned.size(), 2U);

  auto producer = Ready("p");
  ASSERT_TRUE(producer->Begin().ok());
  EXPECT_EQ(producer->SendOffsets({{"t", 0, 5}}, *token, kNow).message, "UNKNOWN_MEMBER_ID");
  EXPECT_TRUE(producer->Abort(kNow).ok());

  ASSERT_TRUE(sleeper->Poll(kNow).ok());  // wakes: loses its partitions, joins again
  EXPECT_EQ(sleeper_heard.log, "AR");
  ASSERT_TRUE(heir->Poll(kNow).ok());
  ASSERT_TRUE(sleeper->Poll(kNow).ok());
  EXPECT_EQ(heir_heard.log, "ARA");
  EXPECT_EQ(sleeper_heard.log, "ARA");
  EXPECT_EQ(sleeper_heard.assigned, (std::vector<TopicPartition>{{"t", 0}}));
  EXPECT_EQ(heir_heard.assigned, (std::vector<TopicPartition>{{"t", 1}}));
}

TEST_F(FakeLogTest, AMemberDeafToItsHeartbeatsReadsOn) {
  auto plain = log_.NewProducer().value();
  ASSERT_TRUE(plain->Produce(Rec(0, "k", "a"), [](auto) {}).ok());
  Listener deaf_heard;
  auto deaf = log_.NewConsumer({"g", "slot-0"}).value();
  ASSERT_TRUE(deaf->Subscribe({"t"}, &deaf_heard).ok());
  ASSERT_TRUE(deaf->Poll(kNow).ok());
  ASSERT_TRUE(deaf->Assign({{"t", 0, 0}}).ok());
  Listener other_heard;
  auto other = log_.NewConsumer({"g", "slot-1"}).value();
  ASSERT_TRUE(other->Subscribe({"t"}, &other_heard).ok());
  ASSERT_TRUE(other->Poll(kNow).ok());
  FailNext(FakeOp::kHeartbeat, {.kind = Kind::kRetriable});
  auto record = deaf->Poll(kNow);
  ASSERT_TRUE(record.ok());
  ASSERT_TRUE(record->has_value());
  EXPECT_EQ((*record)->value, "a");
  EXPECT_EQ(deaf_heard.log, "A");
  ASSERT_TRUE(deaf->Poll(kNow).ok());
  EXPECT_EQ(deaf_heard.log, "ARA") << "both have joined: the rebalance completes";
}

TEST_F(FakeLogTest, CommittedOffsetsWaitForAnOpenTransaction) {
  Listener heard;
  auto consumer = log_.NewConsumer({"g", "slot-0"}).value();
  ASSERT_TRUE(consumer->Subscribe({"t"}, &heard).ok());
  ASSERT_TRUE(consumer->Poll(kNow).ok());
  auto producer = Ready("p");
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->SendOffsets({{"t", 0, 7}}, *consumer->Group(), kNow).ok());
  EXPECT_EQ(consumer->Committed({{"t", 0}}, kNow).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(consumer->Committed({{"t", 1}}, kNow).value()[0].offset, kNoOffset);
  ASSERT_TRUE(producer->Commit(kNow).ok());
  EXPECT_EQ(consumer->Committed({{"t", 0}}, kNow).value()[0].offset, 7);
}

TEST_F(FakeLogTest, CompactionKeepsTheLastValuePerKeyAtItsOffset) {
  auto producer = Ready("p");
  for (const char* value : {"1", "2", "3"}) {
    ASSERT_TRUE(producer->Begin().ok());
    ASSERT_TRUE(producer->Produce(Rec(0, "k", value)).ok());
    ASSERT_TRUE(producer->Produce(Rec(0, value, value)).ok());
    ASSERT_TRUE(std::string(value) == "2" ? producer->Abort(kNow).ok()
                                          : producer->Commit(kNow).ok());
  }
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->Produce(Rec(0, "k", "open")).ok());
  log_.Compact("t");
  std::string kept;
  for (const FakeEntry& e : log_.Dump({"t", 0})) {
    kept += std::to_string(e.record.offset) + std::string(e.record.key) + " ";
  }
  EXPECT_EQ(kept, "11 6k 73 9k ");
  ASSERT_TRUE(producer->Commit(kNow).ok());
  EXPECT_EQ(Visible(0), "133open");
  log_.Compact("t");
  EXPECT_EQ(Visible(0), "13open");
}

TEST_F(FakeLogTest, DeletedRecordsAreOutOfRange) {
  auto plain = log_.NewProducer().value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(plain->Produce(Rec(0, "k", "v"), [](auto) {}).ok());
  log_.DeleteRecordsBefore({"t", 0}, 2);
  auto reader = log_.NewReader().value();
  EXPECT_EQ(reader->QueryWatermarks({"t", 0}, kNow)->low, 2);
  auto all = [](const Record&) { return true; };
  EXPECT_EQ(reader->ReadRange({"t", 0}, 1, 3, all, kNow).code(), absl::StatusCode::kOutOfRange);
  EXPECT_TRUE(reader->ReadRange({"t", 0}, 2, 3, all, kNow).ok());
}

TEST_F(FakeLogTest, APlainProduceWhoseAnswerIsLostIsWrittenAndReportedUnavailable) {
  auto plain = log_.NewProducer().value();
  absl::Status heard;
  FailNext(FakeOp::kPlainProduce, {.kind = Kind::kLostAnswer});
  ASSERT_TRUE(plain->Produce(Rec(0, "k", "v"), [&](auto r) { heard = r.status(); }).ok());
  EXPECT_EQ(heard.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Visible(0), "v");
}

TEST_F(FakeLogTest, TheChooserDecidesTheOrderAcrossPartitions) {
  FakeLogOptions options;
  options.choose = [](size_t n) { return n - 1; };
  FakeLog log(options);
  ASSERT_TRUE(log.CreateTopic("t", 2).ok());
  auto plain = log.NewProducer().value();
  for (int32_t p : {0, 1, 0, 1}) {
    ASSERT_TRUE(plain->Produce(Rec(p, "k", std::to_string(p)), [](auto) {}).ok());
  }
  auto reader = log.NewReader().value();
  ASSERT_TRUE(reader->Assign({{"t", 0, 0}, {"t", 1, 0}}).ok());
  std::string order;
  for (int i = 0; i < 4; ++i) order += reader->Poll(kNow).value()->value;
  EXPECT_EQ(order, "1100");
}

}  // namespace
}  // namespace regulars::kafka
