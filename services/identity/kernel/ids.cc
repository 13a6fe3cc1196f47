#include "services/identity/kernel/ids.h"

#include "libs/base/text.h"
#include "libs/model/hashed_id.h"

namespace regulars::identity {
namespace {

std::string Mint(std::string_view prefix, const AnchorFacts& facts) {
  const std::string epoch = Cat(facts.anchor_epoch);
  return Cat(prefix,
             model::HashedId({prefix, facts.pool, facts.identifier_key, epoch, facts.touch_id}));
}

}  // namespace

std::string MintMemberId(const AnchorFacts& facts) { return Mint("m_", facts); }
std::string MintFragmentId(const AnchorFacts& facts) { return Mint("f_", facts); }

}  // namespace regulars::identity
