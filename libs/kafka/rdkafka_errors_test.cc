// What a broker's answers and silences mean to the loop: class of error and dirty flag. The answers
// come from librdkafka's mock cluster, which knows no transactions; everything else about them is
// tested in tests/conformance/kafka.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
// After rdkafka.h:
#include <librdkafka/rdkafka_mock.h>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "libs/kafka/rdkafka_clients.h"

namespace regulars::kafka {
namespace {

constexpr absl::Duration kLong = absl::Seconds(20);
constexpr int kSocketTimeoutMs = 2000;

enum Api : int16_t {
  kProduce = 0,
  kInitProducerId = 22,
  kAddPartitionsToTxn = 24,
  kAddOffsetsToTxn = 25,
  kEndTxn = 26,
  kTxnOffsetCommit = 28,
};

class MockBroker {
 public:
  MockBroker() {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "4", nullptr, 0);
    rk_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    cluster_ = rd_kafka_mock_cluster_new(rk_, 1);
    rd_kafka_mock_topic_create(cluster_, "t", 1, 1);
  }
  ~MockBroker() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(rk_);
  }
  RdkafkaOptions Options() const {
    RdkafkaOptions options;
    options.bootstrap = rd_kafka_mock_cluster_bootstraps(cluster_);
    options.socket_timeout = absl::Milliseconds(kSocketTimeoutMs);
    return options;
  }
  void Answer(Api api, rd_kafka_resp_err_t err) {
    rd_kafka_mock_push_request_errors(cluster_, api, 1, err);
  }
  void AnswerLate(Api api, int ms) {
    rd_kafka_mock_broker_push_request_error_rtts(cluster_, 1, api, 1, RD_KAFKA_RESP_ERR_NO_ERROR,
                                                 ms);
  }

