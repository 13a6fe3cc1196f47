// The records that ingest writes: touches, clock promises, quarantined originals.
// Thread-safety: const; one object serves every thread.
// Limits: a touch record is at most its request plus what 65 HMACs and two seals add, below the
// broker's 1 MiB.
#ifndef REGULARS_SERVICES_INGEST_CODEC_RECORDS_H_
#define REGULARS_SERVICES_INGEST_CODEC_RECORDS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/base/placement.h"
#include "libs/base/time.h"
#include "libs/kafka/port.h"
#include "regulars/ingest/v1/ingest_events.pb.h"
#include "services/ingest/kernel/canonical.h"

namespace regulars::ingest {

class Records {
 public:
  // `identity`: where identity keeps entities, which is where it reads their touches.
  Records(int32_t generation, Placement identity);

  // Keyed by the pivot, in the partition of the pivot's shard.
  kafka::OutRecord Touch(std::string_view pool, const CanonicalTouch& canonical) const;
  // The promise for one partition of the touches topic.
  kafka::OutRecord Clock(std::string_view pool, Micros clock_us, int32_t partition) const;
  // The promise as it is remembered: compacted, one partition, keyed by pool.
  kafka::OutRecord RememberedClock(std::string_view pool, Micros clock_us) const;
  // `id` is the touch's id, or a hash of the original if it has none.
  kafka::OutRecord Quarantined(std::string_view pool, const std::string& id,
                               const v1::TouchQuarantined& quarantined) const;

  int32_t shard_count() const { return identity_.shard_count(); }
  const std::string& clocks_topic() const { return clocks_topic_; }

 private:
  const Placement identity_;
  const std::string source_;
  const std::string touches_topic_;
  const std::string quarantine_topic_;
  const std::string clocks_topic_;
};

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_CODEC_RECORDS_H_
