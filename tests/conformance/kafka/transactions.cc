// Promises about transactions: what is visible when, who is fenced by whom.
#include "tests/conformance/kafka/suite.h"

namespace regulars::kafka::conformance {
namespace {

using Transactions = LogConformance;

TEST_F(Transactions, CommittedRecordsArriveInTheOrderOfTheirPartition) {
  const std::string topic = NewTopic();
  CommitValues(topic, {"a", "b", "c"});
  CommitValues(topic, {"d", "e"});
  EXPECT_EQ(Visible(topic), "abcde");
}

TEST_F(Transactions, OneTransactionAppearsInAllItsPartitionsOrInNone) {
  const std::string topic = NewTopic(2);
  auto producer = ReadyProducer(Unique("tx"));
  for (const bool commit : {false, true}) {
    ASSERT_TRUE(producer->Begin().ok());
    ASSERT_TRUE(producer->Produce(Rec(topic, 0, "k", commit ? "x" : "lost")).ok());
    ASSERT_TRUE(producer->Produce(Rec(topic, 1, "k", commit ? "y" : "lost")).ok());
    ASSERT_TRUE(producer->Flush(kLong).ok());
    const TxnResult end = commit ? producer->Commit(kLong) : producer->Abort(kLong);
    ASSERT_TRUE(end.ok()) << end.message;
  }
  const absl::Time until = absl::Now() + kLong;
  while (Visible(topic, 0) + Visible(topic, 1) != "xy" && absl::Now() < until) {
  }
  EXPECT_EQ(Visible(topic, 0), "x");
  EXPECT_EQ(Visible(topic, 1), "y");
}

TEST_F(Transactions, RecordsOfAnAbortedTransactionAreNeverSeen) {
  const std::string topic = NewTopic();
  auto producer = ReadyProducer(Unique("tx"));
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->Produce(Rec(topic, 0, "k", "aborted")).ok());
  ASSERT_TRUE(producer->Flush(kLong).ok());
  ASSERT_TRUE(producer->Abort(kLong).ok());
  CommitValues(topic, {"b"});
  EXPECT_EQ(Visible(topic), "b");
}

TEST_F(Transactions, AnOpenTransactionHidesEverythingBehindIt) {
  const std::string topic = NewTopic();
  CommitValues(topic, {"a"});
  const Watermarks before = Marks(topic);
  auto open = ReadyProducer(Unique("tx"));
  ASSERT_TRUE(open->Begin().ok());
  ASSERT_TRUE(open->Produce(Rec(topic, 0, "k", "b")).ok());
  ASSERT_TRUE(open->Flush(kLong).ok());
  auto plain = log().NewProducer().value();
  ASSERT_TRUE(plain->Produce(Rec(topic, 0, "k", "c"), [](auto) {}).ok());
  ASSERT_TRUE(plain->Flush(kLong).ok());

  EXPECT_EQ(Marks(topic).high, before.high) << "the high watermark is the last stable offset";
  EXPECT_EQ(Visible(topic), "a");
  ASSERT_TRUE(open->Commit(kLong).ok());
  const absl::Time until = absl::Now() + kLong;
  while (Marks(topic).high < before.high + 3 && absl::Now() < until) {
  }
  EXPECT_EQ(Marks(topic).high, before.high + 3) << "two records and a marker";
  EXPECT_EQ(Visible(topic), "abc");
}

TEST_F(Transactions, MarkersOccupyOffsetsAndReadRangeStillEnds) {
  const std::string topic = NewTopic();
  CommitValues(topic, {"a"});
  CommitValues(topic, {"b"});
  EXPECT_EQ(Marks(topic).high, 4);
  auto reader = log().NewReader().value();
  struct Case {
    int64_t from, to;
    std::string want;
  };
  for (const Case& c : std::vector<Case>{{0, 4, "a0b2"},
                                         {0, 3, "a0b2"},
                                         {0, 2, "a0"},
                                         {1, 2, ""},
                                         {1, 4, "b2"},
                                         {3, 4, ""},
                                         {4, 4, ""}}) {
    std::string got;
    const absl::Status status = reader->ReadRange(
        {topic, 0}, c.from, c.to,
        [&](const Record& r) {
          got += std::string(r.value) + std::to_string(r.offset);
          return true;
        },
        kLong);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(got, c.want) << c.from << ".." << c.to;
  }
}

TEST_F(Transactions, ReadRangeStopsWhenAskedAndTimesOutBeyondTheEnd) {
  const std::string topic = NewTopic();
  CommitValues(topic, {"a", "b", "c"});
  auto reader = log().NewReader().value();
  std::string got;
  ASSERT_TRUE(reader
                  ->ReadRange(
                      {topic, 0}, 0, 4,
                      [&](const Record& r) {
                        got += r.value;
                        return got.size() < 2;
                      },
                      kLong)
                  .ok());
  EXPECT_EQ(got, "ab");
  const absl::Status status = reader->ReadRange(
      {topic, 0}, 0, 100, [](const Record&) { return true; }, absl::Milliseconds(700));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
}

TEST_F(Transactions, OffsetsAndBrokerTimeAreKnownAfterFlush) {
  const std::string topic = NewTopic();
  CommitValues(topic, {"a"});
  const int64_t before = absl::ToUnixMicros(absl::Now());
  auto producer = ReadyProducer(Unique("tx"));
  EXPECT_EQ(producer->broker_time_us(), 0);
  ASSERT_TRUE(producer->Begin().ok());
  int64_t first = -1;
  int64_t second = -1;
  ASSERT_TRUE(producer->Produce(Rec(topic, 0, "k", "b"), &first).ok());
  ASSERT_TRUE(producer->Produce(Rec(topic, 0, "k", "c"), &second).ok());
  ASSERT_TRUE(producer->Flush(kLong).ok());
  EXPECT_EQ(first, 2);
  EXPECT_EQ(second, 3);
  EXPECT_GE(producer->broker_time_us(), before - 1000) << "milliseconds are cut";
  EXPECT_LE(producer->broker_time_us(), absl::ToUnixMicros(absl::Now()));
  ASSERT_TRUE(producer->Abort(kLong).ok());
}

TEST_F(Transactions, InitFencesTheOlderProducerOfTheSameId) {
  const std::string topic = NewTopic();
  const std::string id = Unique("tx");
  auto older = ReadyProducer(id);
  auto newer = ReadyProducer(id);
  TxnResult result = older->Begin();
  if (result.ok()) result = older->Produce(Rec(topic, 0, "k", "zombie"));
  if (result.ok()) result = older->Commit(kLong);
  EXPECT_EQ(result.error, TxnError::kFatal) << result.message;
  EXPECT_EQ(older->Begin().error, TxnError::kFatal);

  ASSERT_TRUE(newer->Begin().ok());
  ASSERT_TRUE(newer->Produce(Rec(topic, 0, "k", "new")).ok());
  result = newer->Commit(kLong);
  ASSERT_TRUE(result.ok()) << result.message;
  const absl::Time until = absl::Now() + kLong;
  while (Visible(topic).empty() && absl::Now() < until) {
  }
  EXPECT_EQ(Visible(topic), "new");
}

TEST_F(Transactions, InitAbortsTheOpenTransactionOfACorpse) {
  const std::string topic = NewTopic();
  const std::string id = Unique("tx");
  auto corpse = ReadyProducer(id);
  ASSERT_TRUE(corpse->Begin().ok());
  ASSERT_TRUE(corpse->Produce(Rec(topic, 0, "k", "half")).ok());
  ASSERT_TRUE(corpse->Flush(kLong).ok());
  corpse.reset();
  EXPECT_EQ(Marks(topic).high, 0) << "destroying a producer ends nothing";
  auto heir = ReadyProducer(id);
  const absl::Time until = absl::Now() + absl::Seconds(5);
  while (Marks(topic).high < 2 && absl::Now() < until) {
  }
  EXPECT_EQ(Marks(topic).high, 2) << "well before the transaction time-out";
  EXPECT_EQ(Visible(topic), "");
}

TEST_F(Transactions, AnEmptyTransactionCommits) {
  auto producer = ReadyProducer(Unique("tx"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(producer->Begin().ok());
    ASSERT_TRUE(producer->Flush(kLong).ok());
    const TxnResult end = i == 1 ? producer->Abort(kLong) : producer->Commit(kLong);
    ASSERT_TRUE(end.ok()) << end.message;
  }
  EXPECT_FALSE(producer->dirty());
}

TEST_F(Transactions, AHealthyProducerIsNeverDirty) {
  const std::string topic = NewTopic();
  auto producer = ReadyProducer(Unique("tx"));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(producer->Begin().ok());
    ASSERT_TRUE(producer->Produce(Rec(topic, 0, "k", std::to_string(i))).ok());
    const TxnResult end = i % 5 == 4 ? producer->Abort(kLong) : producer->Commit(kLong);
    ASSERT_TRUE(end.ok()) << end.message;
    EXPECT_FALSE(producer->dirty()) << i;
  }
}

// librdkafka alone turns this into INVALID_TXN_STATE now and then: its EndTxn overtakes the
// registration of the partition, which waits until the markers of the last transaction are written.
TEST_F(Transactions, AnAbortRightAfterACommitIsHarmless) {
  const std::string topic = NewTopic(4);
  auto producer = ReadyProducer(Unique("tx"));
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(producer->Begin().ok());
    for (int32_t p = 0; p < 4; ++p) {
      ASSERT_TRUE(producer->Produce(Rec(topic, p, "k", std::to_string(i))).ok());
    }
    const TxnResult end = i % 2 == 1 ? producer->Abort(kLong) : producer->Commit(kLong);
    ASSERT_TRUE(end.ok()) << i << ": " << end.message;
  }
}

TEST_F(Transactions, ARecordForAPartitionThatIsNotThereMustBeAborted) {
  const std::string topic = NewTopic();
  auto producer = ReadyProducer(Unique("tx"));
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->Produce(Rec(topic, 0, "k", "a")).ok());
  TxnResult result = producer->Produce(Rec(topic, 7, "k", "b"));
  if (result.ok()) result = producer->Flush(kLong);
  EXPECT_EQ(result.error, TxnError::kAbort) << result.message;
  EXPECT_TRUE(producer->Abort(kLong).ok());
  CommitValues(topic, {"c"});
  EXPECT_EQ(Visible(topic), "c");
}

}  // namespace
}  // namespace regulars::kafka::conformance
