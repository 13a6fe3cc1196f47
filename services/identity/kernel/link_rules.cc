#include "services/identity/kernel/link_rules.h"

#include "absl/strings/str_format.h"
#include "libs/base/hash.h"
#include "libs/base/text.h"

namespace regulars::identity {

std::string RulesTag(const LinkRules& rules) {
  // Every part ends with a byte that no part holds, so no two rules share a text.
  std::string text = Cat(rules.unique_is_one ? "unique" : "", "\n");
  for (const TypeLimit& limit : rules.limits) {
    Append(&text, limit.type, "=", limit.max, "/", limit.window_us, ";");
  }
  Append(&text, "\n", rules.identifiers_max, "\n", rules.merges_max, "\n", rules.merge_rate.max,
         "/", rules.merge_rate.window_us, "\n", rules.contested_max, "\n");
  for (const std::string& type : rules.recycled_types) Append(&text, type, ";");
  Append(&text, "\n", rules.recycle_after_us, "\n");
  for (const std::string& type : rules.priority) Append(&text, type, ";");
  Append(&text, "\n");
  for (const std::string& key : rules.blocked_keys) Append(&text, key, ";");
  return Cat(rules.version, "@", absl::StrFormat("%08x", Xxh3(text) >> 32));
}

}  // namespace regulars::identity
