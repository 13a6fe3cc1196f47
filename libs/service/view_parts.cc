#include "libs/service/view_parts.h"

#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/redis/redis_view.h"
#include "libs/service/process.h"
#include "libs/shard/view_writer.h"

namespace regulars::service {
namespace {

// A reader has an owner to ask: it waits a short time only.
constexpr int64_t kReadTimeoutMs = 100;

absl::StatusOr<redis::RedisOptions> OptionsOf(const Settings& settings) {
  redis::RedisOptions options;
  options.addresses = settings.redis_addresses;
  options.user = settings.redis_user;
  REGULARS_ASSIGN_OR_RETURN(options.password, ReadSecret(settings.redis_password_file));
  options.tls.enabled = settings.redis_tls;
  options.tls.ca_file = settings.redis_tls_ca_file;
  options.member_ttl_s = settings.redis_member_ttl_s;
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ViewThread>> MakeViewThread(const Settings& settings,
                                                           const shard::Program* program,
                                                           metrics::Registry* metrics) {
  if (settings.redis_addresses.empty()) return nullptr;
  REGULARS_ASSIGN_OR_RETURN(redis::RedisOptions redis, OptionsOf(settings));
  REGULARS_ASSIGN_OR_RETURN(std::unique_ptr<redis::RedisView> view,
                            redis::RedisView::Create(std::move(redis)));
  shard::ViewWriterOptions options;
  options.service = program->service();
  options.shard_count = static_cast<int32_t>(settings.shards);
  return std::make_unique<ViewThread>(
      std::make_unique<shard::ViewWriter>(
          std::move(view), std::move(options),
          [program](std::string_view sub) { return program->InView(sub); }),
      metrics);
}

absl::StatusOr<std::unique_ptr<ViewReader>> MakeViewReader(const Settings& settings,
                                                           metrics::Registry* metrics) {
  if (settings.redis_addresses.empty()) return nullptr;
  REGULARS_ASSIGN_OR_RETURN(redis::RedisOptions redis, OptionsOf(settings));
  redis.connect_timeout_ms = kReadTimeoutMs;
  redis.command_timeout_ms = kReadTimeoutMs;
  std::vector<std::unique_ptr<redis::View>> views;
  for (int i = 0; i < kReadThreads; ++i) {
    REGULARS_ASSIGN_OR_RETURN(views.emplace_back(), redis::RedisView::Create(redis));
  }
  return std::make_unique<ViewReader>(std::move(views), metrics);
}

}  // namespace regulars::service
