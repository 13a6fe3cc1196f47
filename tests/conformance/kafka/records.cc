// Promises about records, topics and plain producers.
#include <atomic>

#include "tests/conformance/kafka/suite.h"

namespace regulars::kafka::conformance {
namespace {

using Records = LogConformance;

std::vector<Record> ReadAll(Log& log, const std::string& topic) {
  auto reader = log.NewReader().value();
  const Watermarks marks = reader->QueryWatermarks({topic, 0}, kLong).value();
  std::vector<Record> out;
  const absl::Status status = reader->ReadRange(
      {topic, 0}, marks.low, marks.high,
      [&](const Record& r) {
        out.push_back(r);
        return true;
      },
      kLong);
  EXPECT_TRUE(status.ok()) << status;
  return out;  // the reader is gone, the records stay
}

TEST_F(Records, TombstonesEmptyValuesAndEmptyKeysAreDifferentThings) {
  const std::string topic = NewTopic();
  auto plain = log().NewProducer().value();
  OutRecord tombstone{.topic = topic, .partition = 0, .key = "k", .value = {}, .headers = {}};
  ASSERT_TRUE(plain->Produce(tombstone, [](auto) {}).ok());
  ASSERT_TRUE(plain->Produce(Rec(topic, 0, "k", ""), [](auto) {}).ok());
  ASSERT_TRUE(plain->Produce(Rec(topic, 0, "", "v"), [](auto) {}).ok());
  ASSERT_TRUE(plain->Flush(kLong).ok());
  const std::vector<Record> records = ReadAll(log(), topic);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_FALSE(records[0].has_value);
  EXPECT_TRUE(records[1].has_value);
  EXPECT_EQ(records[1].value, "");
  EXPECT_EQ(records[2].key, "");
  EXPECT_EQ(records[2].value, "v");
}

TEST_F(Records, KeysValuesAndHeadersAreBytes) {
  const std::string topic = NewTopic();
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  OutRecord record = Rec(topic, 0, bytes, bytes + bytes);
  record.headers = {{"h", bytes}, {"empty", ""}, {"h", "again"}, {"ce_id", "1"}};
  auto plain = log().NewProducer().value();
  ASSERT_TRUE(plain->Produce(record, [](auto) {}).ok());
  ASSERT_TRUE(plain->Flush(kLong).ok());
  const std::vector<Record> records = ReadAll(log(), topic);
  ASSERT_EQ(records.size(), 1U);
  const Record& got = records[0];
  EXPECT_EQ(got.topic, topic);
  EXPECT_EQ(got.partition, 0);
  EXPECT_EQ(got.offset, 0);
  EXPECT_EQ(got.key, bytes);
  EXPECT_EQ(got.value, bytes + bytes);
  ASSERT_EQ(got.headers.size(), 4U);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(got.headers[i].first, record.headers[i].first);
    EXPECT_EQ(got.headers[i].second, record.headers[i].second);
  }
}

TEST_F(Records, TheLargestRecordPassesAndOneByteMoreIsRefused) {
  const std::string topic = NewTopic();
  OutRecord record = Rec(topic, 0, "k", "");
  record.headers = {{"h", "v"}};
  // Not compressible, so that the broker sees the full size.
  std::string value;
  for (uint64_t x = 1; RecordBytes(record) + value.size() < kRecordBytesMax;) {
    x = x * 6364136223846793005U + 1442695040888963407U;
    value += static_cast<char>(x >> 56);
  }
  record.value = value;
  OutRecord larger = record;
  larger.key += "k";
  auto plain = log().NewProducer().value();
  absl::Status done = absl::UnknownError("not called");
  ASSERT_TRUE(plain->Produce(record, [&](auto offset) { done = offset.status(); }).ok());
  EXPECT_EQ(plain->Produce(larger, [](auto) { FAIL(); }).code(),
            absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(plain->Flush(kLong).ok());
  EXPECT_TRUE(done.ok()) << done;

  auto producer = ReadyProducer(Unique("tx"));
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->Produce(record).ok());
  EXPECT_EQ(producer->Produce(larger).error, TxnError::kAbort);
  EXPECT_EQ(producer->Commit(kLong).error, TxnError::kAbort) << "only Abort is left";
  ASSERT_TRUE(producer->Abort(kLong).ok());
  ASSERT_TRUE(producer->Begin().ok());
  ASSERT_TRUE(producer->Produce(record).ok());
  ASSERT_TRUE(producer->Commit(kLong).ok());
  CommitValues(topic, {"end"});
  const std::vector<Record> records = ReadAll(log(), topic);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].value, value);
  EXPECT_EQ(records[1].value, value);
}

