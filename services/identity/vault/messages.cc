#include "services/identity/vault/messages.h"

#include <google/protobuf/util/json_util.h>

#include <vector>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "services/identity/vault/consent.h"
#include "services/identity/vault/contact.h"
#include "services/identity/vault/disclosure.h"

namespace regulars::identity::vault {
namespace {

void AddIdentifiers(const v1::MemberState& known, v1::MemberExport* out) {
  for (const v1::MemberIdentifierState& one : known.identifiers()) {
    v1::ExportedIdentifier* shown = out->add_identifiers();
    shown->set_type(one.identifier().type());
    shown->set_scope(one.identifier().scope());
    shown->set_verified(one.identifier().verified());
    shown->set_verified_by(one.identifier().verified_by());
    SetTime(one.first_seen_us(), shown->mutable_first_seen_time());
  }
}

void AddDisclosures(const shard::EntityState& state, v1::MemberExport* out) {
  const v1::VaultDisclosures all = ReadDisclosures(state);
  for (const v1::ContactDisclosed& told : all.disclosures()) {
    v1::ExportedDisclosure* shown = out->add_disclosures();
    shown->set_actor(told.actor());
    shown->set_purpose(told.purpose());
    shown->set_channel(told.channel());
    *shown->mutable_kinds() = told.kinds();
    SetTime(told.time_us(), shown->mutable_disclose_time());
    shown->set_kept_at(out->name());
  }
}

}  // namespace

void SetTime(Micros time_us, google::protobuf::Timestamp* out) {
  out->set_seconds(time_us / kMicrosPerSecond);
  out->set_nanos(static_cast<int32_t>(time_us % kMicrosPerSecond * 1000));
}

std::string NameOf(std::string_view pool, std::string_view member) {
  return Cat("pools/", pool, "/members/", member);
}

v1::ConsentHistoryEntry EntryOf(std::string_view kept_at, const v1::ConsentFact& fact) {
  v1::ConsentHistoryEntry entry;
  entry.set_kept_at(std::string(kept_at));
  entry.set_decision(fact.decision());
  entry.set_source(fact.source());
  entry.set_evidence(fact.evidence());
  entry.set_notice_version(fact.notice_version());
  SetTime(fact.decided_us(), entry.mutable_decide_time());
  SetTime(fact.recorded_us(), entry.mutable_create_time());
  return entry;
}

v1::Consent ConsentOf(std::string_view member_name, std::string_view purpose,
                      std::string_view channel, const v1::ConsentFact* fact) {
  v1::Consent consent;
  consent.set_name(Cat(member_name, "/consents/", purpose, ".", channel));
  consent.set_purpose(std::string(purpose));
  consent.set_channel(std::string(channel));
  if (fact == nullptr) return consent;
  consent.set_kept_at(std::string(member_name));
  consent.set_decision(fact->decision());
  consent.set_source(fact->source());
  consent.set_evidence(fact->evidence());
  consent.set_notice_version(fact->notice_version());
  SetTime(fact->decided_us(), consent.mutable_decide_time());
  SetTime(fact->recorded_us(), consent.mutable_create_time());
  return consent;
}

v1::ListConsentsResponse ConsentsOf(const shard::EntityState& state, std::string_view member_name,
                                    Micros at_us, bool history) {
  v1::ListConsentsResponse response;
  const v1::ConsentIndex index = ReadConsentIndex(state);
  for (const v1::ConsentPair& pair : index.pairs()) {
    const std::vector<v1::ConsentFact> facts =
        ConsentFacts(state, pair.purpose(), pair.channel(), at_us);
    v1::Consent* consent = response.add_consents();
    *consent = ConsentOf(member_name, pair.purpose(), pair.channel(),
                         facts.empty() ? nullptr : &facts.front());
    for (size_t i = 1; history && i < facts.size(); ++i) {
      *consent->add_history() = EntryOf(member_name, facts[i]);
    }
  }
  return response;
}

absl::StatusOr<v1::MemberExport> ExportOf(const shard::EntityState& state, std::string_view pool,
                                          std::string_view member, const v1::MemberState& known,
                                          const PoolKeys& keys, Micros now_us) {
  v1::MemberExport out;
  out.set_name(NameOf(pool, member));
  SetTime(known.birth().birth_us(), out.mutable_create_time());
  AddIdentifiers(known, &out);
  *out.mutable_aliases() = known.aliases();
  for (const v1::ContactKind kind : kKinds) {
    if (!keys.on()) break;
    REGULARS_ASSIGN_OR_RETURN(const std::vector<ClearValue> values,
                              ReadField(state, pool, member, kind, keys));
    if (values.empty()) continue;
    v1::ExportedField* field = out.add_contact();
    for (const ClearValue& value : values) {
      v1::ContactField* shown =
          field->has_current() ? field->add_earlier() : field->mutable_current();
      *shown = FieldOf(kind, value);
      shown->set_kept_at(out.name());
    }
  }
  *out.mutable_consents() = ConsentsOf(state, out.name(), now_us, /*history=*/true).consents();
  AddDisclosures(state, &out);
  return out;
}

std::string JsonOf(const v1::MemberExport& everything) {
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  const auto status = google::protobuf::util::MessageToJsonString(everything, &json, options);
  REGULARS_ASSERT(status.ok(), "an export does not print");
  return json;
}

}  // namespace regulars::identity::vault
