// Where every received touch is (law 5): received = acknowledged + refused + quarantined + in
// flight, at every scrape. A touch moves from one place to another under one lock, and a scrape
// reads all of them under it, so the sum holds at any moment, not only when quiet. Thread-safety:
// every method from every thread.
#ifndef REGULARS_SERVICES_INGEST_SHELL_TOUCH_COUNTS_H_
#define REGULARS_SERVICES_INGEST_SHELL_TOUCH_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/metrics/metrics.h"
#include "services/ingest/kernel/identifiers.h"

namespace regulars::ingest {

struct IntakeLimits {
  int64_t records_in_flight_max = 50'000;
  int64_t bytes_in_flight_max = int64_t{24} << 20;  // below the producer's own queue of 32 MiB
};

class TouchCounts {
 public:
  struct Snapshot {
    int64_t received = 0;
    int64_t acknowledged = 0;
    int64_t quarantined = 0;
    int64_t in_flight = 0;
    int64_t bytes_in_flight = 0;
    std::map<std::string, int64_t, std::less<>> refused;  // by reason
    // Identifiers that name nobody, also of touches that were refused; by type and reason.
    std::map<std::pair<std::string, std::string>, int64_t> dropped;
    int64_t refused_total() const;
  };

  // `registry` may be null (tests); it must outlive this object.
  TouchCounts(const IntakeLimits& limits, metrics::Registry* registry);
  ~TouchCounts();

  // A touch came in; it is in flight from now on.
  void Received(const std::string& pool);
  // It leaves: exactly one of these per Received.
  void Acknowledged(const std::string& pool);
  void Quarantined(const std::string& pool);
  void Refused(const std::string& pool, std::string_view reason);

  // What ReadIdentifiers put aside. No part of the sum.
  void Dropped(const std::vector<DroppedIdentifier>& identifiers);

  // Room for one record in the bounded queue; false = full, nothing taken.
  bool TakeRoom(int64_t bytes);
  void GiveRoom(int64_t bytes);

  int64_t InFlightOf(const std::string& pool) const;
  Snapshot Read() const;

 private:
  struct Series;
  void Leave(const std::string& pool);
  void Publish();

  const IntakeLimits limits_;
  mutable std::mutex mutex_;
  Snapshot counts_;
  int64_t records_queued_ = 0;
  std::map<std::string, int64_t> in_flight_by_pool_;
  std::unique_ptr<Series> series_;
  std::shared_ptr<void> scrape_hook_;  // last: ends first
};

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_SHELL_TOUCH_COUNTS_H_
