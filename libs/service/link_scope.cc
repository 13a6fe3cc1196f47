#include "libs/service/link_scope.h"

#include <string>

#include "libs/base/text.h"

namespace regulars::service {

bool IsLinkScopePool(config::Section* identity) {
  // Identity reads the switch, too, and says what is wrong with it.
  const bool linking = identity->Flat("linking") == "true";
  const std::string scope =
      identity->Choice("link_scope", {"pool", "member"}, linking ? "pool" : "member");
  const int64_t members =
      identity->Int("expected_members", 1, kExpectedMembersMax, kExpectedMembersDefault);
  if (scope == "pool" && members > kPoolScopeMembersMax) {
    identity->Problem("link_scope", Cat(kLinkScopeTooSmall, ": one shard is for at most ",
                                        kPoolScopeMembersMax, " members; say `member`"));
  }
  return scope == "pool";
}

}  // namespace regulars::service
