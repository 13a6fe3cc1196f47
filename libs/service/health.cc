#include "libs/service/health.h"

#include <civetweb.h>

#include <string_view>
#include <utility>

#include "libs/base/text.h"

namespace regulars::service {

struct HealthServer::Impl {
  HealthChecks checks;
  mg_context* context = nullptr;

  ~Impl() {
    if (context != nullptr) mg_stop(context);
  }
};

namespace {

void Answer(mg_connection* connection, bool head, int code, const char* type,
            const std::string& body) {
  const std::string header = Cat("HTTP/1.1 ", code,
                                 code == 200   ? " OK"
                                 : code == 503 ? " Service Unavailable"
                                               : " Error",
                                 "\r\nContent-Type: ", type, "\r\nContent-Length: ", body.size(),
                                 "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
  mg_write(connection, header.data(), header.size());
  if (!head) mg_write(connection, body.data(), body.size());
}

int OnRequest(mg_connection* connection, void* data) {
  const auto& checks = static_cast<HealthServer::Impl*>(data)->checks;
  const mg_request_info* request = mg_get_request_info(connection);
  const std::string_view method = request->request_method;
  const std::string_view path = request->local_uri;
  const bool head = method == "HEAD";
  constexpr char kText[] = "text/plain; charset=utf-8";
  if (!head && method != "GET") {
    Answer(connection, head, 405, kText, "GET only\n");
  } else if (path == "/healthz" || path == "/readyz") {
    const std::string problem = path == "/healthz" ? checks.live() : checks.ready();
    Answer(connection, head, problem.empty() ? 200 : 503, kText,
           problem.empty() ? "ok\n" : problem + "\n");
  } else if (path == "/metrics") {
    Answer(connection, head, 200, "text/plain; version=0.0.4; charset=utf-8", checks.metrics());
  } else {
    Answer(connection, head, 404, kText, "/healthz /readyz /metrics\n");
  }
  return 1;
}

}  // namespace

HealthServer::HealthServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HealthServer::~HealthServer() = default;

absl::StatusOr<std::unique_ptr<HealthServer>> HealthServer::Start(const std::string& listen,
                                                                  HealthChecks checks) {
  auto impl = std::make_unique<Impl>();
  impl->checks = std::move(checks);
  // Probes and one scraper: two threads are enough, and a slow client cannot hold one for long.
  const char* options[] = {"listening_ports",
                           listen.c_str(),
                           "num_threads",
                           "2",
                           "request_timeout_ms",
                           "2000",
                           "enable_keep_alive",
                           "no",
                           "max_request_size",
                           "16384",
                           nullptr};
  mg_callbacks callbacks{};
  impl->context = mg_start(&callbacks, nullptr, options);
  if (impl->context == nullptr) {
    return absl::UnavailableError(Cat("cannot listen on ", listen, " (health port)"));
  }
  mg_set_request_handler(impl->context, "/", OnRequest, impl.get());
  return std::unique_ptr<HealthServer>(new HealthServer(std::move(impl)));
}

int HealthServer::port() const {
  mg_server_port ports[1] = {};
  if (mg_get_server_ports(impl_->context, 1, ports) != 1) return 0;
  return ports[0].port;
}

}  // namespace regulars::service
