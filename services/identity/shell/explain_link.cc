#include "services/identity/shell/explain_link.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "libs/base/status.h"
#include "libs/model/identifier.h"
#include "services/identity/codec/link_queries.h"
#include "services/identity/codec/shown.h"
#include "services/identity/shell/link_peer_service.h"

namespace regulars::identity {
namespace {

// A claim that the other identifier did not take, and why as far as it tells. "" = not so.
std::string RuleAtIdentifier(const LinkSide& claiming, const LinkSide& claimed) {
  if (claiming.told.has_peer() && claiming.told.peer().stopped()) return "contested";
  if (!claiming.told.has_peer() || !claiming.told.peer().claimed()) return "";
  if (claimed.told.has_peer()) return "";
  const auto& deny = claimed.told.anchor().deny();
  const std::string& member = claiming.told.anchor().member();
  if (std::find(deny.begin(), deny.end(), member) != deny.end()) return "denied";
  return claimed.told.anchor().contested_count() > 0 ? "contested" : "";
}

void AddStoppedClaim(const std::string& rule, const LinkSide& first, const LinkSide& second,
                     const v1::KnownPeer& peer, v1::ExplainLinkResponse* answer) {
  v1::SuppressedLink* stopped = answer->add_suppressed();
  stopped->set_other(answer->second_member());
  stopped->set_rule(rule);
  v1::MemberLink* link = stopped->mutable_link();
  const std::array ends = {std::pair(&first, link->mutable_first()),
                           std::pair(&second, link->mutable_second())};
  for (const auto& [side, end] : ends) {
    end->set_type(side->told.anchor().identifier().type());
    end->set_scope(side->told.anchor().identifier().scope());
    end->set_class_(side->told.anchor().identifier().class_());
    end->set_fragment_id(side->told.anchor().fragment_id());
  }
  link->set_touch_id(peer.touch_id());
  SetTime(peer.occurred_us(), link->mutable_occur_time());
}

void JudgeStrangers(const LinkSide& first, const LinkSide& second,
                    v1::ExplainLinkResponse* answer) {
  for (const LinkSide* side : {&first, &second}) {
    if (side->pair.split_id().empty() || !answer->split_id().empty()) continue;
    answer->set_verdict(v1::LINK_VERDICT_SPLIT);
    answer->set_split_id(side->pair.split_id());
    SetTime(side->pair.split_us(), answer->mutable_split_time());
    *answer->mutable_links() = side->pair.revoked();
  }
  if (!answer->split_id().empty()) return;
  *answer->mutable_suppressed() =
      first.pair.suppressed().empty() ? second.pair.suppressed() : first.pair.suppressed();
  for (const auto& [from, to] : {std::pair(&first, &second), std::pair(&second, &first)}) {
    if (!answer->suppressed().empty()) break;
    const std::string rule = RuleAtIdentifier(*from, *to);
    if (!rule.empty()) AddStoppedClaim(rule, first, second, from->told.peer(), answer);
  }
  const auto named = [](const LinkSide& side) { return side.told.has_peer(); };
  const auto claimed = [](const LinkSide& side) { return side.told.peer().claimed(); };
  if (!answer->suppressed().empty()) {
    answer->set_verdict(v1::LINK_VERDICT_SUPPRESSED);
  } else if (!named(first) && !named(second)) {
    answer->set_verdict(v1::LINK_VERDICT_UNRELATED);
  } else if (!claimed(first) && !claimed(second)) {
    answer->set_verdict(v1::LINK_VERDICT_HINT);
  } else {
    answer->set_verdict(v1::LINK_VERDICT_PENDING);
  }
}

// One call while the owners are asked, one after the other.
class Explanation : public std::enable_shared_from_this<Explanation> {
 public:
  Explanation(service::Gateway* gateway, ExplainCall call) : gateway_(gateway), call_(call) {}

  void Start(std::string first_hmac, std::string second_hmac) {
    sides_[0].hmac = std::move(first_hmac);
    sides_[1].hmac = std::move(second_hmac);
    AskIdentifier(0);
  }

