// A naive model of the segments of one member, from its touches in the order of the log.
#ifndef REGULARS_TESTS_SIM_SEGMENT_MODEL_H_
#define REGULARS_TESTS_SIM_SEGMENT_MODEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/workload.h"

namespace regulars::sim {

struct SegmentChange {
  std::string segment;
  bool entered = false;
  int64_t occurrence_us = 0;
  friend bool operator==(const SegmentChange&, const SegmentChange&) = default;
};

class SegmentModel {
 public:
  SegmentModel(const std::vector<const SentTouch*>& touches, int64_t lapse_us)
      : touches_(touches), lapse_us_(lapse_us) {}

  // Event pool: time stands in the touches, so every change is known exactly. "" or the difference.
  std::string Compare(const std::vector<SegmentChange>& found, int64_t clock_us) const;
  // Live pool: enter and exit take turns, and the end is right.
  std::string CompareEnd(const std::vector<SegmentChange>& found, int64_t now_us) const;

 private:
  std::vector<SegmentChange> Expected(int64_t clock_us) const;

  const std::vector<const SentTouch*> touches_;
  const int64_t lapse_us_;
};

}  // namespace regulars::sim

#endif  // REGULARS_TESTS_SIM_SEGMENT_MODEL_H_
