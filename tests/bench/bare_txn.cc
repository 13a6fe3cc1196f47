#include "tests/bench/bare_txn.h"

#include <utility>

#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "tests/bench/flags.h"

namespace regulars::bench {
namespace {

constexpr int kTimeoutMs = 30'000;
constexpr int64_t kJoinUs = 30'000'000;
constexpr size_t kKeyBytes = 40;

}  // namespace

BareTxn::BareTxn(const std::string& bootstrap, const std::string& input, int32_t shards,
                 std::vector<TxnShape> outputs)
    : input_(input), outputs_(std::move(outputs)) {
  const kafka::RdkafkaOptions options = OptionsFor(bootstrap);
  consumer_ = MakeClient(
      RD_KAFKA_CONSUMER,
      kafka::rd::ConsumerSettings(options, {.group_id = "bench-bare", .instance_id = "bench-0"}),
      nullptr);
  producer_ = MakeClient(
      RD_KAFKA_PRODUCER,
      kafka::rd::TransactionalProducerSettings(options, {.transactional_id = "bench-bare-0"}),
      &delivered_);
  for (const TxnShape& output : outputs_) {
    topics_.emplace_back(rd_kafka_topic_new(producer_.get(), output.topic.c_str(), nullptr));
  }
  Join(shards);
  CheckNull(rd_kafka_init_transactions(producer_.get(), kTimeoutMs), "init");
}

void BareTxn::Join(int32_t shards) {
  const PartitionList topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), input_.c_str(), RD_KAFKA_PARTITION_UA);
  if (rd_kafka_subscribe(consumer_.get(), topics.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Fail(Cat("cannot subscribe to ", input_));
  }
  const int64_t give_up_us = MonotonicMicros() + kJoinUs;
  while (MonotonicMicros() < give_up_us) {
    Idle();
    rd_kafka_topic_partition_list_t* assigned = nullptr;
    if (rd_kafka_assignment(consumer_.get(), &assigned) != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const PartitionList owned(assigned);
    if (owned->cnt == shards) return;
  }
  Fail("the group of the bare transactions did not form");
}

void BareTxn::Idle() {
  // Positions of an empty topic that nobody committed are reported as errors: expected here.
  const Message message(rd_kafka_consumer_poll(consumer_.get(), 1));
}

void BareTxn::Run(int32_t shard) {
  CheckNull(rd_kafka_begin_transaction(producer_.get()), "begin");
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const Bytes record{std::string(kKeyBytes, 'k'), std::string(outputs_[i].bytes, 'v'), {}};
    for (int64_t n = 0; n < outputs_[i].records; ++n) {
      Produce(producer_.get(), topics_[i].get(), shard, record);
    }
  }
  const PartitionList offsets(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(offsets.get(), input_.c_str(), shard)->offset = 0;
  rd_kafka_consumer_group_metadata_t* group = rd_kafka_consumer_group_metadata(consumer_.get());
  rd_kafka_error_t* sent =
      rd_kafka_send_offsets_to_transaction(producer_.get(), offsets.get(), group, kTimeoutMs);
  rd_kafka_consumer_group_metadata_destroy(group);
  CheckNull(sent, "offsets");
  CheckNull(rd_kafka_commit_transaction(producer_.get(), kTimeoutMs), "commit");
}

}  // namespace regulars::bench