TEST_F(Records, TheTimestampIsTheBrokersAppendTime) {
  const std::string topic = NewTopic();
  const int64_t before = absl::ToUnixMicros(absl::Now()) - 1000;  // milliseconds are cut
  CommitValues(topic, {"a"});
  const std::vector<Record> records = ReadAll(log(), topic);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_GE(records[0].timestamp_us, before);
  EXPECT_LE(records[0].timestamp_us, absl::ToUnixMicros(absl::Now()));
}

TEST_F(Records, CopiesOfARecordStayValid) {
  const std::string topic = NewTopic();
  std::vector<std::string> values;
  for (int i = 0; i < 1000; ++i) values.push_back("value-" + std::to_string(i));
  CommitValues(topic, values);
  Heard heard;
  auto member = Member(Unique("g"), "slot-0", {topic}, &heard);
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return heard.has_assignment; }));
  ASSERT_TRUE(member->Assign({{topic, 0, 0}}).ok());
  std::vector<Record> kept;
  const absl::Time until = absl::Now() + kLong;
  while (kept.size() < values.size() && absl::Now() < until) {
    auto record = member->Poll(kShort);
    ASSERT_TRUE(record.ok());
    if (record->has_value()) kept.push_back(**record);
  }
  member.reset();
  ASSERT_EQ(kept.size(), values.size());
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i].value, values[i]);
}

TEST_F(Records, ATailSeesWhatIsCommittedLater) {
  const std::string topic = NewTopic(2);
  auto reader = log().NewReader().value();
  ASSERT_TRUE(reader->Assign({{topic, 0, 0}, {topic, 1, 0}}).ok());
  auto record = reader->Poll(kShort);
  ASSERT_TRUE(record.ok());
  EXPECT_FALSE(record->has_value());
  std::string seen;
  for (const char* value : {"a", "b"}) {
    CommitValues(topic, {value});
    const absl::Time until = absl::Now() + kLong;
    do {
      record = reader->Poll(kShort);
      ASSERT_TRUE(record.ok());
      if (record->has_value()) seen += (*record)->value;
    } while (!record->has_value() && absl::Now() < until);
  }
  EXPECT_EQ(seen, "ab");
}

TEST_F(Records, APlainProducerReportsEachOffsetOnce) {
  const std::string topic = NewTopic();
  auto plain = log().NewProducer().value();
  constexpr int kCount = 500;
  std::vector<std::atomic<int>> calls(kCount);
  std::vector<std::atomic<int64_t>> offsets(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_TRUE(plain
                    ->Produce(Rec(topic, 0, "k", std::to_string(i)),
                              [&, i](absl::StatusOr<int64_t> offset) {
                                offsets[i] = offset.ok() ? *offset : -1;
                                ++calls[i];
                              })
                    .ok());
  }
  ASSERT_TRUE(plain->Flush(kLong).ok());
  plain.reset();
  for (size_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(calls[i], 1);
    EXPECT_EQ(offsets[i], static_cast<int64_t>(i));
  }
}

TEST_F(Records, AFullProducerQueueRefusesAtOnce) {
  constexpr size_t kQueueBytes = size_t{1} << 20;
  auto plain = backend_->Unreachable(kQueueBytes).NewProducer().value();
  const std::string value(10'000, 'x');
  std::atomic<int> done{0};
  absl::Status status;
  int accepted = 0;
  const absl::Time start = absl::Now();
  while (status.ok() && accepted < 1000) {
    status = plain->Produce(Rec("t", 0, "k", value), [&](absl::StatusOr<int64_t> offset) {
      EXPECT_FALSE(offset.ok());
      ++done;
    });
    if (status.ok()) ++accepted;
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_LE(static_cast<size_t>(accepted) * value.size(), kQueueBytes);
  EXPECT_GE(static_cast<size_t>(accepted) * value.size(), kQueueBytes / 2);
  EXPECT_LT(absl::Now() - start, absl::Seconds(5)) << "it must not wait";
  EXPECT_EQ(plain->Flush(kShort).code(), absl::StatusCode::kDeadlineExceeded);
  plain.reset();
  EXPECT_EQ(done, accepted) << "done is called for what was accepted, not for what was refused";
}

TEST_F(Records, PartitionCountOfATopicAndOfNone) {
  const std::string topic = NewTopic(3);
  EXPECT_EQ(log().PartitionCount(topic, kLong).value(), 3);
  EXPECT_EQ(log().PartitionCount(Unique("absent"), kLong).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(Records, OptionsWithoutANameAreRefused) {
  EXPECT_FALSE(log().NewConsumer({"", "slot-0"}).ok());
  EXPECT_FALSE(log().NewTransactionalProducer({""}).ok());
}

}  // namespace
}  // namespace regulars::kafka::conformance
