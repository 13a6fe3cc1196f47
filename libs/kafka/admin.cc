#include "libs/kafka/admin.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/kafka/rdkafka_handle.h"

namespace regulars::kafka {

namespace {

using rd::Owned;

struct AdminDeleter {
  void operator()(rd_kafka_AdminOptions_t* p) const { rd_kafka_AdminOptions_destroy(p); }
  void operator()(rd_kafka_NewTopic_t* p) const { rd_kafka_NewTopic_destroy(p); }
  void operator()(rd_kafka_DeleteRecords_t* p) const { rd_kafka_DeleteRecords_destroy(p); }
};
template <typename T>
using AdminOwned = std::unique_ptr<T, AdminDeleter>;

absl::StatusOr<std::shared_ptr<rd::Handle>> Connect(const RdkafkaOptions& options) {
  return rd::Handle::Make(options, RD_KAFKA_PRODUCER, rd::AdminSettings(options), {});
}

AdminOwned<rd_kafka_AdminOptions_t> Options(rd_kafka_t* rk, rd_kafka_admin_op_t op,
                                            absl::Duration timeout) {
  char why[256];
  AdminOwned<rd_kafka_AdminOptions_t> out(rd_kafka_AdminOptions_new(rk, op));
  rd_kafka_AdminOptions_set_request_timeout(out.get(), rd::TimeoutMs(timeout), why, sizeof(why));
  return out;
}

// True when every partition of the topic has a leader.
bool HasLeaders(rd_kafka_t* rk, const NewTopic& topic, absl::Duration timeout) {
  Owned<rd_kafka_topic_t> handle(rd_kafka_topic_new(rk, topic.name.c_str(), nullptr));
  const rd_kafka_metadata_t* raw = nullptr;
  if (handle == nullptr || rd_kafka_metadata(rk, 0, handle.get(), &raw, rd::TimeoutMs(timeout)) !=
                               RD_KAFKA_RESP_ERR_NO_ERROR) {
    return false;
  }
  Owned<const rd_kafka_metadata_t> metadata(raw);
  if (metadata->topic_cnt != 1 || metadata->topics[0].partition_cnt < topic.partitions)
    return false;
  for (int i = 0; i < metadata->topics[0].partition_cnt; ++i) {
    if (metadata->topics[0].partitions[i].leader < 0) return false;
  }
  return true;
}

}  // namespace

absl::Status CreateTopics(const RdkafkaOptions& options, const std::vector<NewTopic>& topics,
                          absl::Duration timeout) {
  const absl::Time until = absl::Now() + timeout;
  auto handle = Connect(options);
  if (!handle.ok()) return handle.status();
  rd_kafka_t* rk = (*handle)->get();
  char why[256];
  std::vector<AdminOwned<rd_kafka_NewTopic_t>> owned;
  std::vector<rd_kafka_NewTopic_t*> raw;
  for (const NewTopic& topic : topics) {
    rd_kafka_NewTopic_t* made = rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions,
                                                      topic.replicas, why, sizeof(why));
    if (made == nullptr) return absl::InvalidArgumentError(absl::StrCat(topic.name, ": ", why));
    owned.emplace_back(made);
    raw.push_back(made);
    auto config = topic.config;
    config.try_emplace("message.timestamp.type", "LogAppendTime");
    for (const auto& [name, value] : config) {
      rd_kafka_NewTopic_set_config(made, name.c_str(), value.c_str());
    }
  }
  Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(rk));
  rd_kafka_CreateTopics(rk, raw.data(), raw.size(),
                        Options(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout).get(), queue.get());
  Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), rd::TimeoutMs(timeout)));
  if (event == nullptr) return absl::DeadlineExceededError("create topics");
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return rd::ToStatus(rd_kafka_event_error(event.get()), "create topics");
  }
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t err = rd_kafka_topic_result_error(results[i]);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR || err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
      continue;
    const char* text = rd_kafka_topic_result_error_string(results[i]);
    return rd::ToStatus(err, absl::StrCat(rd_kafka_topic_result_name(results[i]), ": ",
                                          text == nullptr ? "" : text));
  }
  for (const NewTopic& topic : topics) {
    while (!HasLeaders(rk, topic, until - absl::Now())) {
      if (absl::Now() >= until) return absl::DeadlineExceededError("no leader yet");
      rd_kafka_poll(rk, 20);
    }
  }
  return absl::OkStatus();
}

absl::Status DeleteRecordsBefore(const RdkafkaOptions& options, const TopicPartition& partition,
                                 int64_t offset, absl::Duration timeout) {
  auto handle = Connect(options);
  if (!handle.ok()) return handle.status();
  rd_kafka_t* rk = (*handle)->get();
  const auto list = rd::ToList({{partition.topic, partition.partition, offset}});
  AdminOwned<rd_kafka_DeleteRecords_t> request(rd_kafka_DeleteRecords_new(list.get()));
  rd_kafka_DeleteRecords_t* raw = request.get();
  Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(rk));
  rd_kafka_DeleteRecords(rk, &raw, 1, Options(rk, RD_KAFKA_ADMIN_OP_DELETERECORDS, timeout).get(),
                         queue.get());
  Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), rd::TimeoutMs(timeout)));
  if (event == nullptr) return absl::DeadlineExceededError("delete records");
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return rd::ToStatus(rd_kafka_event_error(event.get()), "delete records");
  }
  const rd_kafka_topic_partition_list_t* answer =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  return rd::ToStatus(answer->elems[0].err, "delete records");
}

}  // namespace regulars::kafka
