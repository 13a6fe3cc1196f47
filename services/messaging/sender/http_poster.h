// POSTs JSON to one URL, many at a time, on one thread (libcurl's multi interface).
//
// The URL is the operator's configuration, never data: http or https without credentials in it. No
// redirect is followed, no proxy of the environment is used, so a provider cannot send us
// elsewhere. An answer's body is read up to kAnswerBytesMax and dropped beyond. Thread-safety: one
// thread, except Wake(). Errors: what goes wrong on the way is an AttemptResult with http_status 0.
#ifndef REGULARS_SERVICES_MESSAGING_SENDER_HTTP_POSTER_H_
#define REGULARS_SERVICES_MESSAGING_SENDER_HTTP_POSTER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/messaging/sender/outbox.h"

namespace regulars::messaging {

inline constexpr size_t kAnswerBytesMax = 16 * 1024;
inline constexpr size_t kInFlightMax = 1024;

struct HttpPosterOptions {
  std::string url;
  std::string authorization;  // value of the Authorization header; empty = none
  absl::Duration attempt_timeout = absl::Seconds(5);
  size_t in_flight_max = 64;  // 1..kInFlightMax, also the number of connections
};

class HttpPoster {
 public:
  // INVALID_ARGUMENT WEBHOOK_URL_INVALID, WEBHOOK_OPTION_INVALID.
  static absl::StatusOr<std::unique_ptr<HttpPoster>> Make(const HttpPosterOptions& options);
  ~HttpPoster();
  HttpPoster(const HttpPoster&) = delete;
  HttpPoster& operator=(const HttpPoster&) = delete;

  [[nodiscard]] bool full() const;
  // Starts a request; must not be full (asserted). The header Idempotency-Key is `key`.
  void Post(JobId id, const std::string& key, const std::string& body);
  // Serves the requests in the air, waiting at most that long for something to happen; the ones
  // that ended.
  [[nodiscard]] std::vector<std::pair<JobId, AttemptResult>> Poll(absl::Duration timeout);
  // Gives up every request in the air, without a result.
  void CancelAll();
  // Any thread: makes a blocked Poll return soon.
  void Wake();

 private:
  struct Impl;
  explicit HttpPoster(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_SENDER_HTTP_POSTER_H_
