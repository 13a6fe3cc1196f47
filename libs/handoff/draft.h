// An entity's state while an input of several steps is applied, such as a page of many facts: each
// step is written as if it were an input of its own, reads see the steps before, and Finish gives
// the effects of all of them as one. Thread-safety: none; lives for one input. No errors.
#ifndef REGULARS_LIBS_HANDOFF_DRAFT_H_
#define REGULARS_LIBS_HANDOFF_DRAFT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/shard/kernel.h"

namespace regulars::handoff {

class Draft final : public shard::EntityState {
 public:
  explicit Draft(const shard::EntityState& base) : base_(base) {}

  std::optional<std::string> Get(std::string_view sub) const override;
  std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                          std::string_view from) const override;
  std::optional<int64_t> Timer(std::string_view name) const override;

  // Carries out a step: its values, timers, events and sums. Values that expire are not for a
  // draft (asserted); outcome, reply and dead letter are the caller's.
  void Take(shard::Effects step);
  // What all steps changed. Sums of one name are one, those of 0 are left out.
  [[nodiscard]] shard::Effects Finish();

 private:
  const shard::EntityState& base_;
  std::map<std::string, std::optional<std::string>, std::less<>> values_;  // nullopt = deleted
  std::map<std::string, std::optional<int64_t>, std::less<>> timers_;      // nullopt = cancelled
  std::map<std::string, int64_t> sums_;
  std::vector<shard::Publish> publishes_;
};

}  // namespace regulars::handoff

#endif  // REGULARS_LIBS_HANDOFF_DRAFT_H_
