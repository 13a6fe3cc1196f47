#include "services/identity/vault/sharing.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "regulars/identity/v1/identity_links.pb.h"
#include "services/identity/vault/consent.h"
#include "services/identity/vault/erasure.h"

namespace regulars::identity::vault {
namespace {

shard::Publish MessageTo(const std::string& to, std::string id, v1::PrivacyMessage message,
                         Micros now_us) {
  v1::LinkMessage link;
  *link.mutable_privacy() = std::move(message);
  return {std::string(events::kLinksKind), to,    std::string(events::kLinkMessage), std::move(id),
          link.SerializeAsString(),        now_us};
}

void Ask(const v1::WithdrawalsParted& parted, Micros now_us, shard::Effects* effects) {
  for (const v1::WithdrawalsAsked& asked : parted.asked()) {
    v1::PrivacyMessage message;
    *message.mutable_asked() = asked;
    effects->publishes.push_back(MessageTo(asked.member(),
                                           Cat("asked/", asked.split_id(), "/", asked.member()),
                                           std::move(message), now_us));
  }
  effects->outcome = "withdrawals_asked";
}

}  // namespace

void ShareWithdrawals(const shard::EntityState& state, const v1::WithdrawalsAsked& asked,
                      Micros now_us, shard::Effects* effects) {
  std::vector<shard::Publish> told;
  for (const v1::WithdrawalsTarget& target : asked.targets()) {
    v1::PrivacyMessage message;
    v1::WithdrawalsShared* shared = message.mutable_shared();
    shared->set_split_id(asked.split_id());
    shared->set_member(asked.member());
    for (v1::SharedWithdrawal& one :
         WithdrawalsBetween(state, target.since_us(), asked.until_us())) {
      *shared->add_withdrawals() = std::move(one);
    }
    if (shared->withdrawals().empty()) continue;
    told.push_back(
        MessageTo(target.member(),
                  Cat("shared/", asked.split_id(), "/", asked.member(), "/", target.member()),
                  std::move(message), now_us));
  }
  effects->publishes.insert(effects->publishes.begin(), std::make_move_iterator(told.begin()),
                            std::make_move_iterator(told.end()));
}

void PublishParted(const std::string& member, const v1::WithdrawalsParted& parted, Micros now_us,
                   shard::Effects* effects) {
  if (parted.asked().empty()) return;
  v1::PrivacyMessage message;
  *message.mutable_parted() = parted;
  effects->publishes.push_back(
      MessageTo(member, Cat("parted/", parted.asked(0).split_id()), std::move(message), now_us));
}

bool IsSound(const v1::PrivacyMessage& message, const std::string& entity) {
  switch (message.kind_case()) {
    case v1::PrivacyMessage::kParted:
      return true;
    case v1::PrivacyMessage::kAsked:
      return message.asked().member() == entity;
    case v1::PrivacyMessage::kShared:
      return std::all_of(message.shared().withdrawals().begin(),
                         message.shared().withdrawals().end(), [](const auto& one) {
                           return IsPurpose(one.purpose()) && IsPurpose(one.channel()) &&
                                  one.fact().decision() == v1::CONSENT_DECISION_WITHDRAWN &&
                                  IsValidInstant(one.fact().decided_us());
                         });
    case v1::PrivacyMessage::KIND_NOT_SET:
      break;
  }
  return false;
}

shard::Effects ApplySharing(const shard::EntityState& state, const shard::Input& input,
                            const v1::PrivacyMessage& message) {
  shard::Effects effects;
  if (ReadErasure(state).has_value()) {
    effects.outcome = "member_erased";
  } else if (message.has_parted()) {
    Ask(message.parted(), input.now_us, &effects);
  } else if (message.has_asked()) {
    ShareWithdrawals(state, message.asked(), input.now_us, &effects);
    effects.outcome = "withdrawals_shared";
  } else {
    TakeWithdrawals(state, input.entity, message.shared(), input.now_us, &effects);
  }
  return effects;
}

}  // namespace regulars::identity::vault
