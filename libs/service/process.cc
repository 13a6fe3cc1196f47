#include "libs/service/process.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/kafka/rdkafka_log.h"

namespace regulars::service {
namespace {

// Below the socket's time-out, which an unanswered fetch must not reach.
constexpr absl::Duration kQuietFetchWait = absl::Seconds(2);

template <typename Map>
auto* FindIn(Map& map, std::string_view pool) {
  const auto found = map.find(pool);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

absl::StatusOr<std::string> ReadSecret(const std::string& path) {
  if (path.empty()) return "";
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (file.good() && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file.is_open() || file.bad()) return absl::NotFoundError(Cat("cannot read ", path));
  return std::string(absl::StripTrailingAsciiWhitespace(text.str()));
}

Process::Process(std::string service, Settings settings, log::Logger logger)
    : service_(std::move(service)), settings_(std::move(settings)), logger_(std::move(logger)) {}

absl::Status Process::Open(bool stateful) {
  metrics_.MakeGauge("regulars_build_info", "what runs here", {{"version", kVersion}}).Set(1);
  REGULARS_RETURN_IF_ERROR(OpenKeys(stateful));
  REGULARS_RETURN_IF_ERROR(OpenKafka());
  if (stateful) {
    const std::string topic =
        events::TopicName(service_, events::kOwnersKind, settings_.generation);
    owners_ = std::make_unique<Owners>(quiet_log_.get(), &logger_, topic);
    // To its peers an instance is a client with the certificate of its own port.
    rpc::TlsFiles peers = settings_.grpc_tls;
    if (!settings_.grpc_tls_peer_ca_file.empty()) peers.ca_file = settings_.grpc_tls_peer_ca_file;
    gateway_ = std::make_unique<Gateway>(
        Placement(static_cast<int32_t>(settings_.shards), PoolsTogether(settings_, service_)),
        owners_.get(), std::move(peers));
  }
  return absl::OkStatus();
}

absl::Status Process::OpenKeys(bool stateful) {
  rpc::ApiKeys keys;
  for (const PoolConfig& pool : settings_.pools) {
    if (!pool.pepper_file.empty()) {
      REGULARS_ASSIGN_OR_RETURN(seal::Pepper pepper,
                                seal::Pepper::Load(pool.pepper_file, pool.name));
      peppers_.emplace(pool.name, std::move(pepper));
    }
    if (!pool.seal_key_file.empty()) {
      REGULARS_ASSIGN_OR_RETURN(seal::KeyRing ring, seal::KeyRing::Load(pool.seal_key_file));
      sealers_.emplace(pool.name, seal::Sealer(std::move(ring), seal::RandomNonces()));
    }
    if (!pool.transport_keys_file.empty()) {
      REGULARS_ASSIGN_OR_RETURN(transport_keys_[pool.name],
                                seal::TransportKeys::Load(pool.transport_keys_file));
    }
    if (!pool.kek_file.empty()) {
      REGULARS_ASSIGN_OR_RETURN(seal::KeyRing ring, seal::KeyRing::Load(pool.kek_file));
      key_wrappers_[pool.name] = std::make_unique<seal::KeyFileWrapper>(std::move(ring));
    }
    if (stateful && pool.seal_key_file.empty()) {
      return absl::InvalidArgumentError(
          Cat("pool ", pool.name, ": seal_key_file is missing: what is set aside would be lost"));
    }
    if (!pool.api_keys_file.empty()) {
      REGULARS_RETURN_IF_ERROR(keys.AddFile(pool.api_keys_file));
    }
  }
  if (stateful && sealers_.empty()) {
    return absl::InvalidArgumentError("pools: a service with state needs at least one pool");
  }
  std::map<std::string, seal::TransportKeys*> refreshed;
  for (const auto& [pool, transport] : transport_keys_) refreshed[pool] = transport.get();
  key_refresh_ = std::make_unique<KeyRefresh>(
      std::move(refreshed), absl::Seconds(settings_.key_refresh_s), &metrics_, &logger_);
  if (keys.size() == 0) logger_.Warn("no API key is configured: every call will be refused");
  edge_ = std::make_unique<rpc::Edge>(std::move(keys), &metrics_, &logger_);
  return absl::OkStatus();
}

absl::Status Process::OpenKafka() {
  kafka::RdkafkaOptions options;
  options.bootstrap = settings_.kafka_bootstrap;
  options.client_id = Cat("regulars-", service_, "-", settings_.slot);
  options.security_protocol = settings_.kafka_security_protocol;
  options.ssl_ca_location = settings_.kafka_ssl_ca_file;
  options.ssl_certificate_location = settings_.kafka_ssl_cert_file;
  options.ssl_key_location = settings_.kafka_ssl_key_file;
  options.sasl_mechanism = settings_.kafka_sasl_mechanism;
  REGULARS_ASSIGN_OR_RETURN(options.sasl_username, ReadSecret(settings_.kafka_sasl_username_file));
  REGULARS_ASSIGN_OR_RETURN(options.sasl_password, ReadSecret(settings_.kafka_sasl_password_file));
  options.session_timeout = absl::Milliseconds(settings_.kafka_session_timeout_ms);
  options.log = [this](int level, std::string_view facility, std::string_view text) {
    constexpr int kSyslogWarning = 4;
    const log::Level mapped = level < kSyslogWarning    ? log::Level::kError
                              : level == kSyslogWarning ? log::Level::kWarn
                                                        : log::Level::kDebug;
    logger_.Log(mapped, "kafka client", {{"facility", facility}, {"text", text}});
  };
  log_ = std::make_unique<kafka::RdkafkaLog>(options);
  // For topics that hardly ever change: an empty fetch waits long and is answered at once when
  // there is something.
  options.reader_fetch_wait = kQuietFetchWait;
  quiet_log_ = std::make_unique<kafka::RdkafkaLog>(std::move(options));
  return absl::OkStatus();
}

bool Process::knows_pool(std::string_view pool) const {
  for (const PoolConfig& known : settings_.pools) {
    if (known.name == pool) return true;
  }
  return false;
}

const seal::Pepper* Process::pepper(std::string_view pool) const { return FindIn(peppers_, pool); }

const seal::Sealer* Process::sealer(std::string_view pool) const { return FindIn(sealers_, pool); }

const seal::TransportKeys* Process::transport_keys(std::string_view pool) const {
  const auto found = transport_keys_.find(pool);
  return found == transport_keys_.end() ? nullptr : found->second.get();
}

const seal::KeyWrapper* Process::key_wrapper(std::string_view pool) const {
  const auto found = key_wrappers_.find(pool);
  return found == key_wrappers_.end() ? nullptr : found->second.get();
}

const seal::Sealer& Process::SetAsideSealer(std::string_view pool) const {
  const seal::Sealer* found = sealer(pool);
  if (found == nullptr && !sealers_.empty()) found = &sealers_.begin()->second;
  REGULARS_ASSERT(found != nullptr, "nothing may leave unsealed, and nothing may be lost");
  return *found;
}

types::v1::Sealed Process::SealSetAside(std::string_view pool, std::string_view bytes) const {
  types::v1::Sealed out;
  const absl::StatusOr<seal::Box> box = SetAsideSealer(pool).Seal(bytes, Cat("set-aside/", pool));
  REGULARS_ASSERT(box.ok(), "a part of what is set aside is above the limit of a box");
  out.set_key_id(box->key_id);
  out.set_nonce(box->nonce);
  out.set_ciphertext(box->ciphertext);
  return out;
}

absl::StatusOr<std::string> Process::OpenSetAside(std::string_view pool,
                                                  const types::v1::Sealed& sealed) const {
  const seal::Box box{sealed.key_id(), sealed.nonce(), sealed.ciphertext()};
  const std::string place = Cat("set-aside/", pool);
  absl::StatusOr<std::string> opened = SetAsideSealer(pool).Open(box, place);
  if (opened.ok() || sealer(pool) != nullptr) return opened;
  // Of no pool: the first pool of that time may be another one now.
  for (const auto& [name, one] : sealers_) {
    if (absl::StatusOr<std::string> other = one.Open(box, place); other.ok()) return other;
  }
  return opened;
}

}  // namespace regulars::service