 private:
  void AskIdentifier(size_t i) {
    v1::DescribeAnchorRequest question;
    question.set_parent(call_.request().parent());
    question.set_identifier_key(model::IdentifierKey(sides_[i].hmac));
    question.set_peer_key(model::IdentifierKey(sides_[1 - i].hmac));
    gateway_->AskFirst<v1::AnchorDescription>(
        call_, WorkOf(kDescribeAnchor, question.identifier_key(), question), kAnchorMethod,
        question, [self = shared_from_this(), i](absl::StatusOr<v1::AnchorDescription> told) {
          if (!told.ok()) return self->call_.Finish(told.status());
          self->OnIdentifier(i, *std::move(told));
        });
  }

  void OnIdentifier(size_t i, v1::AnchorDescription told) {
    if (told.anchor().member().empty()) {
      return call_.Finish(DomainError(absl::StatusCode::kNotFound, "IDENTIFIER_UNKNOWN",
                                      "no touch has named this identifier yet",
                                      {{"field", i == 0 ? "first" : "second"}}));
    }
    sides_[i].told = std::move(told);
    if (i == 0) return AskIdentifier(1);
    AskMember(0, sides_[0].told.anchor().member());
  }

  void AskMember(size_t i, const std::string& member) {
    v1::DescribePairRequest question;
    question.set_name(MemberName(call_.caller().pool, member));
    question.set_first_fragment(sides_[0].told.anchor().fragment_id());
    question.set_second_fragment(sides_[1].told.anchor().fragment_id());
    question.set_first_hmac(sides_[0].hmac);
    question.set_second_hmac(sides_[1].hmac);
    if (i == 0) question.add_other_members(sides_[1].told.anchor().member());
    if (i == 1) *question.mutable_other_members() = sides_[0].pair.names();
    gateway_->AskFirst<v1::PairDescription>(
        call_, WorkOf(kDescribePair, member, question), kPairMethod, question,
        [self = shared_from_this(), i, member](absl::StatusOr<v1::PairDescription> told) {
          if (!told.ok()) return self->call_.Finish(told.status());
          self->OnMember(i, member, *std::move(told));
        });
  }

  void OnMember(size_t i, const std::string& member, v1::PairDescription told) {
    LinkSide& side = sides_[i];
    const std::string parent = told.parent();
    told.mutable_suppressed()->MergeFrom(side.pair.suppressed());
    side.pair = std::move(told);
    if (!parent.empty() && ++aliases_ <= kAliasesFollowedMax) return AskMember(i, parent);
    side.member = member;
    if (i == 1) return Finish();
    const std::string& other = sides_[1].told.anchor().member();
    const auto& names = side.pair.names();
    if (std::find(names.begin(), names.end(), other) == names.end()) return AskMember(1, other);
    sides_[1].member = member;
    Finish();
  }

  void Finish() {
    call_.response() = Judge(call_.caller().pool, sides_[0], sides_[1]);
    call_.Finish(absl::OkStatus());
  }

  template <typename Question>
  static service::Work WorkOf(std::string_view query, const std::string& entity,
                              const Question& question) {
    service::Work work;
    work.entity = entity;
    work.type = std::string(query);
    work.payload = question.SerializeAsString();
    return work;
  }

  service::Gateway* const gateway_;
  const ExplainCall call_;
  std::array<LinkSide, 2> sides_;
  int aliases_ = 0;
};

}  // namespace

v1::ExplainLinkResponse Judge(const std::string& pool, const LinkSide& first,
                              const LinkSide& second) {
  v1::ExplainLinkResponse answer;
  answer.set_first_member(MemberName(pool, first.member));
  answer.set_second_member(MemberName(pool, second.member));
  if (first.member == second.member) {
    // What one owner does not hold yet is on its way to it.
    answer.set_verdict(first.pair.has_both() ? v1::LINK_VERDICT_LINKED : v1::LINK_VERDICT_PENDING);
    *answer.mutable_links() = first.pair.links();
    return answer;
  }
  JudgeStrangers(first, second, &answer);
  return answer;
}

void ExplainLink(service::Gateway* gateway, const ExplainCall& call, std::string first_hmac,
                 std::string second_hmac) {
  std::make_shared<Explanation>(gateway, call)  // shared: lives until the last owner has answered
      ->Start(std::move(first_hmac), std::move(second_hmac));
}

}  // namespace regulars::identity
