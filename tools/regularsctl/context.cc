#include "tools/regularsctl/context.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "absl/strings/str_join.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/config/options.h"
#include "libs/service/process.h"
#include "tools/regularsctl/verify.h"

namespace regulars::ctl {
namespace {

constexpr absl::Duration kAnswerTimeout = absl::Seconds(5);
constexpr int64_t kRedisTimeoutMs = 5'000;

// Short flags -> options of a service.
std::vector<std::string> Arguments(const CommandLine& line) {
  std::vector<std::string> out = {"regularsctl"};
  if (const auto file = line.Last("config")) out.push_back(Cat("--config=", *file));
  for (const std::string& set : line.All("set")) out.push_back(Cat("--set=", set));
  if (const auto brokers = line.Last("brokers")) {
    out.push_back(Cat("--set=kafka_bootstrap=", *brokers));
  }
  if (const auto redis = line.Last("redis")) out.push_back(Cat("--set=redis_addresses=", *redis));
  if (const auto generation = line.Last("generation")) {
    const bool full = generation->starts_with("g");
    out.push_back(Cat("--set=generation=", full ? "" : "g", *generation));
  }
  return out;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Context>> Context::Make(CommandLine line) {
  std::unique_ptr<Context> context(new Context(std::move(line)));
  config::Options options("regularsctl", "Looks into a running system.");
  service::DeclareSettings("regularsctl", nullptr, &options, &context->settings_);
  const std::vector<std::string> arguments = Arguments(context->line_);
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  const auto result = options.Parse(static_cast<int>(argv.size()), argv.data(),
                                    [](const char* name) -> const char* {
                                      return std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
                                    });
  if (!result.problems.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(result.problems, "\n"));
  }
  return context;
}

absl::StatusOr<std::vector<std::string>> Context::Services() const {
  std::vector<std::string> services = line_.All("service");
  if (services.empty()) {
    services.assign(std::begin(kStatefulServices), std::end(kStatefulServices));
  }
  for (const std::string& service : services) {
    if (std::find(std::begin(kStatefulServices), std::end(kStatefulServices), service) ==
        std::end(kStatefulServices)) {
      return absl::InvalidArgumentError(
          Cat("--service=", service, ": must be one of ",
              absl::StrJoin(std::begin(kStatefulServices), std::end(kStatefulServices), ", ")));
    }
  }
  return services;
}

absl::StatusOr<kafka::RdkafkaOptions> Context::KafkaOptions() const {
  kafka::RdkafkaOptions options;
  options.bootstrap = settings_.kafka_bootstrap;
  options.client_id = "regularsctl";
  // Many short reads: the wait for an empty fetch is also the delay before a range begins and ends.
  options.fetch_wait = absl::Milliseconds(10);
  options.security_protocol = settings_.kafka_security_protocol;
  options.ssl_ca_location = settings_.kafka_ssl_ca_file;
  options.ssl_certificate_location = settings_.kafka_ssl_cert_file;
  options.ssl_key_location = settings_.kafka_ssl_key_file;
  options.sasl_mechanism = settings_.kafka_sasl_mechanism;
  REGULARS_ASSIGN_OR_RETURN(options.sasl_username,
                            service::ReadSecret(settings_.kafka_sasl_username_file));
  REGULARS_ASSIGN_OR_RETURN(options.sasl_password,
                            service::ReadSecret(settings_.kafka_sasl_password_file));
  return options;
}

absl::Status Context::OpenLog() {
  REGULARS_ASSIGN_OR_RETURN(const kafka::RdkafkaOptions options, KafkaOptions());
  log_ = std::make_unique<kafka::RdkafkaLog>(options);
  REGULARS_ASSIGN_OR_RETURN(inspector_, kafka::MakeInspector(options));
  if (const auto topics = inspector_->Topics(kAnswerTimeout); !topics.ok()) {
    return absl::UnavailableError(
        Cat("no broker answers at ", options.bootstrap, ": ", topics.status().ToString()));
  }
  REGULARS_ASSIGN_OR_RETURN(reader_,
                            LogReader::Make(log_.get(), inspector_.get(), settings_.generation));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<redis::RedisView>> Context::OpenView() const {
  if (settings_.redis_addresses.empty()) return std::unique_ptr<redis::RedisView>();
  redis::RedisOptions options;
  options.addresses = settings_.redis_addresses;
  options.user = settings_.redis_user;
  REGULARS_ASSIGN_OR_RETURN(options.password, service::ReadSecret(settings_.redis_password_file));
  options.tls.enabled = settings_.redis_tls;
  options.tls.ca_file = settings_.redis_tls_ca_file;
  options.command_timeout_ms = kRedisTimeoutMs;
  return redis::RedisView::Create(std::move(options));
}

}  // namespace regulars::ctl
