// The real log: librdkafka's C API (2.0.2 or later) behind libs/kafka/port.h.
//
// Every setting that matters is set explicitly, with its reason, in rdkafka_config.cc.
// Thread-safety and errors: as port.h says. Status codes: FAILED_PRECONDITION = fenced or broken
// for good, OUT_OF_RANGE = an offset that is not in the log, NOT_FOUND = no such topic or
// partition, UNAVAILABLE and DEADLINE_EXCEEDED = the broker did not answer in time,
// INVALID_ARGUMENT = a setting librdkafka refuses. Lifecycle: clients may outlive the RdkafkaLog. A
// Record keeps its consumer's handle alive until its last copy is gone, so a worker must not hoard
// records beyond its batch.
#ifndef REGULARS_LIBS_KAFKA_RDKAFKA_LOG_H_
#define REGULARS_LIBS_KAFKA_RDKAFKA_LOG_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/kafka/port.h"

namespace regulars::kafka {

struct RdkafkaOptions {
  std::string bootstrap;  // host:port,host:port
  std::string client_id = "regulars";

  // Transport security. Empty fields are left at librdkafka's defaults.
  std::string security_protocol;  // plaintext, ssl, sasl_plaintext, sasl_ssl
  std::string ssl_ca_location;
  std::string ssl_certificate_location;
  std::string ssl_key_location;
  std::string ssl_key_password;
  std::string sasl_mechanism;  // SCRAM-SHA-512, PLAIN, OAUTHBEARER, …
  std::string sasl_username;
  std::string sasl_password;

  // Time-outs: production values; tests shorten them.
  absl::Duration session_timeout = absl::Seconds(10);
  absl::Duration heartbeat_interval = absl::Seconds(2);
  absl::Duration max_poll_interval = absl::Seconds(30);  // the loop's watchdog
  absl::Duration socket_timeout = absl::Seconds(5);
  absl::Duration transaction_timeout = absl::Seconds(10);
  absl::Duration message_timeout = absl::Seconds(10);  // plain producers: Done is called by then
  absl::Duration fetch_wait = absl::Milliseconds(100);
  // Of readers: a range ends with two empty fetches, a takeover reads several. A reader that mostly
  // waits wants it longer.
  absl::Duration reader_fetch_wait = absl::Milliseconds(10);

  // Bounds of memory: per consumer or reader, and per producer.
  size_t prefetch_bytes = size_t{16} << 20;
  size_t producer_queue_bytes = size_t{32} << 20;

  // The dirty-producer rule. Only the test that shows what happens without it switches it off.
  bool dirty_rule = true;

  // librdkafka's own log lines: syslog level, facility, text. Called from any thread; null drops
  // them.
  std::function<void(int level, std::string_view facility, std::string_view text)> log;
};

class RdkafkaLog : public Log {
 public:
  explicit RdkafkaLog(RdkafkaOptions options);
  ~RdkafkaLog() override;

  absl::StatusOr<std::unique_ptr<Consumer>> NewConsumer(const ConsumerOptions& options) override;
  absl::StatusOr<std::unique_ptr<TransactionalProducer>> NewTransactionalProducer(
      const TransactionalProducerOptions& options) override;
  absl::StatusOr<std::unique_ptr<Producer>> NewProducer() override;
  absl::StatusOr<std::unique_ptr<Reader>> NewReader() override;
  // Makes a client for the question; meant for start-up.
  absl::StatusOr<int32_t> PartitionCount(const std::string& topic, absl::Duration timeout) override;

 private:
  const RdkafkaOptions options_;
};

}  // namespace regulars::kafka

#endif  // REGULARS_LIBS_KAFKA_RDKAFKA_LOG_H_
