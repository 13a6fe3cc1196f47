// The physical limit: consume and produce with librdkafka's C API, no transaction, no state, no
// decoding. Two forms. `same`: per input the records that points writes for it, as read from its
// output topics (so many events, so many changelog records, of those bytes). `copy`: the input
// itself.
#include <vector>

#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "tests/bench/raw_kafka.h"
#include "tests/bench/verbs.h"

namespace regulars::bench {
namespace {

constexpr size_t kSamples = 20'000;
constexpr int64_t kServeEvery = 256;

Bytes CopyOf(const rd_kafka_message_t& message) {
  Bytes copy;
  if (message.key != nullptr) copy.key.assign(static_cast<char*>(message.key), message.key_len);
  if (message.payload != nullptr) {
    copy.value.assign(static_cast<char*>(message.payload), message.len);
  }
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return copy;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    copy.headers.emplace_back(name, std::string(static_cast<const char*>(value), size));
  }
  return copy;
}

// Records of an output topic of points; written again in turn, `per_input` of them per input.
class Stream {
 public:
  Stream(const Flags& flags, rd_kafka_t* producer, const std::string& name)
      : producer_(producer), per_input_(flags.RealOr(Cat(name, "-per-input"), 0)) {
    const auto shards = static_cast<int32_t>(flags.NumberOr("shards", 4));
    TopicReader reader(flags.Text("bootstrap"), flags.Text(Cat(name, "-of")), shards);
    while (samples_.size() < kSamples) {
      const Message message = reader.Next();
      if (message == nullptr) break;
      samples_.push_back(CopyOf(*message));
    }
    if (samples_.empty()) Fail("no sample records");
    topic_.reset(rd_kafka_topic_new(producer, flags.Text(Cat(name, "-to")).c_str(), nullptr));
  }

  void Write(int32_t partition) {
    for (owed_ += per_input_; owed_ >= 1; owed_ -= 1) {
      Produce(producer_, topic_.get(), partition, samples_[next_]);
      next_ = (next_ + 1) % samples_.size();
    }
  }

 private:
  rd_kafka_t* producer_;
  double per_input_;
  double owed_ = 0;
  std::vector<Bytes> samples_;
  size_t next_ = 0;
  TopicHandle topic_;
};

void CopyInput(rd_kafka_t* producer, rd_kafka_topic_t* topic, const rd_kafka_message_t& message) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    headers = rd_kafka_headers_copy(headers);
  }
  while (true) {
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        producer, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(message.partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(message.key, message.key_len),
        RD_KAFKA_V_VALUE(message.payload, message.len), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) Fail(rd_kafka_err2str(error));
    rd_kafka_poll(producer, 10);
  }
}

}  // namespace

void Echo(const Flags& flags) {
  const std::string& bootstrap = flags.Text("bootstrap");
  const bool copy = flags.Text("form") == "copy";
  Delivered delivered;
  const Client producer =
      MakeClient(RD_KAFKA_PRODUCER, kafka::rd::ProducerSettings(OptionsFor(bootstrap)), &delivered);
  std::vector<Stream> streams;
  TopicHandle target;
  if (copy) {
    target.reset(rd_kafka_topic_new(producer.get(), flags.Text("to").c_str(), nullptr));
  } else {
    streams.emplace_back(flags, producer.get(), "events");
    streams.emplace_back(flags, producer.get(), "changelog");
  }
  const int64_t warm_up = flags.Number("warm-up");
  TopicReader reader(bootstrap, flags.Text("topic"),
                     static_cast<int32_t>(flags.NumberOr("shards", 4)));
  int64_t inputs = 0;
  int64_t start_us = MonotonicMicros();
  while (const Message message = reader.Next()) {
    if (++inputs == warm_up) start_us = MonotonicMicros();
    if (copy) {
      CopyInput(producer.get(), target.get(), *message);
    } else {
      for (Stream& stream : streams) stream.Write(message->partition);
    }
    if (inputs % kServeEvery == 0) rd_kafka_poll(producer.get(), 0);
  }
  FlushAll(producer.get(), delivered);
  const double seconds = static_cast<double>(MonotonicMicros() - start_us) / 1e6;
  Answer answer;
  answer.Add("inputs", inputs);
  answer.Add("outputs", delivered.records);
  answer.AddReal("inputs_per_s", static_cast<double>(inputs - warm_up) / seconds);
  answer.Print();
}

}  // namespace regulars::bench
