#include "services/ingest/shell/touch_counts.h"

#include <utility>

#include "libs/base/assert.h"
#include "libs/normalize/normalize.h"
#include "services/ingest/kernel/pool_rules.h"
#include "services/ingest/kernel/refusal.h"

namespace regulars::ingest {

namespace {

constexpr std::string_view kOtherReason = "OTHER";
// Of identifier types that only a pool's configuration has: labels stay few.
constexpr char kOtherType[] = "other";

}  // namespace

// What was shown to the last scrape: counters move by the difference.
struct TouchCounts::Series {
  explicit Series(metrics::Registry* owner)
      : registry(owner),
        received(owner->MakeCounter("regulars_ingest_touches_received_total",
                                    "touches that came in", {})),
        acknowledged(owner->MakeCounter("regulars_ingest_touches_acknowledged_total",
                                        "touches that every in-sync replica has", {})),
        quarantined(owner->MakeCounter("regulars_ingest_touches_quarantined_total",
                                       "touches kept aside, sealed, with their reason", {})),
        in_flight(
            owner->MakeGauge("regulars_ingest_touches_in_flight", "touches not answered yet", {})),
        bytes_in_flight(
            owner->MakeGauge("regulars_ingest_queue_bytes", "bytes that wait for the log", {})) {
    // All of them now: a scrape must not declare series, and a zero says that the reason exists.
    for (size_t i = 0; i < kRefusalReasons; ++i) {
      Declare(ReasonText(static_cast<RefusalReason>(i)));
    }
    for (const std::string_view reason :
         {"POOL_UNKNOWN", "POOL_MISMATCH", "NAME_MALFORMED", "REQUEST_UNREADABLE",
          "WINDOW_EXCEEDED", "DEADLINE_OVER", "QUEUE_FULL", "LOG_AWAY", kOtherReason.data()}) {
      Declare(reason);
    }
    for (const auto& [type, unused] : DefaultIdentifierClasses()) DeclareDropped(type);
    DeclareDropped(kOtherType);
  }

  void Declare(std::string_view reason) {
    refused.emplace(reason, registry->MakeCounter("regulars_ingest_touches_refused_total",
                                                  "touches answered by an error",
                                                  {{"reason", std::string(reason)}}));
  }

  void DeclareDropped(const std::string& type) {
    const auto declare = [&](std::string_view reason) {
      dropped.emplace(std::pair(type, std::string(reason)),
                      registry->MakeCounter("regulars_ingest_identifiers_dropped_total",
                                            "identifiers that name nobody, by type and reason",
                                            {{"type", type}, {"reason", std::string(reason)}}));
    };
    declare(kTypeBlocked);
    for (int i = 0; i < normalize::kOutcomes; ++i) {
      const auto outcome = static_cast<normalize::Outcome>(i);
      if (normalize::IsBlocked(outcome)) declare(normalize::OutcomeText(outcome));
    }
  }

  metrics::Registry* registry;
  metrics::Counter received;
  metrics::Counter acknowledged;
  metrics::Counter quarantined;
  metrics::Gauge in_flight;
  metrics::Gauge bytes_in_flight;
  std::map<std::string, metrics::Counter, std::less<>> refused;
  std::map<std::pair<std::string, std::string>, metrics::Counter> dropped;
  Snapshot shown;
};

int64_t TouchCounts::Snapshot::refused_total() const {
  int64_t total = 0;
  for (const auto& [reason, count] : refused) total += count;
  return total;
}

TouchCounts::TouchCounts(const IntakeLimits& limits, metrics::Registry* registry)
    : limits_(limits) {
  if (registry == nullptr) return;
  series_ = std::make_unique<Series>(registry);
  scrape_hook_ = registry->OnScrape([this] { Publish(); });
}

TouchCounts::~TouchCounts() { scrape_hook_.reset(); }

void TouchCounts::Received(const std::string& pool) {
  const std::lock_guard lock(mutex_);
  ++counts_.received;
  ++counts_.in_flight;
  ++in_flight_by_pool_[pool];
}

void TouchCounts::Leave(const std::string& pool) {
  --counts_.in_flight;
  int64_t& of_pool = in_flight_by_pool_[pool];
  --of_pool;
  REGULARS_ASSERT(counts_.in_flight >= 0 && of_pool >= 0, "a touch left ingest twice");
}

void TouchCounts::Acknowledged(const std::string& pool) {
  const std::lock_guard lock(mutex_);
  Leave(pool);
  ++counts_.acknowledged;
}

void TouchCounts::Quarantined(const std::string& pool) {
  const std::lock_guard lock(mutex_);
  Leave(pool);
  ++counts_.quarantined;
}

void TouchCounts::Refused(const std::string& pool, std::string_view reason) {
  const std::lock_guard lock(mutex_);
  Leave(pool);
  ++counts_.refused[std::string(reason)];
}

void TouchCounts::Dropped(const std::vector<DroppedIdentifier>& identifiers) {
  if (identifiers.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const DroppedIdentifier& id : identifiers) {
    ++counts_.dropped[{id.type, std::string(id.reason)}];
  }
}

bool TouchCounts::TakeRoom(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (records_queued_ >= limits_.records_in_flight_max ||
      counts_.bytes_in_flight + bytes > limits_.bytes_in_flight_max) {
    return false;
  }
  ++records_queued_;
  counts_.bytes_in_flight += bytes;
  return true;
}

void TouchCounts::GiveRoom(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  --records_queued_;
  counts_.bytes_in_flight -= bytes;
  REGULARS_ASSERT(records_queued_ >= 0 && counts_.bytes_in_flight >= 0, "room given back twice");
}

int64_t TouchCounts::InFlightOf(const std::string& pool) const {
  const std::lock_guard lock(mutex_);
  const auto it = in_flight_by_pool_.find(pool);
  return it == in_flight_by_pool_.end() ? 0 : it->second;
}

TouchCounts::Snapshot TouchCounts::Read() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void TouchCounts::Publish() {
  Snapshot now = Read();
  Series& to = *series_;
  to.received.Add(now.received - to.shown.received);
  to.acknowledged.Add(now.acknowledged - to.shown.acknowledged);
  to.quarantined.Add(now.quarantined - to.shown.quarantined);
  to.in_flight.Set(static_cast<double>(now.in_flight));
  to.bytes_in_flight.Set(static_cast<double>(now.bytes_in_flight));
  for (const auto& [reason, count] : now.refused) {
    auto it = to.refused.find(reason);
    if (it == to.refused.end()) it = to.refused.find(kOtherReason);
    it->second.Add(count - to.shown.refused[reason]);
  }
  for (const auto& [key, count] : now.dropped) {
    auto it = to.dropped.find(key);
    if (it == to.dropped.end()) it = to.dropped.find({kOtherType, key.second});
    REGULARS_ASSERT(it != to.dropped.end(), "an identifier was dropped for an unknown reason");
    it->second.Add(count - to.shown.dropped[key]);
  }
  to.shown = std::move(now);
}

}  // namespace regulars::ingest
