#include "services/identity/vault/privacy_codec.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <variant>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/model/identifier.h"
#include "regulars/identity/v1/privacy_events.pb.h"
#include "regulars/identity/v1/privacy_service.pb.h"
#include "services/identity/vault/consent.h"
#include "services/identity/vault/contact.h"
#include "services/identity/vault/data_key.h"
#include "services/identity/vault/disclosure.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/messages.h"
#include "services/identity/vault/part.h"
#include "services/identity/vault/requests.h"

namespace regulars::identity::vault {
namespace {

struct Body {
  std::string actor;  // of a command
  std::variant<v1::ContactReported, v1::IdentifierErased, v1::ResolveContactRequest,
               v1::RecordConsentRequest, v1::EraseMemberRequest, v1::ExportMemberRequest,
               v1::GetConsentRequest, v1::ListConsentsRequest, v1::DescribePartRequest,
               v1::TellPartRequest>
      what;
};

absl::Status Malformed(std::string_view reason, std::string_view message) {
  return DomainError(absl::StatusCode::kInvalidArgument, reason, message);
}

void SetBody(Body body, shard::Input* input) {
  input->body = std::make_shared<const Body>(std::move(body));
}

const Body& BodyOf(const shard::Input& input) {
  REGULARS_ASSERT(input.body != nullptr, "a privacy input was not decoded");
  return *static_cast<const Body*>(input.body.get());
}

template <typename Request>
absl::Status DecodeRequest(std::string actor, const std::string& bytes, shard::Input* input) {
  Request request;
  if (!request.ParseFromString(bytes)) {
    return Malformed("PAYLOAD_MALFORMED", "the request does not parse");
  }
  REGULARS_RETURN_IF_ERROR(Check(request));
  SetBody({std::move(actor), std::move(request)}, input);
  return absl::OkStatus();
}

absl::Status DecodeCommand(shard::Input* input) {
  v1::PrivacyCommand command;
  if (!command.ParseFromString(input->payload)) {
    return Malformed("PAYLOAD_MALFORMED", "not a PrivacyCommand");
  }
  const std::string& bytes = command.request();
  if (input->type == kResolveContact) {
    return DecodeRequest<v1::ResolveContactRequest>(command.actor(), bytes, input);
  }
  if (input->type == kRecordConsent) {
    return DecodeRequest<v1::RecordConsentRequest>(command.actor(), bytes, input);
  }
  if (input->type == kEraseMember) {
    return DecodeRequest<v1::EraseMemberRequest>(command.actor(), bytes, input);
  }
  if (input->type == kTellPart) {
    return DecodeRequest<v1::TellPartRequest>(command.actor(), bytes, input);
  }
  return DecodeRequest<v1::ExportMemberRequest>(command.actor(), bytes, input);
}

absl::Status DecodeRecord(shard::Input* input) {
  if (input->type == events::kContactReported) {
    v1::ContactReported report;
    if (!report.ParseFromString(input->payload) || report.member() != input->entity ||
        report.touch_id().empty() || !IsValidInstant(report.occurred_us())) {
      return Malformed("REPORT_MALFORMED", "not a ContactReported of its member");
    }
    SetBody({"", std::move(report)}, input);
    return absl::OkStatus();
  }
  v1::IdentifierErased erased;
  if (!erased.ParseFromString(input->payload) || erased.member().empty()) {
    return Malformed("REPORT_MALFORMED", "not an IdentifierErased");
  }
  SetBody({"", std::move(erased)}, input);
  return absl::OkStatus();
}

shard::Reply Refused(absl::StatusCode code, std::string_view reason, std::string_view message) {
  return {code, std::string(reason), std::string(message), ""};
}

shard::Reply Answer(const google::protobuf::Message& response) {
  return {absl::StatusCode::kOk, "", "", response.SerializeAsString()};
}

// What must be true of a member before anything is asked about it.
std::optional<shard::Reply> NotThere(const shard::EntityState& state) {
  if (ReadErasure(state).has_value()) return MemberErasedReply();
  if (state.Next("", "").has_value()) return std::nullopt;
  return Refused(absl::StatusCode::kNotFound, "MEMBER_UNKNOWN", "no such member");
}

shard::Reply RefusalOf(DiscloseOutcome outcome) {
  switch (outcome) {
    case DiscloseOutcome::kVaultOff:
      return Refused(absl::StatusCode::kFailedPrecondition, "VAULT_OFF",
                     "the pool has no keys of a vault");
    case DiscloseOutcome::kConsentMissing:
      return Refused(absl::StatusCode::kFailedPrecondition, "CONSENT_MISSING",
                     "the member has not consented to this purpose on this channel");
    case DiscloseOutcome::kContactUnknown:
      return Refused(absl::StatusCode::kNotFound, "CONTACT_UNKNOWN",
                     "none of these fields is known");
    case DiscloseOutcome::kContactUnreadable:
      return UnreadableReply();
    case DiscloseOutcome::kDisclosed:
      break;
  }
  REGULARS_ASSERT(false, "a disclosure is no refusal");
}

shard::Reply ApplyResolve(const shard::EntityState& state, const shard::Input& input,
                          const Body& body, const PoolKeys& keys, shard::Effects* effects) {
  const auto& request = std::get<v1::ResolveContactRequest>(body.what);
  DiscloseFacts facts{input.pool,        input.entity, body.actor,  request.purpose(),
                      request.channel(), {},           input.now_us};
  for (const int kind : request.kinds()) {
    facts.kinds.push_back(static_cast<v1::ContactKind>(kind));
  }
  Disclosure disclosure = Disclose(state, facts, keys, effects);
  if (disclosure.outcome != DiscloseOutcome::kDisclosed) return RefusalOf(disclosure.outcome);
  v1::ResolveContactResponse logged;
  logged.set_name(NameOf(input.pool, input.entity));
  v1::ResolveContactResponse personal;
  for (v1::ContactField& field : disclosure.fields) {
    field.set_kept_at(logged.name());
    *personal.add_fields() = std::move(field);
  }
  shard::Reply reply = Answer(logged);
  reply.unlogged = personal.SerializeAsString();
  return reply;
}

shard::Reply ApplyExport(const shard::EntityState& state, const shard::Input& input,
                         const Body& body, const PoolKeys& keys, const Known& known,
                         shard::Effects* effects) {
  const absl::StatusOr<v1::MemberExport> everything =
      ExportOf(state, input.pool, input.entity, known.member.value_or(v1::MemberState()), keys,
               input.now_us);
  if (!everything.ok()) return UnreadableReply();
  RecordExport(state, *everything, {input.entity, body.actor, input.now_us}, effects);
  effects->outcome = "exported";
  v1::ExportMemberResponse personal;
  personal.set_json(JsonOf(*everything));
  shard::Reply reply = Answer(v1::ExportMemberResponse());
  reply.unlogged = personal.SerializeAsString();
  return reply;
}

shard::Reply ApplyConsent(const shard::EntityState& state, const shard::Input& input,
                          const Body& body, shard::Effects* effects) {
  const auto& request = std::get<v1::RecordConsentRequest>(body.what);
  const v1::Consent& said = request.consent();
  ConsentReport report{input.entity, said.purpose(), said.channel(), {}};
  report.fact.set_decision(said.decision());
  report.fact.set_decided_us(said.has_decide_time() ? *MicrosOf(said.decide_time()) : input.now_us);
  report.fact.set_source(said.source());
  report.fact.set_evidence(said.evidence());
  report.fact.set_notice_version(said.notice_version());
  report.fact.set_actor(body.actor);
  const std::string name = NameOf(input.pool, input.entity);
  switch (RecordConsent(state, report, input.now_us, effects)) {
    case ConsentOutcome::kInFuture:
      return Refused(absl::StatusCode::kInvalidArgument, "TIME_INVALID",
                     "the time is before 1970 or after 9999, or not yet");
    case ConsentOutcome::kTooMany:
      return Refused(absl::StatusCode::kFailedPrecondition, "CONSENTS_TOO_MANY",
                     "the member has as many consents as are kept");
    case ConsentOutcome::kUnchanged: {
      const auto fact = ConsentAt(state, said.purpose(), said.channel(), report.fact.decided_us());
      return Answer(ConsentOf(name, said.purpose(), said.channel(), fact ? &*fact : nullptr));
    }
    case ConsentOutcome::kRecorded:
      report.fact.set_recorded_us(input.now_us);
      return Answer(ConsentOf(name, said.purpose(), said.channel(), &report.fact));
  }
  REGULARS_ASSERT(false, "unknown consent outcome");
}

shard::Reply ApplyErase(const shard::EntityState& state, const shard::Input& input,
                        const Body& body, const Known& known, shard::Effects* effects) {
  const v1::MemberState member = known.member.value_or(v1::MemberState());
  const EraseFacts facts{
      input.entity, body.actor,  std::get<v1::EraseMemberRequest>(body.what).reason(),
      input.now_us, known.leads, member.identifier_count()};
  if (!member.proposing_to().empty()) {
    // The answer is on its way; who is gone could not take it.
    return Refused(absl::StatusCode::kFailedPrecondition, "MERGE_IN_PROGRESS",
                   "the member is being merged; ask again");
  }
  const EraseDecision decision = EraseMember(state, facts, effects);
  if (decision.outcome == EraseOutcome::kMemberUnknown) {
    return Refused(absl::StatusCode::kNotFound, "MEMBER_UNKNOWN", "no such member");
  }
  v1::EraseMemberResponse response;
  response.set_name(NameOf(input.pool, input.entity));
  SetTime(decision.erasure.erased_us(), response.mutable_erase_time());
  response.set_identifier_count(decision.erasure.identifiers());
  response.set_contact_field_count(decision.erasure.contact_fields());
  return Answer(response);
}

// A member that became part of another one.
bool IsAlias(const Known& known) {
  return known.member.has_value() && !known.member->parent().empty();
}

// What one member alone may not answer. An alias's name is good enough to say something; a person
// is erased by name only.
std::optional<shard::Reply> NotAlone(const Body& body, const PoolKeys& keys, const Known& known) {
  if (IsAlias(known)) {
    shard::Reply reply = Refused(absl::StatusCode::kFailedPrecondition, "MEMBER_IS_ALIAS",
                                 Cat("the member became part of ", known.member->parent()));
    if (std::holds_alternative<v1::RecordConsentRequest>(body.what)) {
      reply.survivor = known.member->parent();
    }
    return reply;
  }
  const bool has_parts = known.member.has_value() && !known.member->aliases().empty();
  const bool resolves = std::holds_alternative<v1::ResolveContactRequest>(body.what);
  const bool writes = std::holds_alternative<v1::RecordConsentRequest>(body.what) ||
                      std::holds_alternative<v1::EraseMemberRequest>(body.what);
  if (!has_parts || writes || (resolves && !keys.on())) return std::nullopt;
  return Refused(absl::StatusCode::kFailedPrecondition, kMemberHasParts,
                 "the members that became part of it have to be asked, too");
}

// The call may have come by the name of an alias; that one may have been parted meanwhile.
bool IsName(const std::string& name, const shard::Input& input, const Known& known) {
  const std::string member = name.substr(name.rfind('/') + 1);
  if (member == input.entity || !known.member.has_value()) return true;
  const auto& aliases = known.member->aliases();
  return std::find(aliases.begin(), aliases.end(), member) != aliases.end();
}

shard::Effects ApplyCommand(const shard::EntityState& state, const shard::Input& input,
                            const PoolKeys& keys, const Known& known) {
  const Body& body = BodyOf(input);
  shard::Effects effects;
  shard::Reply reply;
  bool validate_only = false;
  if (const auto* tell = std::get_if<v1::TellPartRequest>(&body.what)) {
    std::optional<shard::Reply> refusal = NotThere(state);
    reply = refusal.has_value()
                ? *std::move(refusal)
                : TellPart(state, {input.pool, input.entity, body.actor, input.now_us}, *tell,
                           known.member.value_or(v1::MemberState()), keys, &effects);
  } else if (std::optional<shard::Reply> parts = NotAlone(body, keys, known); parts.has_value()) {
    reply = *std::move(parts);
  } else if (const auto* erase = std::get_if<v1::EraseMemberRequest>(&body.what)) {
    validate_only = erase->validate_only();
    reply = ApplyErase(state, input, body, known, &effects);
  } else if (std::optional<shard::Reply> refusal = NotThere(state); refusal.has_value()) {
    reply = *std::move(refusal);
  } else if (const auto* consent = std::get_if<v1::RecordConsentRequest>(&body.what)) {
    validate_only = consent->validate_only();
    reply = IsName(consent->parent(), input, known)
                ? ApplyConsent(state, input, body, &effects)
                : Refused(absl::StatusCode::kFailedPrecondition, "MERGE_IN_PROGRESS",
                          "the member is being parted; ask again");
  } else if (std::holds_alternative<v1::ResolveContactRequest>(body.what)) {
    reply = ApplyResolve(state, input, body, keys, &effects);
  } else {
    reply = ApplyExport(state, input, body, keys, known, &effects);
  }
  if (validate_only) effects = {};
  effects.reply = std::move(reply);
  return effects;
}

Micros AsOf(bool given, const google::protobuf::Timestamp& time, Micros now_us) {
  return given ? *MicrosOf(time) : now_us;
}

}  // namespace

std::vector<std::string> LeadsOf(const v1::MemberState& member) {
  std::vector<std::string> leads;
  for (const v1::MemberIdentifierState& one : member.identifiers()) {
    leads.push_back(model::IdentifierKey(one.identifier().hmac()));
  }
  leads.insert(leads.end(), member.aliases().begin(), member.aliases().end());
  return leads;
}

bool Takes(const shard::Input& input) {
  using Types = std::array<std::string_view, 5>;
  static constexpr Types kCommands = {kResolveContact, kRecordConsent, kEraseMember, kExportMember,
                                      kTellPart};
  switch (input.kind) {
    case shard::InputKind::kRecord:
      return input.type == events::kContactReported || input.type == events::kIdentifierErased;
    case shard::InputKind::kCommand:
      return std::find(kCommands.begin(), kCommands.end(), input.type) != kCommands.end();
    case shard::InputKind::kQuery:
      return input.type == kGetConsent || input.type == kListConsents ||
             input.type == kDescribePart;
    case shard::InputKind::kTimer:
      return input.type == kEraseTimer;
  }
  return false;
}

absl::Status Decode(shard::Input* input) {
  if (input->kind == shard::InputKind::kTimer) return absl::OkStatus();
  if (input->kind == shard::InputKind::kCommand) return DecodeCommand(input);
  if (input->kind == shard::InputKind::kRecord) return DecodeRecord(input);
  if (input->type == kGetConsent) {
    return DecodeRequest<v1::GetConsentRequest>("", input->payload, input);
  }
  if (input->type == kDescribePart) {
    return DecodeRequest<v1::DescribePartRequest>("", input->payload, input);
  }
  return DecodeRequest<v1::ListConsentsRequest>("", input->payload, input);
}

shard::Effects Apply(const shard::EntityState& state, const shard::Input& input,
                     const PoolKeys& keys, const Known& known) {
  if (input.kind == shard::InputKind::kCommand) return ApplyCommand(state, input, keys, known);
  shard::Effects effects;
  if (input.kind == shard::InputKind::kTimer) {
    GoOnErasing(state, input.entity, input.now_us, &effects);
    return effects;
  }
  const Body& body = BodyOf(input);
  if (const auto* report = std::get_if<v1::ContactReported>(&body.what)) {
    if (known.contact.to.empty()) {
      AddContact(state, input.pool, *report, keys, input.now_us, &effects);
    } else {
      SendOn(*report, known.contact, &effects);
    }
  } else if (IsAlias(known)) {
    const auto& erased = std::get<v1::IdentifierErased>(body.what);
    EraseMember(state, {input.entity, "", "", erased.erased_us(), {}, 0}, &effects);
  } else {
    Unanchor(std::get<v1::IdentifierErased>(body.what), known.anchor_member, known.anchor_sub,
             &effects);
  }
  return effects;
}

shard::Reply Query(const shard::EntityState& state, const shard::Input& input, const Known& known) {
  if (std::optional<shard::Reply> refusal = NotThere(state)) return *std::move(refusal);
  const std::string member = NameOf(input.pool, input.entity);
  const Body& body = BodyOf(input);
  if (const auto* part = std::get_if<v1::DescribePartRequest>(&body.what)) {
    return Answer(DescribePart(state, input.entity, known.member.value_or(v1::MemberState()),
                               AsOf(part->has_as_of_time(), part->as_of_time(), input.now_us),
                               part->show_history()));
  }
  if (std::optional<shard::Reply> parts = NotAlone(body, {}, known)) return *std::move(parts);
  if (const auto* list = std::get_if<v1::ListConsentsRequest>(&body.what)) {
    const Micros at_us = AsOf(list->has_as_of_time(), list->as_of_time(), input.now_us);
    return Answer(ConsentsOf(state, member, at_us, list->show_history()));
  }
  const auto& get = std::get<v1::GetConsentRequest>(body.what);
  const auto [purpose, channel] = *PairOfName(get.name());
  const auto fact = ConsentAt(state, purpose, channel,
                              AsOf(get.has_as_of_time(), get.as_of_time(), input.now_us));
  return Answer(ConsentOf(member, purpose, channel, fact ? &*fact : nullptr));
}

shard::Reply MemberErasedReply() {
  return Refused(absl::StatusCode::kNotFound, "MEMBER_ERASED", "the member was erased");
}

std::string CheckInvariants(const shard::EntityState& state) {
  if (std::string wrong = CheckErased(state); !wrong.empty()) return wrong;
  if (std::string wrong = CheckContact(state); !wrong.empty()) return wrong;
  return CheckConsents(state);
}

}  // namespace regulars::identity::vault
