#include "services/ingest/shell/parts.h"

#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "libs/normalize/section.h"
#include "libs/seal/seal.h"
#include "libs/seal/transport_keys.h"
#include "services/ingest/shell/ingest_service.h"
#include "services/ingest/shell/pool_section.h"

namespace regulars::ingest {
namespace {

constexpr absl::Duration kDrainTimeout = absl::Seconds(3);  // SIGTERM has 5 s in all

absl::StatusOr<PoolDoor> MakeDoor(const service::Process& process, PoolRules rules) {
  const std::string pool = rules.pool;
  const seal::Pepper* pepper = process.pepper(pool);
  const seal::Sealer* sealer = process.sealer(pool);
  const seal::TransportKeys* transport = process.transport_keys(pool);
  if (pepper == nullptr || (sealer == nullptr && transport == nullptr)) {
    return absl::InvalidArgumentError(
        Cat("pool ", pool, ": ingest needs pepper_file and transport_keys_file"));
  }
  if (transport == nullptr) {
    process.logger().Warn("contact data is sealed under a key that is never destroyed",
                          {{"pool", pool}, {"missing", "transport_keys_file"}});
  }
  PoolDoor door;
  door.rules = std::move(rules);
  door.hasher = [pepper](std::string_view type, std::string_view scope, std::string_view normal) {
    return pepper->Hmac(type, scope, normal);
  };
  door.seal = [sealer, transport, pool](
                  std::string_view clear,
                  std::string_view field) -> absl::StatusOr<types::v1::Sealed> {
    const std::string place = Cat(pool, "/", field);
    REGULARS_ASSIGN_OR_RETURN(seal::Box box, transport != nullptr
                                                 ? transport->Seal(clear, place, WallMicros())
                                                 : sealer->Seal(clear, place));
    types::v1::Sealed sealed;
    sealed.set_key_id(std::move(box.key_id));
    sealed.set_nonce(std::move(box.nonce));
    sealed.set_ciphertext(std::move(box.ciphertext));
    return sealed;
  };
  return door;
}

}  // namespace

void Parts::AddOptions(config::Options* options) {
  const IntakeLimits fallback;
  options->Add(config::IntOption{.name = "ingest_records_in_flight_max",
                                 .group = "ingest",
                                 .unit = "touches",
                                 .fallback = fallback.records_in_flight_max,
                                 .min = 1,
                                 .max = 1'000'000,
                                 .sentence = "Touches that may wait for the log."},
               &records_max_);
  options->Add(config::IntOption{.name = "ingest_bytes_in_flight_max",
                                 .group = "ingest",
                                 .unit = "bytes",
                                 .fallback = fallback.bytes_in_flight_max,
                                 .min = int64_t{1} << 20,
                                 .max = fallback.bytes_in_flight_max,
                                 .sentence = "Bytes that may wait for the log; the producer's own "
                                             "queue of 32 MiB is the bound above it."},
               &bytes_max_);
}

void Parts::ReadPool(const service::PoolConfig& pool, config::Section* section) {
  PoolRules& rules = rules_[pool.name];
  rules.pool = pool.name;
  rules.event_clock = pool.event_clock;
  rules.identifiers = normalize::ReadOptions(section);
  if (std::optional<config::Section> own = section->Child("ingest")) {
    ReadIdentifierClasses(&*own, &rules);
    own->Finish();
  }
}

absl::StatusOr<service::GrpcServices> Parts::Make(service::Process* process) {
  const Records records(process->config().generation,
                        Placement(static_cast<int32_t>(process->config().shards),
                                  service::PoolsTogether(process->config(), "identity")));
  counts_ =
      std::make_unique<TouchCounts>(IntakeLimits{records_max_, bytes_max_}, &process->metrics());
  REGULARS_ASSIGN_OR_RETURN(producer_, process->log().NewProducer());
  clocks_ = std::make_unique<ClockDesk>(
      records, [process] { return process->log().NewReader(); }, producer_.get(), counts_.get());
  std::vector<PoolDoor> doors;
  for (const auto& [pool, rules] : rules_) {
    REGULARS_ASSIGN_OR_RETURN(PoolDoor door, MakeDoor(*process, rules));
    doors.push_back(std::move(door));
  }
  intake_ = std::make_unique<Intake>(std::move(doors), records, WallMicros, service::kVersion,
                                     producer_.get(), counts_.get());
  service::GrpcServices services;
  services.push_back(
      std::make_unique<IngestService>(process->edge(), intake_.get(), clocks_.get()));
  return services;
}

std::optional<Micros> Parts::Clock(const std::string& pool) const {
  const auto it = rules_.find(pool);
  if (it == rules_.end() || clocks_ == nullptr) return std::nullopt;
  return it->second.event_clock ? clocks_->Clock(pool) : std::optional<Micros>(WallMicros());
}

absl::Status Parts::Start(service::Process* process) {
  loader_ = std::make_unique<PromiseLoader>(
      clocks_.get(), LoaderPauses{}, [process](const absl::Status& status) {
        process->logger().Warn("the promises made so far cannot be read yet",
                               {{"error", status.ToString()}});
      });
  return absl::OkStatus();
}

std::string Parts::Ready() const {
  return loader_ != nullptr && loader_->loaded() ? "" : "promises are being read";
}

void Parts::Drain(service::Process* process) {
  loader_.reset();
  if (intake_ == nullptr) return;
  const absl::Status drained = intake_->Drain(kDrainTimeout);
  if (!drained.ok()) process->logger().Error("touches were left without an answer", drained);
}

}  // namespace regulars::ingest
