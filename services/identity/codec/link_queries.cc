#include "services/identity/codec/link_queries.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "services/identity/codec/pages.h"
#include "services/identity/codec/shown.h"
#include "services/identity/kernel/claim.h"
#include "services/identity/kernel/explain.h"
#include "services/identity/kernel/link_rules.h"
#include "services/identity/kernel/member.h"
#include "services/identity/kernel/resolve.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/privacy_codec.h"

namespace regulars::identity {
namespace {

constexpr int kSuppressedShownMax = 10;  // of one pair
constexpr int kRevokedShownMax = 100;    // of one split

shard::Reply Refused(absl::StatusCode code, std::string_view reason, std::string_view message) {
  return {code, std::string(reason), std::string(message), ""};
}
shard::Reply Refused(const absl::Status& status) {
  return Refused(status.code(), ReasonOf(status), StdView(status.message()));
}
shard::Reply Answer(const google::protobuf::Message& message) {
  return {absl::StatusCode::kOk, "", "", message.SerializeAsString()};
}

// What is asked of a member that is not there; an alias may be asked for what it knows itself.
std::optional<shard::Reply> NotThere(const shard::EntityState& state, const MemberBook& book,
                                     bool also_alias) {
  if (vault::ReadErasure(state).has_value()) return vault::MemberErasedReply();
  if (!book.born()) {
    return Refused(absl::StatusCode::kNotFound, "MEMBER_UNKNOWN", "no such member");
  }
  if (book.is_root() || also_alias) return std::nullopt;
  shard::Reply reply = Refused(absl::StatusCode::kFailedPrecondition, "MEMBER_IS_ALIAS",
                               Cat("the member became part of ", book.root().parent()));
  reply.survivor = book.root().parent();
  return reply;
}

void Show(const types::v1::Identifier& id, v1::LinkedIdentifier* out) {
  out->set_type(id.type());
  out->set_scope(id.scope());
  out->set_class_(id.class_());
}

// Edges with the identifiers of their ends, as far as they are this member's.
class Shower {
 public:
  explicit Shower(const MemberBook& book) {
    for (const v1::MemberFragment& fragment : book.Fragments()) {
      identifiers_[fragment.fragment_id()] = fragment.identifier();
    }
  }
  v1::MemberLink operator()(const v1::MemberEdge& edge) const {
    v1::MemberLink link;
    ShowEnd(edge.first_fragment(), link.mutable_first());
    ShowEnd(edge.second_fragment(), link.mutable_second());
    link.set_touch_id(edge.touch_id());
    link.set_rule_version(edge.rule_version());
    SetTime(edge.occurred_us(), link.mutable_occur_time());
    link.set_actor(edge.actor());
    return link;
  }

