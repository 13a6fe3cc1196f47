#include "libs/service/settings.h"

#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "libs/base/hash.h"
#include "libs/base/limits.h"
#include "libs/base/text.h"
#include "libs/model/names.h"
#include "libs/service/link_scope.h"

namespace regulars::service {
namespace {

using config::BoolOption;
using config::IntOption;
using config::ListOption;
using config::Options;
using config::TextOption;

constexpr const char* kServices[] = {"ingest",       "identity",  "points",
                                     "segmentation", "messaging", "alliance"};
constexpr int32_t kGenerationMax = 9999;

void DeclareKafka(Options* options, Settings* s) {
  const auto text = [&](const char* name, const char* sentence, std::string* out) {
    options->Add(TextOption{.name = name, .group = "Kafka", .fallback = "", .sentence = sentence},
                 out);
  };
  options->Add(TextOption{.name = "kafka_bootstrap",
                          .group = "Kafka",
                          .fallback = "127.0.0.1:9092",
                          .sentence = "Brokers to begin with, host:port,host:port."},
               &s->kafka_bootstrap);
  options->Add(TextOption{.name = "kafka_security_protocol",
                          .group = "Kafka",
                          .fallback = "plaintext",
                          .sentence = "How to talk to the brokers.",
                          .choices = {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"}},
               &s->kafka_security_protocol);
  text("kafka_ssl_ca_file", "Whose broker certificates to trust (PEM).", &s->kafka_ssl_ca_file);
  text("kafka_ssl_cert_file", "Own certificate for mutual TLS (PEM).", &s->kafka_ssl_cert_file);
  text("kafka_ssl_key_file", "Key of that certificate (PEM).", &s->kafka_ssl_key_file);
  // librdkafka before 2.6.1 sends a wrong nonce, which Kafka 4 refuses (its pull request 4895).
  text("kafka_sasl_mechanism",
       "PLAIN (over TLS), SCRAM-SHA-512 or SCRAM-SHA-256; SCRAM to Kafka 4 needs librdkafka 2.6.1.",
       &s->kafka_sasl_mechanism);
  text("kafka_sasl_username_file", "File with the user name.", &s->kafka_sasl_username_file);
  text("kafka_sasl_password_file", "File with the password.", &s->kafka_sasl_password_file);
  options->Add(IntOption{.name = "kafka_session_timeout_ms",
                         .group = "Kafka",
                         .unit = "ms",
                         .fallback = 10'000,
                         .min = 6'000,
                         .max = 60'000,
                         .sentence = "A member that is silent for this long loses its shards."},
               &s->kafka_session_timeout_ms);
}

void DeclareRedis(Options* options, Settings* s) {
  options->Add(
      ListOption{.name = "redis_addresses",
                 .group = "Redis",
                 .fallback = {},
                 .sentence = "host:port of the view's Redis, several for a cluster; none = "
                             "no view, every read goes to the owner."},
      &s->redis_addresses);
  const auto text = [&](const char* name, const char* sentence, std::string* out) {
    options->Add(TextOption{.name = name, .group = "Redis", .fallback = "", .sentence = sentence},
                 out);
  };
  text("redis_user", "ACL user.", &s->redis_user);
  text("redis_password_file", "File with the password.", &s->redis_password_file);
  options->Add(BoolOption{.name = "redis_tls", .group = "Redis", .sentence = "Use TLS."},
               &s->redis_tls);
  text("redis_tls_ca_file", "Whose certificates to trust (PEM).", &s->redis_tls_ca_file);
  options->Add(IntOption{.name = "redis_member_ttl_s",
                         .group = "Redis",
                         .unit = "s",
                         .fallback = 7 * 24 * 3600,
                         .min = 1,
                         .max = int64_t{10} * 365 * 24 * 3600,
                         .sentence = "A key of the view lives this long after its last write."},
               &s->redis_member_ttl_s);
}

void DeclareServers(Options* options, Settings* s) {
  const auto text = [&](const char* name, const char* fallback, const char* sentence,
                        std::string* out) {
    options->Add(
        TextOption{.name = name, .group = "Servers", .fallback = fallback, .sentence = sentence},
        out);
  };
  text("grpc_listen", "127.0.0.1:0", "Address of the gRPC port, 0 = any free one.",
       &s->grpc_listen);
  text("grpc_advertise", "", "host:port that other instances reach; empty = the listening address.",
       &s->grpc_advertise);
  text("grpc_tls_cert_file", "", "Certificate of the gRPC port (PEM); empty = no TLS.",
       &s->grpc_tls.cert_file);
  text("grpc_tls_key_file", "", "Key of that certificate (PEM).", &s->grpc_tls.key_file);
  text("grpc_tls_client_ca_file", "", "Clients must show a certificate of this CA (PEM).",
       &s->grpc_tls.ca_file);
  text("grpc_tls_peer_ca_file", "",
       "Whose certificates of other instances to trust (PEM); empty = the CA of the clients.",
       &s->grpc_tls_peer_ca_file);
  options->Add(BoolOption{.name = "grpc_reflection",
                          .group = "Servers",
                          .fallback = true,
                          .sentence = "Let grpcurl and others ask for the schema."},
               &s->grpc_reflection);
  text("health_listen", "127.0.0.1:0", "Address of /healthz, /readyz and /metrics.",
       &s->health_listen);
}

void DeclareRuntime(Options* options, Settings* s) {
  const auto number = [&](const char* name, const char* unit, int64_t fallback, int64_t min,
                          int64_t max, const char* sentence, int64_t* out) {
    options->Add(IntOption{.name = name,
                           .group = "Runtime",
                           .unit = unit,
                           .fallback = fallback,
                           .min = min,
                           .max = max,
                           .sentence = sentence},
                 out);
  };
  options->Add(TextOption{.name = "generation",
                          .group = "Runtime",
                          .fallback = "g1",
                          .sentence = "Generation of the topics, g<number>."},
               &s->generation_text);
  options->Check([s](config::Problems* problems) {
    const bool form = s->generation_text.size() >= 2 && s->generation_text[0] == 'g' &&
                      absl::SimpleAtoi(s->generation_text.substr(1), &s->generation);
    if (!form || s->generation < 1 || s->generation > kGenerationMax) {
      problems->push_back("generation: must be g<number>, g1 to g9999");
    }
  });
  number("shards", "shards", 4, 1, kBucketCount, "Partitions of every topic of the generation.",
         &s->shards);
  number("slot", "", 0, 0, 9999, "Ordinal of this instance; fixed for its life.", &s->slot);
  number("instances", "", 1, 1, 10'000, "Instances of this service.", &s->instances);
  options->Add(TextOption{.name = "state_dir",
                          .group = "Runtime",
                          .fallback = "state",
                          .sentence = "Folder of the local store; may be lost at any time."},
               &s->state_dir);
  number("batch_inputs_max", "inputs", 4000, 1, 10'000, "Inputs of one transaction.",
         &s->batch_inputs_max);
  number("batch_time_max_ms", "ms", 50, 1, 1000, "A batch is committed after this time.",
         &s->batch_time_max_ms);
  number("cache_keys_max", "keys", 300'000, 0, 100'000'000, "State values kept in memory.",
         &s->cache_keys_max);
  number("check_invariants_every", "inputs", 0, 0, 1'000'000,
         "Check an entity's invariants at every n-th input; 0 = never.",
         &s->check_invariants_every);
  number("store_age_max_s", "s", 259'200, 0, 31'536'000,
         "A local store that is behind the changelog for longer is discarded; keep it below the "
         "changelog's delete.retention.ms. 0 = never.",
         &s->store_age_max_s);
  number("liveness_ms_max", "ms", 60'000, 1000, 3'600'000,
         "Without progress of the loop for this long /healthz fails.", &s->liveness_ms_max);
  number(
      "key_refresh_s", "s", 30, 1, 3600,
      "Files of transport keys are read again this often: a destroyed key is out of memory then.",
      &s->key_refresh_s);
  options->Add(TextOption{.name = "log_level",
                          .group = "Runtime",
                          .fallback = "info",
                          .sentence = "Least level that is written.",
                          .choices = {"debug", "info", "warn", "error"}},
               &s->log_level);
}

void ReadPools(const std::string& service, const PoolReader& read_pool, Settings* s,
               config::Section& root) {
  std::set<std::string> names;
  for (config::Section& item : root.Children("pools")) {
    PoolConfig pool;
    pool.name = item.Text("name");
    pool.event_clock = item.Choice("clock", {"live", "event"}, "live") == "event";
    pool.pepper_file = item.Text("pepper_file", "");
    pool.seal_key_file = item.Text("seal_key_file", "");
    pool.transport_keys_file = item.Text("transport_keys_file", "");
    pool.kek_file = item.Text("kek_file", "");
    pool.api_keys_file = item.Text("api_keys_file", "");
    if (!model::IsValidPoolName(pool.name)) {
      item.Problem("name", "must be 1 to 63 of a-z, 0-9 and inner dashes");
    } else if (!names.insert(pool.name).second) {
      item.Problem("name", "is there twice");
    }
    if (auto identity = item.Child("identity")) pool.link_scope_pool = IsLinkScopePool(&*identity);
    for (const char* other : kServices) {
      if (other != service) item.Skip(other);
    }
    item.Skip("identifiers");  // ingest and identity read it, each checks it
    if (read_pool) {
      read_pool(pool, &item);
    } else {
      item.Skip(service);
    }
    item.Finish();
    s->pools.push_back(std::move(pool));
  }
  if (s->pools.size() > limits::kPoolsMax) root.Problem("pools", "too many pools");
}

}  // namespace

PoolNames PoolsTogether(const Settings& settings, std::string_view service) {
  PoolNames names;
  if (service != "identity") return names;
  for (const PoolConfig& pool : settings.pools) {
    if (pool.link_scope_pool) names.insert(pool.name);
  }
  return names;
}

void DeclareSettings(const std::string& service, const PoolReader& read_pool, Options* options,
                     Settings* settings) {
  DeclareKafka(options, settings);
  DeclareRedis(options, settings);
  DeclareServers(options, settings);
  DeclareRuntime(options, settings);
  options->Add(
      config::SectionOption{.name = "pools",
                            .group = "Pools",
                            .sentence =
                                "The tenants, each with its clock and keys; a map named after "
                                "a service holds that service's rules.",
                            .example = "pools:\n"
                                       "  - name: cofco\n"
                                       "    clock: live          # or event, to replay history\n"
                                       "    pepper_file: /run/keys/cofco/pepper\n"
                                       "    seal_key_file: /run/keys/cofco/seal-key\n"
                                       "    transport_keys_file: /run/keys/cofco/transport-keys\n"
                                       "    kek_file: /run/keys/cofco/kek\n"
                                       "    api_keys_file: /run/keys/cofco/api-keys\n"
                                       "    identifiers: {default_region: CN, blocked: "
                                       "[\"phone=021 6123 4567\"]}\n"
                                       "    points: {program: loyalty, points: 1}\n"},
      [service, read_pool, settings](config::Section& root) {
        ReadPools(service, read_pool, settings, root);
      });
  std::vector<std::string> others;
  for (const char* other : kServices) {
    if (other != service) others.emplace_back(other);
  }
  options->IgnoreSections(others);
}

}  // namespace regulars::service
