// The sender's thread inside the messaging process, with its metrics and log lines.
// Thread-safety: Start and Stop from the main thread. Lifecycle: Stop (or destruction) waits until
// what is in the air has ended, at most SenderOptions::drain_timeout, and its reports are
// committed.
#ifndef REGULARS_SERVICES_MESSAGING_SHELL_SENDER_THREAD_H_
#define REGULARS_SERVICES_MESSAGING_SHELL_SENDER_THREAD_H_

#include <memory>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "libs/kafka/port.h"
#include "libs/log/log.h"
#include "libs/metrics/metrics.h"
#include "services/messaging/sender/sender.h"

namespace regulars::messaging {

class SenderThread : private SenderProbe {
 public:
  // `logger` must outlive this object.
  SenderThread(metrics::Registry* metrics, const log::Logger* logger);
  ~SenderThread() override;

  // `log` must outlive the thread. INVALID_ARGUMENT as Sender::Make.
  absl::Status Start(kafka::Log* log, const SenderOptions& options);
  void Stop();

 private:
  void Attempted(Verdict verdict) override;
  void Committed(size_t reports) override;
  void Queue(size_t queued, size_t in_flight) override;
  void Trouble(std::string_view what, std::string_view detail) override;

  const log::Logger* const logger_;
  metrics::Counter delivered_, retried_, refused_, reported_, troubles_;
  metrics::Gauge queued_, in_flight_;
  std::unique_ptr<Sender> sender_;
  std::thread thread_;
};

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_SHELL_SENDER_THREAD_H_
