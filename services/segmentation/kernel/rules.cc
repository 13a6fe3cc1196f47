#include "services/segmentation/kernel/rules.h"

#include "libs/base/assert.h"
#include "libs/base/text.h"

namespace regulars::segmentation {

std::string RuleName(std::string_view segment) { return Cat(segment, "@", kRulesVersion); }

std::string RuleText(const Rules& rules, std::string_view segment) {
  if (segment == kLapsed) {
    return Cat("no purchase for more than ", rules.lapsed_after_days, " days");
  }
  REGULARS_ASSERT(segment == kRepeatBuyer, "a segment without a rule");
  return Cat("at least ", rules.repeat_purchases_min, " purchases");
}

}  // namespace regulars::segmentation
