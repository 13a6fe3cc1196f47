#include "services/identity/vault/erasure.h"

#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "services/identity/vault/contact.h"
#include "services/identity/vault/data_key.h"

namespace regulars::identity::vault {
namespace {

std::optional<v1::Erasure> ReadTombstone(const shard::EntityState& state, std::string_view sub) {
  const std::optional<std::string> bytes = state.Get(sub);
  if (!bytes.has_value()) return std::nullopt;
  v1::Erasure erasure;
  REGULARS_ASSERT(erasure.ParseFromString(*bytes), "a tombstone does not parse");
  return erasure;
}

// Every state key of the entity, in byte order.
std::vector<std::string> AllSubs(const shard::EntityState& state) {
  std::vector<std::string> subs;
  for (auto next = state.Next("", ""); next.has_value();
       next = state.Next("", subs.back() + std::string(1, '\x01'))) {
    subs.push_back(next->first);
  }
  return subs;
}

int64_t ContactFields(const std::vector<std::string>& subs) {
  int64_t fields = 0;
  for (const std::string& sub : subs) fields += sub.starts_with(kContactPrefix) ? 1 : 0;
  return fields;
}

void PublishMemberErased(const EraseFacts& facts, const v1::Erasure& erasure,
                         shard::Effects* effects) {
  v1::MemberErased event;
  event.set_member(facts.member);
  event.set_erased_us(erasure.erased_us());
  event.set_actor(erasure.actor());
  event.set_reason(erasure.reason());
  event.set_identifiers(erasure.identifiers());
  event.set_contact_fields(erasure.contact_fields());
  effects->publishes.push_back({std::string(events::kEventsKind), facts.member,
                                std::string(events::kMemberErased), Cat("erased/", facts.member),
                                event.SerializeAsString(), erasure.erased_us()});
}

// The first ones now; the others are kept and told by a timer.
void Tell(std::string_view member, const std::vector<std::string>& leads, Micros erased_us,
          Micros now_us, shard::Effects* effects) {
  const size_t now = std::min(leads.size(), kToldAtOnceMax);
  for (size_t i = 0; i < now; ++i) PublishIdentifierErased(member, leads[i], erased_us, effects);
  if (now == leads.size()) return;
  v1::ErasureLeads left;
  for (size_t i = now; i < leads.size(); ++i) left.add_leads(leads[i]);
  effects->puts.push_back({std::string(kErasingSub), left.SerializeAsString(), 0});
  effects->set_timers.push_back({std::string(kEraseTimer), now_us});
}

}  // namespace

std::string_view OutcomeLabel(EraseOutcome outcome) {
  switch (outcome) {
    case EraseOutcome::kAlreadyErased:
      return "already_erased";
    case EraseOutcome::kMemberUnknown:
      return "member_unknown";
    case EraseOutcome::kErased:
      return "erased";
  }
  REGULARS_ASSERT(false, "unknown erase outcome");
}

std::string_view OutcomeLabel(UnanchorOutcome outcome) {
  switch (outcome) {
    case UnanchorOutcome::kElsewhere:
      return "anchored_elsewhere";
    case UnanchorOutcome::kUnanchored:
      return "unanchored";
  }
  REGULARS_ASSERT(false, "unknown unanchor outcome");
}

EraseDecision EraseMember(const shard::EntityState& state, const EraseFacts& facts,
                          shard::Effects* effects) {
  EraseDecision decision;
  const auto end = [&](EraseOutcome outcome) {
    decision.outcome = outcome;
    effects->outcome = OutcomeLabel(outcome);
    return decision;
  };
  if (std::optional<v1::Erasure> before = ReadErasure(state); before.has_value()) {
    decision.erasure = *std::move(before);
    return end(EraseOutcome::kAlreadyErased);
  }
  const std::vector<std::string> subs = AllSubs(state);
  if (subs.empty()) return end(EraseOutcome::kMemberUnknown);

  decision.erasure.set_erased_us(facts.now_us);
  decision.erasure.set_reason(facts.reason);
  decision.erasure.set_actor(facts.actor);
  decision.erasure.set_identifiers(facts.identifier_count);
  decision.erasure.set_contact_fields(ContactFields(subs));
  if (const std::optional<v1::VaultKey> key = ReadVaultKey(state); key.has_value()) {
    effects->sums.push_back({Cat(kKeysSum, key->wrapped().key_id()), -1});
  }
  effects->deletes = subs;
  effects->puts.push_back({std::string(kErasedSub), decision.erasure.SerializeAsString(), 0});
  effects->sums.push_back({"members_erased", 1});
  PublishMemberErased(facts, decision.erasure, effects);
  Tell(facts.member, facts.leads, facts.now_us, facts.now_us, effects);
  return end(EraseOutcome::kErased);
}

void GoOnErasing(const shard::EntityState& state, std::string_view member, Micros now_us,
                 shard::Effects* effects) {
  const std::optional<v1::Erasure> erasure = ReadErasure(state);
  const std::optional<std::string> bytes = state.Get(kErasingSub);
  if (!erasure.has_value() || !bytes.has_value()) return;
  v1::ErasureLeads left;
  REGULARS_ASSERT(left.ParseFromString(*bytes), "the leads of an erasure do not parse");
  if (static_cast<size_t>(left.leads_size()) <= kToldAtOnceMax) {
    effects->deletes.push_back(std::string(kErasingSub));
  }
  Tell(member, {left.leads().begin(), left.leads().end()}, erasure->erased_us(), now_us, effects);
  effects->outcome = "erasing";
}

std::optional<v1::Erasure> ReadErasure(const shard::EntityState& state) {
  return ReadTombstone(state, kErasedSub);
}

void PublishIdentifierErased(std::string_view member, const std::string& identifier_key,
                             Micros erased_us, shard::Effects* effects) {
  v1::IdentifierErased erased;
  erased.set_member(std::string(member));
  erased.set_erased_us(erased_us);
  effects->publishes.push_back(
      {std::string(events::kLinksKind), identifier_key, std::string(events::kIdentifierErased),
       Cat("unanchored/", member, "/", identifier_key), erased.SerializeAsString(), erased_us});
}

UnanchorOutcome Unanchor(const v1::IdentifierErased& erased, std::string_view anchor_member,
                         std::string_view anchor_sub, shard::Effects* effects) {
  const auto end = [&](UnanchorOutcome outcome) {
    effects->outcome = OutcomeLabel(outcome);
    return outcome;
  };
  if (anchor_member != erased.member()) return end(UnanchorOutcome::kElsewhere);
  v1::Erasure tombstone;
  tombstone.set_erased_us(erased.erased_us());
  effects->deletes.push_back(std::string(anchor_sub));
  effects->puts.push_back({std::string(kErasedAnchorSub), tombstone.SerializeAsString(), 0});
  return end(UnanchorOutcome::kUnanchored);
}

bool HappenedBeforeErasure(const shard::EntityState& identifier, Micros occurred_us) {
  const std::optional<v1::Erasure> erasure = ReadTombstone(identifier, kErasedAnchorSub);
  return erasure.has_value() && occurred_us <= erasure->erased_us();
}

shard::Effects SetAsideErased() {
  shard::Effects effects;
  effects.sums.push_back({"touches_dead_lettered", 1});
  effects.dead_letter =
      shard::DeadLetterEffect{"MEMBER_ERASED", "its member was erased after the touch happened"};
  effects.outcome = "member_erased";
  return effects;
}

bool IsUnanchored(const shard::EntityState& identifier) {
  return identifier.Get(kErasedAnchorSub).has_value();
}

std::string CheckErased(const shard::EntityState& state) {
  if (!ReadErasure(state).has_value()) return "";
  for (const std::string& sub : AllSubs(state)) {
    if (sub != kErasedSub && sub != kErasingSub)
      return Cat("an erased member still has ", sub.substr(0, sub.find('/')));
  }
  return "";
}

}  // namespace regulars::identity::vault
