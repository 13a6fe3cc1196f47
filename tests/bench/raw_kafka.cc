#include "tests/bench/raw_kafka.h"

#include "libs/base/text.h"
#include "tests/bench/flags.h"

namespace regulars::bench {
namespace {

constexpr int kFlushMs = 60'000;
constexpr int kPollMs = 10'000;

void OnDelivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto* delivered = static_cast<Delivered*>(opaque);
  ++(message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? delivered->records : delivered->failed);
}

rd_kafka_headers_t* ToHeaders(const Headers& headers) {
  if (headers.empty()) return nullptr;
  rd_kafka_headers_t* list = rd_kafka_headers_new(headers.size());
  for (const auto& [name, value] : headers) {
    rd_kafka_header_add(list, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  return list;
}

}  // namespace

kafka::RdkafkaOptions OptionsFor(const std::string& bootstrap) {
  kafka::RdkafkaOptions options;
  options.bootstrap = bootstrap;
  options.client_id = "regulars-bench";
  return options;
}

void CheckNull(rd_kafka_error_t* error, const char* what) {
  if (error != nullptr) Fail(Cat(what, ": ", rd_kafka_error_string(error)));
}

Client MakeClient(rd_kafka_type_t type, const kafka::rd::Settings& settings, Delivered* delivered) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[512];
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof(why)) !=
        RD_KAFKA_CONF_OK) {
      Fail(Cat(name, ": ", why));
    }
  }
  if (delivered != nullptr) {
    rd_kafka_conf_set_dr_msg_cb(conf, OnDelivered);
    rd_kafka_conf_set_opaque(conf, delivered);
  }
  Client client(rd_kafka_new(type, conf, why, sizeof(why)));
  if (client == nullptr) Fail(why);
  if (type == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(client.get());
  return client;
}

void Produce(rd_kafka_t* producer, rd_kafka_topic_t* topic, int32_t partition,
             const Bytes& record) {
  rd_kafka_headers_t* headers = ToHeaders(record.headers);
  while (true) {
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        producer, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(record.key.data(), record.key.size()),
        RD_KAFKA_V_VALUE(const_cast<char*>(record.value.data()), record.value.size()),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) Fail(rd_kafka_err2str(error));
    rd_kafka_poll(producer, 10);
  }
}

void FlushAll(rd_kafka_t* producer, const Delivered& delivered) {
  if (rd_kafka_flush(producer, kFlushMs) != RD_KAFKA_RESP_ERR_NO_ERROR || delivered.failed > 0) {
    Fail(Cat(delivered.failed, " records were not delivered"));
  }
}

TopicReader::TopicReader(const std::string& bootstrap, const std::string& topic, int32_t partitions)
    : client_(
          MakeClient(RD_KAFKA_CONSUMER, kafka::rd::ReaderSettings(OptionsFor(bootstrap)), nullptr)),
      open_(partitions) {
  const PartitionList places(rd_kafka_topic_partition_list_new(partitions));
  for (int32_t partition = 0; partition < partitions; ++partition) {
    rd_kafka_topic_partition_list_add(places.get(), topic.c_str(), partition)->offset = 0;
  }
  if (rd_kafka_assign(client_.get(), places.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Fail(Cat("cannot read ", topic));
  }
}

Message TopicReader::Next() {
  while (open_ > 0) {
    Message message(rd_kafka_consumer_poll(client_.get(), kPollMs));
    if (message == nullptr) Fail("the log does not answer");
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return message;
    if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      Fail(rd_kafka_message_errstr(message.get()));
    }
    --open_;
  }
  return nullptr;
}

}  // namespace regulars::bench