 private:
  rd_kafka_t* rk_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

struct Case {
  const char* what;
  Api api;
  rd_kafka_resp_err_t answer;
  TxnError want;
  bool dirty;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.what; }

class Answers : public testing::TestWithParam<Case> {};

// One transaction: produce, offsets, commit. The result is that of the first call that failed.
TxnResult RunTransaction(TransactionalProducer* producer) {
  const rd::Token token(rd_kafka_consumer_group_metadata_new("g"));
  OutRecord record{.topic = "t", .partition = 0, .key = "k", .value = "v", .headers = {}};
  TxnResult result = producer->Begin();
  if (result.ok()) result = producer->Produce(record);
  if (result.ok()) result = producer->Flush(kLong);
  if (result.ok()) result = producer->SendOffsets({{"t", 0, 1}}, token, kLong);
  if (result.ok()) result = producer->Commit(kLong);
  return result;
}

TEST_P(Answers, AreClassified) {
  MockBroker broker;
  auto producer = rd::MakeTransactionalProducer(broker.Options(), {"tx"}).value();
  ASSERT_TRUE(producer->Init(kLong).ok());
  broker.Answer(GetParam().api, GetParam().answer);
  const TxnResult result = RunTransaction(producer.get());
  EXPECT_EQ(result.error, GetParam().want) << result.message;
  EXPECT_EQ(producer->dirty(), GetParam().dirty) << result.message;
  if (result.error != TxnError::kAbort) return;
  // Aborting mends it; after a refused record librdkafka needs a second abort to get its epoch
  // bumped.
  TxnResult next = result;
  for (int i = 0; i < 3 && next.error == TxnError::kAbort; ++i) {
    const TxnResult aborted = producer->Abort(kLong);
    ASSERT_TRUE(aborted.ok()) << aborted.message;
    next = RunTransaction(producer.get());
  }
  EXPECT_TRUE(next.ok()) << next.message;
}

INSTANTIATE_TEST_SUITE_P(
    OfTheBroker, Answers,
    testing::Values(
        Case{"nothing wrong", kEndTxn, RD_KAFKA_RESP_ERR_NO_ERROR, TxnError::kNone, false},
        Case{"markers of the last one are being written", kAddPartitionsToTxn,
             RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, TxnError::kNone, false},
        Case{"the same for offsets", kAddOffsetsToTxn, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
             TxnError::kNone, false},
        // The library leaves the old coordinator's connection: dirty, to be on the safe side.
        Case{"the coordinator moved", kEndTxn, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, TxnError::kNone,
             true},
        Case{"the coordinator loads", kTxnOffsetCommit,
             RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, TxnError::kNone, false},
        Case{"stale generation", kTxnOffsetCommit, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
             TxnError::kAbort, false},
        Case{"evicted member", kTxnOffsetCommit, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
             TxnError::kAbort, false},
        Case{"replaced static member", kTxnOffsetCommit, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
             TxnError::kAbort, false},
        Case{"record refused", kProduce, RD_KAFKA_RESP_ERR_INVALID_RECORD, TxnError::kAbort, false},
        Case{"fenced at commit", kEndTxn, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, TxnError::kFatal,
             false},
        Case{"old epoch at commit", kEndTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
             TxnError::kFatal, false},
        Case{"unknown to the coordinator", kEndTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING,
             TxnError::kAbort, false},
        Case{"wrong state", kEndTxn, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, TxnError::kFatal, false},
        Case{"fenced at the first record", kAddPartitionsToTxn,
             RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, TxnError::kFatal, false},
        Case{"connection cut at commit", kEndTxn, RD_KAFKA_RESP_ERR__TRANSPORT, TxnError::kNone,
             true},
        Case{"connection cut at offsets", kTxnOffsetCommit, RD_KAFKA_RESP_ERR__TRANSPORT,
             TxnError::kNone, true},
        Case{"connection cut at a record", kProduce, RD_KAFKA_RESP_ERR__TRANSPORT, TxnError::kNone,
             true}));

TEST(DirtyRule, ACommitSlowerThanHalfTheSocketTimeoutIsDirty) {
  MockBroker broker;
  auto producer = rd::MakeTransactionalProducer(broker.Options(), {"tx"}).value();
  ASSERT_TRUE(producer->Init(kLong).ok());
  ASSERT_TRUE(RunTransaction(producer.get()).ok());
  EXPECT_FALSE(producer->dirty());
  broker.AnswerLate(kEndTxn, kSocketTimeoutMs * 7 / 10);
  EXPECT_TRUE(RunTransaction(producer.get()).ok());
  EXPECT_TRUE(producer->dirty());
}

TEST(DirtyRule, ACommitWhoseRequestTimedOutIsRepeatedByTheLibraryAndDirty) {
  MockBroker broker;
  auto producer = rd::MakeTransactionalProducer(broker.Options(), {"tx"}).value();
  ASSERT_TRUE(producer->Init(kLong).ok());
  broker.AnswerLate(kEndTxn, kSocketTimeoutMs * 3);
  const TxnResult result = RunTransaction(producer.get());
  EXPECT_TRUE(result.ok()) << result.message;
  EXPECT_TRUE(producer->dirty());
}

TEST(DirtyRule, ACommitThatRunsOutOfTimeIsRetriableAndDirty) {
  MockBroker broker;
  auto producer = rd::MakeTransactionalProducer(broker.Options(), {"tx"}).value();
  ASSERT_TRUE(producer->Init(kLong).ok());
  ASSERT_TRUE(producer->Begin().ok());
  OutRecord record{.topic = "t", .partition = 0, .key = "k", .value = "v", .headers = {}};
  ASSERT_TRUE(producer->Produce(record).ok());
  broker.AnswerLate(kEndTxn, kSocketTimeoutMs * 8 / 10);
  const TxnResult first = producer->Commit(absl::Milliseconds(100));
  EXPECT_EQ(first.error, TxnError::kRetriable) << first.message;
  EXPECT_TRUE(producer->dirty());
  const TxnResult again = producer->Commit(kLong);
  EXPECT_TRUE(again.ok()) << again.message;
}

TEST(DirtyRule, CanBeSwitchedOffForTheTestThatShowsWhyItIsThere) {
  MockBroker broker;
  RdkafkaOptions options = broker.Options();
  options.dirty_rule = false;
  auto producer = rd::MakeTransactionalProducer(options, {"tx"}).value();
  ASSERT_TRUE(producer->Init(kLong).ok());
  broker.Answer(kEndTxn, RD_KAFKA_RESP_ERR__TRANSPORT);
  EXPECT_TRUE(RunTransaction(producer.get()).ok());
  EXPECT_FALSE(producer->dirty());
}

TEST(ProducerQueue, AFullQueueIsRetriableAndNotLost) {
  MockBroker broker;
  RdkafkaOptions options = broker.Options();
  options.producer_queue_bytes = size_t{64} << 10;
  auto producer = rd::MakeTransactionalProducer(options, {"tx"}).value();
  ASSERT_TRUE(producer->Init(kLong).ok());
  ASSERT_TRUE(producer->Begin().ok());
  OutRecord record{
      .topic = "t", .partition = 0, .key = "k", .value = std::string(1000, 'v'), .headers = {}};
  int64_t last = -1;
  int written = 0;
  TxnResult result;
  while (written < 1000 && (result = producer->Produce(record, &last)).ok()) ++written;
  EXPECT_EQ(result.error, TxnError::kRetriable) << result.message;
  EXPECT_LE(written, 66);
  ASSERT_TRUE(producer->Flush(kLong).ok());
  ASSERT_TRUE(producer->Produce(record, &last).ok()) << "the same call again";
  ASSERT_TRUE(producer->Flush(kLong).ok());
  EXPECT_EQ(last, written);
}

// An aborted batch is read again at once, and the next poll may hear of a revoke. Without care that
// is an assertion of librdkafka.
TEST(Assignments, ManyOfThemRightAfterEachOtherAreSafe) {
  struct Listener : RebalanceListener {
    void OnAssigned(const std::vector<TopicPartition>&) override { assigned = true; }
    void OnRevoked(const std::vector<TopicPartition>&) override {}
    bool assigned = false;
  } listener;
  MockBroker broker;
  auto consumer = rd::MakeConsumer(broker.Options(), {"g", "slot-0"}).value();
  ASSERT_TRUE(consumer->Subscribe({"t"}, &listener).ok());
  const absl::Time until = absl::Now() + kLong;
  while (!listener.assigned && absl::Now() < until) {
    ASSERT_TRUE(consumer->Poll(absl::Milliseconds(50)).ok());
  }
  ASSERT_TRUE(listener.assigned);
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(consumer->Assign({{"t", 0, 0}}).ok());
}

// As after kill -9 of a broker: the library's idempotent producer is broken for good by it.
TEST(PlainProducer, OneThatIsBrokenForGoodIsReplaced) {
  MockBroker broker;
  auto producer = rd::MakeProducer(broker.Options()).value();
  const auto produce = [&] {
    auto answered = std::make_shared<absl::Notification>();
    auto answer = std::make_shared<absl::Status>();
    const OutRecord record{.topic = "t", .partition = 0, .key = "k", .value = "v", .headers = {}};
    const absl::Status queued = producer->Produce(record, [=](absl::StatusOr<int64_t> offset) {
      *answer = offset.status();
      answered->Notify();
    });
    if (!queued.ok()) return queued;
    return answered->WaitForNotificationWithTimeout(kLong) ? *answer
                                                           : absl::UnknownError("no answer");
  };
  EXPECT_TRUE(produce().ok());
  broker.Answer(kProduce, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
  EXPECT_FALSE(produce().ok());
  EXPECT_TRUE(produce().ok()) << "a new client";
  EXPECT_TRUE(produce().ok());
}

TEST(Settings, EveryKindOfClientAcceptsItsSettings) {
  RdkafkaOptions options;
  options.bootstrap = "127.0.0.1:1";
  options.security_protocol = "sasl_plaintext";
  options.sasl_mechanism = "SCRAM-SHA-512";
  options.sasl_username = "regulars";
  options.sasl_password = "not a secret";
  EXPECT_TRUE(rd::MakeConsumer(options, {"g", "slot-0"}).ok());
  EXPECT_TRUE(rd::MakeReader(options).ok());
  EXPECT_TRUE(rd::MakeTransactionalProducer(options, {"tx"}).ok());
  EXPECT_TRUE(rd::MakeProducer(options).ok());
}

TEST(Settings, ASettingThatIsRefusedIsNamed) {
  RdkafkaOptions options;
  options.bootstrap = "127.0.0.1:1";
  options.security_protocol = "carrier pigeon";
  const absl::Status status = rd::MakeProducer(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(status.message()).find("security.protocol"), std::string::npos) << status;
}

}  // namespace
}  // namespace regulars::kafka
