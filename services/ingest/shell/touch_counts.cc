#include "services/ingest/shell/touch_counts.h"

#include <utility>

#include "libs/base/assert.h"
#include "services/ingest/kernel/refusal.h"

namespace regulars::ingest {

namespace {
constexpr std::string_view kOtherReason = "OTHER";
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
  }

  void Declare(std::string_view reason) {
    refused.emplace(reason, registry->MakeCounter("regulars_ingest_touches_refused_total",
                                                  "touches answered by an error",
                                                  {{"reason", std::string(reason)}}));
  }

  metrics::Registry* registry;
  metrics::Counter received;
  metrics::Counter acknowledged;
  metrics::Counter quarantined;
  metrics::Gauge in_flight;
  metrics::Gauge bytes_in_flight;
  std::map<std::string, metrics::Counter, std::less<>> refused;
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
  to.shown = std::move(now);
}

}  // namespace regulars::ingest
