// The settings that every service has, and the pools. Declared once here; docs/config.md is made
// from it. Thread-safety: filled while starting, then only read.
#ifndef REGULARS_LIBS_SERVICE_SETTINGS_H_
#define REGULARS_LIBS_SERVICE_SETTINGS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/placement.h"
#include "libs/config/options.h"
#include "libs/rpc/server.h"

namespace regulars::service {

struct PoolConfig {
  std::string name;
  bool event_clock = false;         // clock: event (replay) instead of live
  std::string pepper_file;          // HMAC key of identifiers; empty where a service needs none
  std::string seal_key_file;        // keys of sealed fields
  std::string transport_keys_file;  // a key per day; empty: no contact data is kept
  std::string kek_file;             // wraps the data keys of members; identity only
  std::string api_keys_file;        // who may call
  bool link_scope_pool = false;     // identity keeps all of the pool in one shard
};

struct Settings {
  std::string generation_text;  // "g1"
  int32_t generation = 1;
  int64_t shards = 4;
  int64_t slot = 0;
  int64_t instances = 1;
  std::string log_level;

  std::string kafka_bootstrap, kafka_security_protocol, kafka_ssl_ca_file, kafka_ssl_cert_file,
      kafka_ssl_key_file, kafka_sasl_mechanism, kafka_sasl_username_file, kafka_sasl_password_file;
  int64_t kafka_session_timeout_ms = 10'000;
  std::vector<std::string> redis_addresses;
  std::string redis_user, redis_password_file, redis_tls_ca_file;
  bool redis_tls = false;
  int64_t redis_member_ttl_s = 0;

  std::string grpc_listen, grpc_advertise;
  rpc::TlsFiles grpc_tls;
  std::string grpc_tls_peer_ca_file;
  bool grpc_reflection = true;
  std::string health_listen;

  std::string state_dir;
  int64_t batch_inputs_max = 4000;
  int64_t batch_time_max_ms = 50;
  int64_t cache_keys_max = 300'000;
  int64_t check_invariants_every = 0;
  int64_t store_age_max_s = 259'200;
  int64_t liveness_ms_max = 60'000;
  int64_t key_refresh_s = 30;

  std::vector<PoolConfig> pools;
};

// Reads a service's own keys of one pool.
using PoolReader = std::function<void(const PoolConfig& pool, config::Section* section)>;

// The pools whose entities the service keeps together (libs/base/placement.h): identity's pools
// with `link_scope: pool`. Every other service spreads its members.
[[nodiscard]] PoolNames PoolsTogether(const Settings& settings, std::string_view service);

// Declares everything; `settings` must outlive `options`. The maps of other services, at the top
// level and in pools, are skipped.
void DeclareSettings(const std::string& service, const PoolReader& read_pool,
                     config::Options* options, Settings* settings);

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_SETTINGS_H_
