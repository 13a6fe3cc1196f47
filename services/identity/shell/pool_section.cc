#include "services/identity/shell/pool_section.h"

namespace regulars::identity {

TouchRules ReadTouchRules(config::Section* identity) {
  TouchRules rules;
  const int64_t days =
      identity->Int("touch_window_days", 1, kTouchWindowDaysMax, rules.window_us / kMicrosPerDay);
  rules.window_us = days * kMicrosPerDay;
  return rules;
}

}  // namespace regulars::identity
