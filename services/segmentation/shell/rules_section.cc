#include "services/segmentation/shell/rules_section.h"

#include <optional>

namespace regulars::segmentation {

Rules ReadRules(config::Section* pool) {
  Rules rules;
  // Identity reads its map, too, and says what is wrong with it.
  if (std::optional<config::Section> identity = pool->Child("identity")) {
    rules.linking = identity->Flat("linking") == "true";
  }
  std::optional<config::Section> section = pool->Child("segmentation");
  if (!section) return rules;
  rules.lapsed_after_days =
      section->Int("lapsed_after_days", 1, kLapsedAfterDaysMax, rules.lapsed_after_days);
  rules.repeat_purchases_min =
      section->Int("repeat_purchases", 1, kRepeatPurchasesMax, rules.repeat_purchases_min);
  section->Finish();
  return rules;
}

}  // namespace regulars::segmentation
