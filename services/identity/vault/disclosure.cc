#include "services/identity/vault/disclosure.h"

#include <optional>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "services/identity/vault/consent.h"
#include "services/identity/vault/messages.h"

namespace regulars::identity::vault {

std::string_view OutcomeLabel(DiscloseOutcome outcome) {
  switch (outcome) {
    case DiscloseOutcome::kVaultOff:
      return "vault_off";
    case DiscloseOutcome::kConsentMissing:
      return "consent_missing";
    case DiscloseOutcome::kContactUnknown:
      return "contact_unknown";
    case DiscloseOutcome::kContactUnreadable:
      return "contact_unreadable";
    case DiscloseOutcome::kDisclosed:
      return "disclosed";
  }
  REGULARS_ASSERT(false, "unknown disclose outcome");
}

shard::Reply UnreadableReply() {
  return {absl::StatusCode::kFailedPrecondition, "CONTACT_UNREADABLE",
          "the key-encryption key of this member is not in the key file", ""};
}

Disclosure Disclose(const shard::EntityState& state, const DiscloseFacts& facts,
                    const PoolKeys& keys, shard::Effects* effects) {
  if (!keys.on() || IsGranted(state, facts.purpose, facts.channel, facts.now_us)) {
    return DiscloseGranted(state, facts, keys, effects);
  }
  effects->outcome = OutcomeLabel(DiscloseOutcome::kConsentMissing);
  return {DiscloseOutcome::kConsentMissing, {}};
}

Disclosure DiscloseGranted(const shard::EntityState& state, const DiscloseFacts& facts,
                           const PoolKeys& keys, shard::Effects* effects) {
  Disclosure disclosure;
  const auto end = [&](DiscloseOutcome outcome) {
    disclosure.outcome = outcome;
    effects->outcome = OutcomeLabel(outcome);
    return disclosure;
  };
  if (!keys.on()) return end(DiscloseOutcome::kVaultOff);
  v1::ContactDisclosed record;
  bool unreadable = false;
  for (const v1::ContactKind kind : facts.kinds) {
    const auto values = ReadField(state, facts.pool, facts.member, kind, keys);
    unreadable = unreadable || !values.ok();
    if (!values.ok() || values->empty()) continue;
    disclosure.fields.push_back(FieldOf(kind, values->front()));
    record.add_kinds(kind);
  }
  if (unreadable) {
    disclosure.fields.clear();
    return end(DiscloseOutcome::kContactUnreadable);
  }
  if (disclosure.fields.empty()) return end(DiscloseOutcome::kContactUnknown);
  record.set_member(facts.member);
  record.set_actor(facts.actor);
  record.set_purpose(facts.purpose);
  record.set_channel(facts.channel);
  record.set_time_us(facts.now_us);
  RecordDisclosure(state, std::move(record), effects);
  return end(DiscloseOutcome::kDisclosed);
}

void RecordDisclosure(const shard::EntityState& state, v1::ContactDisclosed disclosure,
                      shard::Effects* effects) {
  v1::VaultDisclosures told = ReadDisclosures(state);
  told.set_count(told.count() + 1);
  effects->publishes.push_back({std::string(events::kEventsKind), disclosure.member(),
                                std::string(events::kContactDisclosed),
                                Cat("told/", disclosure.member(), "/", told.count()),
                                disclosure.SerializeAsString(), disclosure.time_us()});
  v1::VaultDisclosures kept;
  kept.set_count(told.count());
  *kept.add_disclosures() = std::move(disclosure);
  for (v1::ContactDisclosed& earlier : *told.mutable_disclosures()) {
    if (kept.disclosures_size() == kDisclosuresMax) break;
    *kept.add_disclosures() = std::move(earlier);
  }
  effects->puts.push_back({std::string(kToldSub), kept.SerializeAsString(), 0});
}

void RecordExport(const shard::EntityState& state, const v1::MemberExport& everything,
                  const ExportFacts& facts, shard::Effects* effects) {
  v1::ContactDisclosed record;
  record.set_member(facts.member);
  record.set_actor(facts.actor);
  record.set_purpose(std::string(kExportPurpose));
  for (const v1::ExportedField& field : everything.contact()) {
    record.add_kinds(field.current().kind());
  }
  record.set_time_us(facts.now_us);
  RecordDisclosure(state, std::move(record), effects);
}

v1::VaultDisclosures ReadDisclosures(const shard::EntityState& state) {
  v1::VaultDisclosures told;
  if (const std::optional<std::string> bytes = state.Get(kToldSub)) {
    REGULARS_ASSERT(told.ParseFromString(*bytes), "the list of disclosures does not parse");
  }
  return told;
}

v1::ContactField FieldOf(v1::ContactKind kind, const ClearValue& value) {
  v1::ContactField field;
  field.set_kind(kind);
  field.set_value(value.text);
  field.set_source(value.source);
  SetTime(value.occurred_us, field.mutable_report_time());
  field.set_verified(value.verified);
  return field;
}

}  // namespace regulars::identity::vault
