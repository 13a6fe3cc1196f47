#include "services/identity/codec/identity_program.h"

#include <memory>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/events/types.h"
#include "libs/model/identifier.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/identity/v1/privacy_events.pb.h"
#include "services/identity/codec/link_codec.h"
#include "services/identity/codec/link_queries.h"
#include "services/identity/codec/query_codec.h"
#include "services/identity/codec/touch_codec.h"
#include "services/identity/kernel/link_commands.h"
#include "services/identity/kernel/member.h"
#include "services/identity/kernel/member_book.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/privacy_codec.h"
#include "services/identity/vault/sharing.h"

namespace regulars::identity {
namespace {

// Whether it is of this member and has what the member's state is made of.
bool IsLink(const v1::IdentifierAnchored& anchored, std::string_view member) {
  return anchored.member() == member && anchored.has_birth() && !anchored.fragment_id().empty() &&
         anchored.identifier().hmac().size() == model::kIdentifierHmacBytes;
}

// Whether contact data of a fragment stays here. It is kept by the member that the fragment came
// with; the root of the person knows which one that is, and that one asks nobody any more.
vault::ContactWay WayOf(const MemberBook& book, const v1::ContactReported& report) {
  if (!book.born() || report.home() == book.id()) return {};
  if (const auto moved = book.MovedTo(report.fragment_id()); moved.has_value()) {
    return {moved->member(), false};
  }
  if (!book.is_root()) return {book.root().parent(), false};
  const auto fragment = book.Fragment(report.fragment_id());
  if (!fragment.has_value() || fragment->home() == book.id()) return {};
  return {fragment->home(), true};
}

vault::Known KnownOf(const shard::EntityState& state, const shard::Input& input, bool links) {
  vault::Known known{ReadMember(state), {}, "", kAnchorSub};
  if (const auto anchor = ReadAnchor(state); anchor.has_value()) {
    known.anchor_member = anchor->member();
  }
  if (!known.member.has_value()) return known;
  known.leads = vault::LeadsOf(*known.member);
  if (!links) return known;
  Draft draft(state);
  const MemberBook book(&draft, input.entity);
  if (input.type == vault::kEraseMember) {
    // The root lists the first identifiers only.
    known.leads.assign(known.member->aliases().begin(), known.member->aliases().end());
    for (const v1::MemberFragment& fragment : book.Fragments()) {
      known.leads.push_back(model::IdentifierKey(fragment.identifier().hmac()));
    }
  } else if (input.type == events::kContactReported) {
    v1::ContactReported report;
    REGULARS_ASSERT(report.ParseFromString(input.payload), "a report that was decoded parses");
    known.contact = WayOf(book, report);
  }
  return known;
}

IdentityOptions Tagged(IdentityOptions options) {
  options.links.tag = RulesTag(options.links);
  for (auto& [pool, links] : options.pool_links) links.tag = RulesTag(links);
  return options;
}

}  // namespace

IdentityProgram::IdentityProgram(IdentityOptions options) : options_(Tagged(std::move(options))) {}

std::vector<shard::InputTopic> IdentityProgram::inputs() const {
  // Links flow from identity to itself.
  return {{std::string(events::kIngest), std::string(events::kTouchesKind), 0},
          {std::string(events::kIdentity), std::string(events::kLinksKind), -2}};
}

absl::Status IdentityProgram::Decode(shard::Input* input, bool* skip) const {
  *skip = false;
  if (vault::Takes(*input)) return vault::Decode(input);
  if (candidates::Takes(*input)) return candidates::Decode(input);
  if (input->kind == shard::InputKind::kQuery) {
    if (input->type == kLookupMember || input->type == kGetMember ||
        input->type == kGetMemberFull || input->type == kSummarizeMember ||
        IsLinkQuery(input->type)) {
      return absl::OkStatus();
    }
    return DomainError(absl::StatusCode::kUnimplemented, "QUERY_UNKNOWN", "no such query");
  }
  if (input->kind == shard::InputKind::kCommand) {
    if (!IsLinkCommand(input->type)) {
      return DomainError(absl::StatusCode::kUnimplemented, "COMMAND_UNKNOWN", "no such command");
    }
    return DecodeLinkCommand(input);
  }
  if (input->type == events::kTouchReceived) {
    auto body =
        std::make_shared<TouchBodyOfInput>(DecodeTouch(*input, LinksOf(input->pool).enabled));
    if (!KeysOf(input->pool).on()) {
      body->contact = {};
      body->travelling.mutable_touch()->clear_contact();
    }
    input->body = std::move(body);
    return absl::OkStatus();
  }
  if (input->type == events::kLinkMessage) return DecodeLink(input);
  if (input->type == events::kIdentifierAnchored) {
    auto anchored = std::make_shared<v1::IdentifierAnchored>();
    if (!anchored->ParseFromString(input->payload) || !IsLink(*anchored, input->entity)) {
      return DomainError(absl::StatusCode::kInvalidArgument, "LINK_MALFORMED",
                         "not an IdentifierAnchored of its member");
    }
    input->body = std::move(anchored);
    return absl::OkStatus();
  }
  *skip = true;
  return absl::OkStatus();
}

shard::Effects IdentityProgram::Apply(const shard::EntityState& state,
                                      const shard::Input& input) const {
  if (vault::Takes(input)) return ApplyPrivacy(state, input);
  if (candidates::Takes(input)) {
    return candidates::Apply(state, input, CandidateRulesOf(input.pool));
  }
  REGULARS_ASSERT(input.body != nullptr, "identity input was not decoded");
  const LinkRules& links = LinksOf(input.pool);
  if (input.kind == shard::InputKind::kCommand) return ApplyLinkCommand(state, input, links);
  if (input.type == events::kLinkMessage) {
    if (const v1::PrivacyMessage* message = PrivacyOf(input); message != nullptr) {
      return vault::ApplySharing(state, input, *message);
    }
    const candidates::Rules candidate_rules = CandidateRulesOf(input.pool);
    if (const v1::CandidateMessage* message = CandidateOf(input); message != nullptr) {
      return candidates::ApplyMessage(state, input, *message, candidate_rules);
    }
    shard::Effects effects = ApplyLinkRecord(state, input, links, RulesOf(input.pool));
    candidates::AfterLink(state, input, candidate_rules, &effects);
    return effects;
  }
  shard::Effects effects;
  if (input.type == events::kIdentifierAnchored) {
    const auto& anchored = *static_cast<const v1::IdentifierAnchored*>(input.body.get());
    if (const auto erasure = vault::ReadErasure(state); erasure.has_value()) {
      vault::PublishIdentifierErased(input.entity,
                                     model::IdentifierKey(anchored.identifier().hmac()),
                                     erasure->erased_us(), &effects);
      return effects;
    }
    if (links.enabled) return ApplyBirth(state, input, links, anchored);
    AddIdentifier(state, anchored, &effects);
    return effects;
  }
  const auto& body = *static_cast<const TouchBodyOfInput*>(input.body.get());
  if (!body.malformed.empty()) {
    SetAside("TOUCH_MALFORMED", body.malformed, &effects);
    return effects;
  }
  if (links.enabled) return ApplyObserved(state, input, links, RulesOf(input.pool), body);
  const TouchDecision decision =
      ResolveTouch(state, body.facts, input.now_us, RulesOf(input.pool), &effects);
  if (decision.outcome == TouchOutcome::kNewMember &&
      vault::HappenedBeforeErasure(state, body.facts.occurred_us)) {
    return vault::SetAsideErased();
  }
  PublishDecision(body, decision, &effects);
  return effects;
}

shard::Effects IdentityProgram::ApplyPrivacy(const shard::EntityState& state,
                                             const shard::Input& input) const {
  const vault::Known known = KnownOf(state, input, LinksOf(input.pool).enabled);
  shard::Effects effects = vault::Apply(state, input, KeysOf(input.pool), known);
  candidates::AfterVault(state, input, CandidateRulesOf(input.pool), &effects);
  return effects;
}

shard::Reply IdentityProgram::Query(const shard::EntityState& state,
                                    const shard::Input& input) const {
  if (vault::Takes(input)) {
    return vault::Query(state, input, {ReadMember(state), {}, "", kAnchorSub});
  }
  if (candidates::Takes(input)) {
    return candidates::Query(state, input, CandidateRulesOf(input.pool));
  }
  if (input.type == kLookupMember) return AnswerLookupMember(state, input.pool);
  if (input.type == kSummarizeMember) {
    return {absl::StatusCode::kOk, "", "",
            SummarizeMember(state, input.entity).SerializeAsString()};
  }
  if (IsLinkQuery(input.type)) return AnswerLinkQuery(state, input);
  return AnswerGetMember(state, input.pool, input.entity, input.type == kGetMemberFull);
}

std::string IdentityProgram::CheckInvariants(const shard::EntityState& state) const {
  // What counts once for ever stays at an identifier whose member was erased.
  const bool unanchored = vault::IsUnanchored(state) && !ReadAnchor(state).has_value();
  std::string wrong = unanchored ? "" : CheckIdentifier(state);
  if (wrong.empty()) wrong = CheckMember(state);
  if (wrong.empty()) wrong = vault::CheckInvariants(state);
  return wrong.empty() ? candidates::CheckInvariants(state) : wrong;
}

bool IdentityProgram::InView(std::string_view sub) const {
  return sub == kAnchorSub || sub == kMemberSub;
}

vault::PoolKeys IdentityProgram::KeysOf(std::string_view pool) const {
  const auto it = options_.vault_keys.find(pool);
  return it == options_.vault_keys.end() ? vault::PoolKeys() : it->second;
}

candidates::Rules IdentityProgram::CandidateRulesOf(std::string_view pool) const {
  const auto it = options_.matchers.find(pool);
  return {&LinksOf(pool), KeysOf(pool), it == options_.matchers.end() ? nullptr : it->second.get()};
}

const TouchRules& IdentityProgram::RulesOf(std::string_view pool) const {
  const auto it = options_.pool_rules.find(pool);
  return it == options_.pool_rules.end() ? options_.rules : it->second;
}

const LinkRules& IdentityProgram::LinksOf(std::string_view pool) const {
  const auto it = options_.pool_links.find(pool);
  return it == options_.pool_links.end() ? options_.links : it->second;
}

}  // namespace regulars::identity
