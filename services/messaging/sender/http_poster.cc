#include "services/messaging/sender/http_poster.h"

#include <curl/curl.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "libs/base/assert.h"
#include "libs/base/status.h"

namespace regulars::messaging {
namespace {

size_t KeepAnswer(char* data, size_t size, size_t count, void* user) {
  auto* answer = static_cast<std::string*>(user);
  const size_t bytes = size * count;
  answer->append(data,
                 std::min(bytes, kAnswerBytesMax - std::min(answer->size(), kAnswerBytesMax)));
  return bytes;
}

// {"id": "..."} of the answer, if there is one.
std::string ProviderId(const std::string& answer) {
  const auto json = nlohmann::json::parse(answer, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return "";
  const auto id = json.find("id");
  return id != json.end() && id->is_string() ? id->get<std::string>() : "";
}

absl::Status CheckUrl(const std::string& url) {
  const absl::Status wrong =
      DomainError(absl::StatusCode::kInvalidArgument, "WEBHOOK_URL_INVALID",
                  "the webhook must be an http or https URL without user and password");
  CURLU* parsed = curl_url();
  char* scheme = nullptr;
  char* user = nullptr;
  const bool readable = curl_url_set(parsed, CURLUPART_URL, url.c_str(), 0) == CURLUE_OK &&
                        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK;
  const bool web = readable && (std::string(scheme) == "http" || std::string(scheme) == "https");
  const bool has_user = readable && curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_OK;
  curl_free(scheme);
  curl_free(user);
  curl_url_cleanup(parsed);
  return web && !has_user ? absl::OkStatus() : wrong;
}

struct Request {
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  JobId id;
  std::string body;
  std::string answer;
};

}  // namespace

struct HttpPoster::Impl {
  HttpPosterOptions options;
  CURLM* multi = nullptr;
  std::map<CURL*, std::unique_ptr<Request>> requests;
  std::vector<CURL*> idle;  // handles to use again

  ~Impl() {
    for (CURL* easy : idle) curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }

  std::unique_ptr<Request> Remove(CURL* easy) {
    const auto found = requests.find(easy);
    REGULARS_ASSERT(found != requests.end(), "a request that nobody made");
    std::unique_ptr<Request> request = std::move(found->second);
    requests.erase(found);
    curl_multi_remove_handle(multi, easy);
    curl_slist_free_all(request->headers);
    idle.push_back(easy);
    return request;
  }
};

HttpPoster::HttpPoster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpPoster::~HttpPoster() { CancelAll(); }

absl::StatusOr<std::unique_ptr<HttpPoster>> HttpPoster::Make(const HttpPosterOptions& options) {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  REGULARS_ASSERT(global == CURLE_OK, "libcurl does not start");
  REGULARS_RETURN_IF_ERROR(CheckUrl(options.url));
  if (options.in_flight_max < 1 || options.in_flight_max > kInFlightMax ||
      options.attempt_timeout < absl::Milliseconds(1)) {
    return DomainError(absl::StatusCode::kInvalidArgument, "WEBHOOK_OPTION_INVALID",
                       "requests in flight or time-out out of range");
  }
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->multi = curl_multi_init();
  const long connections = static_cast<long>(options.in_flight_max);
  curl_multi_setopt(impl->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
  curl_multi_setopt(impl->multi, CURLMOPT_MAXCONNECTS, connections);
  return std::unique_ptr<HttpPoster>(new HttpPoster(std::move(impl)));
}

bool HttpPoster::full() const { return impl_->requests.size() >= impl_->options.in_flight_max; }

void HttpPoster::Post(JobId id, const std::string& key, const std::string& body) {
  REGULARS_ASSERT(!full(), "too many requests in flight");
  auto request = std::make_unique<Request>();
  if (impl_->idle.empty()) {
    request->easy = curl_easy_init();
  } else {
    request->easy = impl_->idle.back();
    impl_->idle.pop_back();
    curl_easy_reset(request->easy);  // keeps connections
  }
  request->id = id;
  request->body = body;
  const auto add = [&](const std::string& line) {
    request->headers = curl_slist_append(request->headers, line.c_str());
  };
  add("Content-Type: application/json");
  add("Idempotency-Key: " + key);
  add("Expect:");  // no 100-continue round trip
  if (!impl_->options.authorization.empty()) add("Authorization: " + impl_->options.authorization);

  CURL* easy = request->easy;
  curl_easy_setopt(easy, CURLOPT_URL, impl_->options.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(impl_->options.attempt_timeout)));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request->body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &KeepAnswer);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &request->answer);
  curl_multi_add_handle(impl_->multi, easy);
  impl_->requests.emplace(easy, std::move(request));
}

std::vector<std::pair<JobId, AttemptResult>> HttpPoster::Poll(absl::Duration timeout) {
  int running = 0;
  curl_multi_perform(impl_->multi, &running);
  const int wait_ms = static_cast<int>(absl::ToInt64Milliseconds(timeout));
  if (wait_ms > 0 && running == static_cast<int>(impl_->requests.size())) {
    curl_multi_poll(impl_->multi, nullptr, 0, wait_ms, nullptr);
    curl_multi_perform(impl_->multi, &running);
  }
  std::vector<std::pair<JobId, AttemptResult>> ended;
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(impl_->multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    CURL* easy = message->easy_handle;
    long status = 0;
    if (code == CURLE_OK) curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    const std::unique_ptr<Request> request = impl_->Remove(easy);
    AttemptResult result{static_cast<int32_t>(status), ""};
    if (VerdictOf(result.http_status) == Verdict::kDelivered) {
      result.provider_message_id = ProviderId(request->answer);
    }
    ended.emplace_back(request->id, std::move(result));
  }
  return ended;
}

void HttpPoster::CancelAll() {
  while (!impl_->requests.empty()) impl_->Remove(impl_->requests.begin()->first);
}

void HttpPoster::Wake() { curl_multi_wakeup(impl_->multi); }

}  // namespace regulars::messaging
