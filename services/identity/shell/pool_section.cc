#include "services/identity/shell/pool_section.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "libs/base/text.h"
#include "libs/model/identifier.h"

namespace regulars::identity {
namespace {

// "5/365d" or "5": a count, and the days in which it holds (0: ever).
bool ParseCount(std::string_view count, int64_t* max, Micros* window_us) {
  *window_us = 0;
  if (const size_t slash = count.find('/'); slash != count.npos) {
    std::string_view days = count.substr(slash + 1);
    count = count.substr(0, slash);
    int64_t number = 0;
    if (days.empty() || days.back() != 'd') return false;
    days.remove_suffix(1);
    if (!absl::SimpleAtoi(AbslView(days), &number) || number < 1 || number > kLimitDaysMax) {
      return false;
    }
    *window_us = number * kMicrosPerDay;
  }
  return absl::SimpleAtoi(AbslView(count), max) && *max >= 1 && *max <= kTypeLimitMax;
}

}  // namespace

// "phone=5/365d" or "card=1".
std::optional<TypeLimit> ParseTypeLimit(std::string_view entry) {
  const size_t equals = entry.find('=');
  if (equals == entry.npos) return std::nullopt;
  TypeLimit limit;
  limit.type = std::string(entry.substr(0, equals));
  if (!ParseCount(entry.substr(equals + 1), &limit.max, &limit.window_us) ||
      !model::IsIdentifierType(limit.type)) {
    return std::nullopt;
  }
  return limit;
}

std::optional<MergeRate> ParseMergeRate(std::string_view text) {
  MergeRate rate{0, 0};
  if (text == "off") return rate;
  if (!ParseCount(text, &rate.max, &rate.window_us) || rate.window_us == 0) return std::nullopt;
  return rate;
}

TouchRules ReadTouchRules(config::Section* identity) {
  TouchRules rules;
  const int64_t days =
      identity->Int("touch_window_days", 1, kTouchWindowDaysMax, rules.window_us / kMicrosPerDay);
  rules.window_us = days * kMicrosPerDay;
  return rules;
}

LinkRules ReadLinkRules(config::Section* identity) {
  LinkRules rules;
  rules.enabled = identity->Bool("linking", false);
  identity->Skip("link_scope");  // libs/service/link_scope.h: ingest has to know them, too
  identity->Skip("expected_members");
  rules.version = identity->Text("link_rules_version", rules.version);
  if (rules.version.empty() || rules.version.size() > 32 || !model::IsPlainText(rules.version)) {
    identity->Problem("link_rules_version", "must be 1 to 32 bytes of text");
  }
  const std::vector<std::string> limits = identity->Texts("link_limits");
  if (!limits.empty()) rules.limits.clear();
  if (limits.size() > kTypeLimitsMax) identity->Problem("link_limits", "more than 100 limits");
  for (const std::string& entry : limits) {
    const std::optional<TypeLimit> limit = ParseTypeLimit(entry);
    if (!limit.has_value()) {
      identity->Problem("link_limits", "must be type=count or type=count/<days>d");
      continue;
    }
    rules.limits.push_back(*limit);
  }
  rules.identifiers_max =
      identity->Int("identifiers_max", 1, kIdentifiersMax, rules.identifiers_max);
  rules.merges_max = identity->Int("merges_max", 1, kMergesMax, rules.merges_max);
  const std::optional<MergeRate> rate =
      ParseMergeRate(identity->Text("merges_per_window", "20/1d"));
  if (rate.has_value()) {
    rules.merge_rate = *rate;
  } else {
    identity->Problem("merges_per_window", "must be count/<days>d or off");
  }
  rules.contested_max = identity->Int("contested_max", 1, kContestedMax, rules.contested_max);
  rules.recycle_after_us = kMicrosPerDay * identity->Int("recycle_after_days", 1, kLimitDaysMax,
                                                         rules.recycle_after_us / kMicrosPerDay);
  return rules;
}

}  // namespace regulars::identity
