#include "services/messaging/shell/sender_thread.h"

#include <string>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/wall_clock.h"

namespace regulars::messaging {
namespace {

constexpr char kAttempts[] = "regulars_messaging_attempts_total";
constexpr char kAttemptsHelp[] = "Requests to the provider, by what came of them.";

}  // namespace

SenderThread::SenderThread(metrics::Registry* metrics, const log::Logger* logger)
    : logger_(logger),
      delivered_(metrics->MakeCounter(kAttempts, kAttemptsHelp, {{"result", "delivered"}})),
      retried_(metrics->MakeCounter(kAttempts, kAttemptsHelp, {{"result", "retry"}})),
      refused_(metrics->MakeCounter(kAttempts, kAttemptsHelp, {{"result", "refused"}})),
      reported_(metrics->MakeCounter("regulars_messaging_sender_reports_total",
                                     "Reports of finished sends that were committed.", {})),
      troubles_(metrics->MakeCounter("regulars_messaging_sender_troubles_total",
                                     "Sessions, transactions and records that failed.", {})),
      queued_(metrics->MakeGauge("regulars_messaging_sender_queued_sends",
                                 "Sends in the sender's memory.", {})),
      in_flight_(metrics->MakeGauge("regulars_messaging_sender_in_flight_requests",
                                    "Requests to the provider in the air.", {})) {}

SenderThread::~SenderThread() { Stop(); }

absl::Status SenderThread::Start(kafka::Log* log, const SenderOptions& options) {
  REGULARS_ASSIGN_OR_RETURN(sender_,
                            Sender::Make(log, this, {WallMicros, MonotonicMicros}, options));
  thread_ = std::thread([this] { sender_->Run(); });
  return absl::OkStatus();
}

void SenderThread::Stop() {
  if (!thread_.joinable()) return;
  sender_->Stop();
  thread_.join();
  sender_.reset();
}

void SenderThread::Attempted(Verdict verdict) {
  switch (verdict) {
    case Verdict::kDelivered:
      return delivered_.Add();
    case Verdict::kRetry:
      return retried_.Add();
    case Verdict::kRefused:
      return refused_.Add();
  }
}

void SenderThread::Committed(size_t reports) { reported_.Add(static_cast<int64_t>(reports)); }

void SenderThread::Queue(size_t queued, size_t in_flight) {
  queued_.Set(static_cast<double>(queued));
  in_flight_.Set(static_cast<double>(in_flight));
}

void SenderThread::Trouble(std::string_view what, std::string_view detail) {
  troubles_.Add();
  logger_->Warn("sender in trouble", {{"what", what}, {"detail", detail}});
}

}  // namespace regulars::messaging
