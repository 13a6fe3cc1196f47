#include "services/identity/vault/part.h"

#include <optional>
#include <utility>
#include <vector>

#include "services/identity/vault/consent.h"
#include "services/identity/vault/contact.h"
#include "services/identity/vault/disclosure.h"
#include "services/identity/vault/messages.h"

namespace regulars::identity::vault {
namespace {

shard::Reply Told(const v1::PartTold& told) {
  shard::Reply reply{absl::StatusCode::kOk, "", "", v1::PartTold().SerializeAsString()};
  reply.unlogged = told.SerializeAsString();
  return reply;
}

shard::Reply TellEverything(const shard::EntityState& state, const TellFacts& facts,
                            const v1::MemberState& known, const PoolKeys& keys,
                            shard::Effects* effects) {
  absl::StatusOr<v1::MemberExport> everything =
      ExportOf(state, facts.pool, facts.member, known, keys, facts.now_us);
  if (!everything.ok()) return UnreadableReply();
  RecordExport(state, *everything, {facts.member, facts.actor, facts.now_us}, effects);
  effects->outcome = "exported";
  v1::PartTold told;
  *told.mutable_everything() = *std::move(everything);
  return Told(told);
}

}  // namespace

v1::PartDescription DescribePart(const shard::EntityState& state, std::string_view member,
                                 const v1::MemberState& known, Micros at_us, bool history) {
  v1::PartDescription told;
  told.set_member(std::string(member));
  told.set_parent(known.parent());
  told.set_proposing(!known.proposing_to().empty());
  *told.mutable_parts() = known.aliases();
  const v1::ConsentIndex index = ReadConsentIndex(state);
  for (const v1::ConsentPair& pair : index.pairs()) {
    v1::PartConsent* consent = told.add_consents();
    consent->set_purpose(pair.purpose());
    consent->set_channel(pair.channel());
    for (v1::ConsentFact& fact : ConsentFacts(state, pair.purpose(), pair.channel(), at_us)) {
      if (!history && !consent->facts().empty()) break;
      *consent->add_facts() = std::move(fact);
    }
  }
  for (const v1::ContactKind kind : kKinds) {
    const std::optional<v1::VaultValue> newest = NewestOf(state, kind);
    if (!newest.has_value()) continue;
    v1::PartField* field = told.add_fields();
    field->set_kind(kind);
    field->set_occurred_us(newest->occurred_us());
    field->set_touch_id(newest->touch_id());
  }
  return told;
}

shard::Reply TellPart(const shard::EntityState& state, const TellFacts& facts,
                      const v1::TellPartRequest& request, const v1::MemberState& known,
                      const PoolKeys& keys, shard::Effects* effects) {
  if (request.purpose().empty()) return TellEverything(state, facts, known, keys, effects);
  DiscloseFacts disclose{facts.pool,        facts.member, facts.actor, request.purpose(),
                         request.channel(), {},           facts.now_us};
  for (const int kind : request.kinds()) {
    disclose.kinds.push_back(static_cast<v1::ContactKind>(kind));
  }
  Disclosure disclosure = DiscloseGranted(state, disclose, keys, effects);
  if (disclosure.outcome == DiscloseOutcome::kVaultOff) {
    return {absl::StatusCode::kFailedPrecondition, "VAULT_OFF", "the pool has no keys of a vault",
            ""};
  }
  if (disclosure.outcome == DiscloseOutcome::kContactUnreadable) return UnreadableReply();
  v1::PartTold told;
  for (v1::ContactField& field : disclosure.fields) {
    field.set_kept_at(NameOf(facts.pool, facts.member));
    *told.add_fields() = std::move(field);
  }
  return Told(told);
}

}  // namespace regulars::identity::vault
