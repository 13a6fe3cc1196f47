// Who said stop while several members were one person said it for all of them. When staff parts
// them, every member that keeps such withdrawals tells those of the other parts: the member that is
// split before they are told that they are parted, so that there is no moment between; the others,
// which are parts themselves, a moment later. Grants are not shared. Thread-safety: pure functions.
// Units: microseconds since the Unix epoch.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_SHARING_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_SHARING_H_

#include <string>

#include "libs/base/time.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/privacy_links.pb.h"

namespace regulars::identity::vault {

// At a member that keeps them: one WithdrawalsShared to each target, if there is something to tell.
// They come before whatever `effects` publishes already.
void ShareWithdrawals(const shard::EntityState& state, const v1::WithdrawalsAsked& asked,
                      Micros now_us, shard::Effects* effects);

// At the member that is split: has the others asked, in an input of its own.
void PublishParted(const std::string& member, const v1::WithdrawalsParted& parted, Micros now_us,
                   shard::Effects* effects);

// Whether the message is sound and for this entity.
[[nodiscard]] bool IsSound(const v1::PrivacyMessage& message, const std::string& entity);

// A message of these, at the entity it is for. An erased member has nothing to tell and takes
// nothing.
[[nodiscard]] shard::Effects ApplySharing(const shard::EntityState& state,
                                          const shard::Input& input,
                                          const v1::PrivacyMessage& message);

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_SHARING_H_