 private:
  void ShowEnd(const std::string& fragment, v1::LinkedIdentifier* out) const {
    const auto known = identifiers_.find(fragment);
    if (known != identifiers_.end()) Show(known->second, out);
    out->set_fragment_id(fragment);
  }
  std::map<std::string, types::v1::Identifier> identifiers_;
};

v1::SuppressedLink Shown(const v1::LinkSuppressed& stopped, std::string_view pool) {
  v1::SuppressedLink shown;
  if (!stopped.other_member().empty()) shown.set_other(MemberName(pool, stopped.other_member()));
  Show(stopped.evidence().first(), shown.mutable_link()->mutable_first());
  Show(stopped.evidence().second(), shown.mutable_link()->mutable_second());
  shown.mutable_link()->set_touch_id(stopped.evidence().touch_id());
  shown.mutable_link()->set_rule_version(stopped.evidence().rule_version());
  SetTime(stopped.evidence().occurred_us(), shown.mutable_link()->mutable_occur_time());
  shown.set_rule(stopped.rule());
  shown.set_limit(stopped.limit());
  SetTime(stopped.time_us(), shown.mutable_suppress_time());
  return shown;
}

// Newest first, of those that are still kept; with their numbers.
std::vector<std::pair<uint32_t, v1::LinkSuppressed>> SuppressedOf(const Draft& draft,
                                                                  const MemberBook& book) {
  const std::vector<v1::LinkSuppressed> kept = draft.All<v1::LinkSuppressed>(kSuppressedPrefix);
  std::vector<std::pair<uint32_t, v1::LinkSuppressed>> newest;
  uint32_t number = book.root().suppressed_next();
  for (size_t i = 0; i < kept.size(); ++i) {
    --number;
    newest.emplace_back(number, kept[number % kSuppressedMax]);
  }
  return newest;
}

// Where a merge stands in its list.
std::string PlaceOf(const v1::Merge& merge) {
  return Cat(absl::StrFormat("%020d", merge.merge_time().seconds()), ".",
             absl::StrFormat("%09d", merge.merge_time().nanos()), ".",
             merge.name().substr(merge.name().rfind('/') + 1));
}

shard::Reply ListMerges(const MemberBook& book, const std::string& pool,
                        const v1::ListMergesRequest& request) {
  const std::string list = Cat(MemberName(pool, book.id()), "/merges");
  const auto page = ReadPage(list, request.page_size(), request.page_token());
  if (!page.ok()) return Refused(page.status());
  v1::ListMergesResponse response;
  std::string last;
  for (v1::Merge& merge : MergesOf(book, pool)) {
    const std::string place = PlaceOf(merge);
    if (!page->from.empty() && place >= page->from) continue;  // newest first
    if (static_cast<size_t>(response.merges_size()) == page->size) {
      response.set_next_page_token(PageToken(list, last));
      break;
    }
    last = place;
    *response.add_merges() = std::move(merge);
  }
  return Answer(response);
}

shard::Reply ListLinks(const MemberBook& book, const std::string& pool,
                       const v1::ListLinksRequest& request) {
  const std::string list = Cat(MemberName(pool, book.id()), "/links");
  const auto page = ReadPage(list, request.page_size(), request.page_token());
  if (!page.ok()) return Refused(page.status());
  const Shower shower(book);
  v1::ListLinksResponse response;
  for (const v1::MemberEdge& edge : book.Edges()) {
    const std::string place = EdgeKey("", edge);
    if (place < page->from) continue;
    if (static_cast<size_t>(response.links_size()) == page->size) {
      response.set_next_page_token(PageToken(list, place));
      break;
    }
    *response.add_links() = shower(edge);
  }
  return Answer(response);
}

shard::Reply ListSuppressed(const Draft& draft, const MemberBook& book, const std::string& pool,
                            const v1::ListSuppressedLinksRequest& request) {
  const std::string list = Cat(MemberName(pool, book.id()), "/suppressedLinks");
  const auto page = ReadPage(list, request.page_size(), request.page_token());
  if (!page.ok()) return Refused(page.status());
  uint32_t from = book.root().suppressed_next();
  if (!page->from.empty() && !absl::SimpleAtoi(page->from, &from)) {
    return Refused(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID",
                   "page_token is not one of this list");
  }
  v1::ListSuppressedLinksResponse response;
  for (const auto& [number, stopped] : SuppressedOf(draft, book)) {
    if (number > from) continue;
    if (static_cast<size_t>(response.suppressed_links_size()) == page->size) {
      response.set_next_page_token(PageToken(list, Cat(number)));
      break;
    }
    *response.add_suppressed_links() = Shown(stopped, pool);
  }
  return Answer(response);
}

bool Contains(const google::protobuf::RepeatedPtrField<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// A command names members, a touch identifiers.
bool IsOfPair(const v1::LinkSuppressed& stopped, const v1::DescribePairRequest& pair) {
  const std::string& a = stopped.evidence().first().hmac();
  const std::string& b = stopped.evidence().second().hmac();
  if (a.empty() || b.empty()) return Contains(pair.other_members(), stopped.other_member());
  return (a == pair.first_hmac() && b == pair.second_hmac()) ||
         (a == pair.second_hmac() && b == pair.first_hmac());
}

shard::Reply DescribePair(const Draft& draft, const MemberBook& book, const std::string& pool,
                          const v1::DescribePairRequest& pair) {
  v1::PairDescription told;
  told.set_parent(book.root().parent());
  told.add_names(book.id());
  for (const v1::AbsorbedMember& name : book.Names()) told.add_names(name.member());
  const Shower shower(book);
  if (book.is_root() && book.HasFragment(pair.first_fragment()) &&
      book.HasFragment(pair.second_fragment())) {
    told.set_has_both(true);
    for (const v1::MemberEdge& edge :
         WayBetween(book.Edges(), pair.first_fragment(), pair.second_fragment())) {
      *told.add_links() = shower(edge);
    }
  }
  for (const auto& [number, stopped] : SuppressedOf(draft, book)) {
    if (told.suppressed_size() == kSuppressedShownMax) break;
    if (IsOfPair(stopped, pair)) *told.add_suppressed() = Shown(stopped, pool);
  }
  for (const v1::DoNotLink& kept : book.Pairs()) {
    if (!Contains(pair.other_members(), kept.other()) || kept.time_us() < told.split_us()) continue;
    told.set_split_id(kept.split_id());
    told.set_split_us(kept.time_us());
  }
  for (const auto& revoked : draft.All<v1::RevokedEdge>(kRevokedPrefix)) {
    if (told.split_id().empty() || revoked.split_id() != told.split_id()) continue;
    if (told.revoked_size() == kRevokedShownMax) break;
    *told.add_revoked() = shower(revoked.edge());
  }
  return Answer(told);
}

shard::Reply DescribeAnchor(const Draft& draft, const v1::DescribeAnchorRequest& request) {
  v1::AnchorDescription told;
  const auto anchor = draft.Read<v1::IdentifierState>(kAnchorSub);
  if (anchor.has_value()) *told.mutable_anchor() = *anchor;
  const auto peer = draft.Read<v1::KnownPeer>(Cat(kPeerPrefix, request.peer_key()));
  if (peer.has_value()) *told.mutable_peer() = *peer;
  return Answer(told);
}

// Calls `answer` with the request.
template <typename Request, typename Answerer>
shard::Reply With(const shard::Input& input, Answerer&& answer) {
  Request request;
  if (!request.ParseFromString(input.payload)) {
    return Refused(absl::StatusCode::kInvalidArgument, "PAYLOAD_MALFORMED",
                   "the request does not parse");
  }
  return answer(request);
}

}  // namespace

bool IsLinkQuery(std::string_view type) {
  return type == kListMerges || type == kListLinks || type == kListSuppressedLinks ||
         type == kDescribeAnchor || type == kDescribePair;
}

shard::Reply AnswerLinkQuery(const shard::EntityState& state, const shard::Input& input) {
  Draft draft(state);
  if (input.type == kDescribeAnchor) {
    return With<v1::DescribeAnchorRequest>(
        input, [&](const auto& request) { return DescribeAnchor(draft, request); });
  }
  const MemberBook book(&draft, input.entity);
  const bool lists_root = input.type == kListMerges || input.type == kListLinks;
  if (auto refused = NotThere(state, book, !lists_root)) return *std::move(refused);
  if (input.type == kListMerges) {
    return With<v1::ListMergesRequest>(
        input, [&](const auto& request) { return ListMerges(book, input.pool, request); });
  }
  if (input.type == kListLinks) {
    return With<v1::ListLinksRequest>(
        input, [&](const auto& request) { return ListLinks(book, input.pool, request); });
  }
  if (input.type == kListSuppressedLinks) {
    return With<v1::ListSuppressedLinksRequest>(input, [&](const auto& request) {
      return ListSuppressed(draft, book, input.pool, request);
    });
  }
  return With<v1::DescribePairRequest>(
      input, [&](const auto& request) { return DescribePair(draft, book, input.pool, request); });
}

std::vector<v1::Merge> MergesOf(const MemberBook& book, std::string_view pool) {
  std::vector<v1::Merge> merges;
  for (const v1::AbsorbedMember& name : book.Names()) {
    v1::Merge& merge = merges.emplace_back();
    merge.set_name(Cat(MemberName(pool, book.id()), "/merges/", name.merge_id()));
    merge.set_absorbed(MemberName(pool, name.member()));
    merge.set_absorbed_by(MemberName(pool, name.absorbed_by()));
    SetTime(name.time_us(), merge.mutable_merge_time());
    merge.set_settled(name.settled());
    *merge.mutable_awaited_services() = name.awaited_services();
  }
  std::sort(merges.begin(), merges.end(),
            [](const auto& a, const auto& b) { return PlaceOf(a) > PlaceOf(b); });
  return merges;
}

}  // namespace regulars::identity
