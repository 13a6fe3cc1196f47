#include "services/identity/kernel/member_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "libs/base/text.h"
#include "services/identity/kernel/link_rules.h"
#include "services/identity/kernel/member.h"

namespace regulars::identity {
namespace {

std::string Numbered(std::string_view prefix, uint32_t number) {
  return Cat(prefix, absl::StrFormat("%010u", number));
}

std::string PairKey(const v1::DoNotLink& pair) {
  return Cat(kDoNotLinkPrefix, pair.own(), "/", pair.other());
}

v1::Whereabouts At(std::string_view member, uint32_t link_epoch) {
  v1::Whereabouts at;
  at.set_member(std::string(member));
  at.set_link_epoch(link_epoch);
  return at;
}

}  // namespace

v1::MemberEdge MakeEdge(std::string_view a, std::string_view b) {
  v1::MemberEdge edge;
  edge.set_first_fragment(std::string(std::min(a, b)));
  edge.set_second_fragment(std::string(std::max(a, b)));
  return edge;
}

std::string EdgeKey(std::string_view prefix, const v1::MemberEdge& edge) {
  return Cat(prefix, edge.first_fragment(), "/", edge.second_fragment());
}

MemberBook::MemberBook(Draft* state, std::string_view member) : state_(*state), member_(member) {
  root_ = state_.Read<v1::MemberState>(kMemberSub).value_or(v1::MemberState());
  if (!is_root() || root_.fragment_count() > 0) return;
  // Linking was off until now: every identifier has a member of its own.
  for (const v1::MemberIdentifierState& known : root_.identifiers()) {
    v1::MemberFragment fragment;
    fragment.set_fragment_id(known.fragment_id());
    *fragment.mutable_identifier() = known.identifier();
    fragment.set_home(member_);
    fragment.set_first_seen_us(known.first_seen_us());
    fragment.set_added_us(root_.birth().birth_us());
    state_.Write(Cat(kFragmentPrefix, fragment.fragment_id()), fragment);
    root_.set_fragment_count(root_.fragment_count() + 1);
  }
}

bool MemberBook::HasFragment(std::string_view fragment) const {
  return state_.Has(Cat(kFragmentPrefix, fragment));
}

std::optional<v1::MemberFragment> MemberBook::Fragment(std::string_view fragment) const {
  return state_.Read<v1::MemberFragment>(Cat(kFragmentPrefix, fragment));
}

std::vector<v1::MemberFragment> MemberBook::Fragments() const {
  return state_.All<v1::MemberFragment>(kFragmentPrefix);
}

void MemberBook::AddFragment(const v1::MemberFragment& fragment) {
  if (!HasFragment(fragment.fragment_id())) root_.set_fragment_count(root_.fragment_count() + 1);
  state_.Write(Cat(kFragmentPrefix, fragment.fragment_id()), fragment);
  const std::string moved = Cat(kMovedPrefix, fragment.fragment_id());
  if (state_.Has(moved)) state_.Delete(moved);
  root_.set_identifier_count(root_.fragment_count());
  if (static_cast<size_t>(root_.identifiers_size()) >= kIdentifiersListedMax) return;
  v1::MemberIdentifierState* listed = root_.add_identifiers();
  *listed->mutable_identifier() = fragment.identifier();
  listed->set_fragment_id(fragment.fragment_id());
  listed->set_first_seen_us(fragment.first_seen_us());
}

void MemberBook::UpdateFragment(const v1::MemberFragment& fragment) {
  state_.Write(Cat(kFragmentPrefix, fragment.fragment_id()), fragment);
}

void MemberBook::RemoveFragment(const v1::MemberFragment& fragment) {
  state_.Delete(Cat(kFragmentPrefix, fragment.fragment_id()));
  root_.set_fragment_count(root_.fragment_count() - 1);
  root_.set_identifier_count(root_.fragment_count());
  for (int i = 0; i < root_.identifiers_size(); ++i) {
    if (root_.identifiers(i).fragment_id() != fragment.fragment_id()) continue;
    root_.mutable_identifiers()->DeleteSubrange(i, 1);
    return;
  }
}

std::vector<v1::MemberEdge> MemberBook::Edges() const {
  return state_.All<v1::MemberEdge>(kEdgePrefix);
}

bool MemberBook::AddEdge(const v1::MemberEdge& edge) {
  const std::string key = EdgeKey(kEdgePrefix, edge);
  if (edge.first_fragment() == edge.second_fragment() || state_.Has(key)) return false;
  if (static_cast<int64_t>(root_.edge_count()) >= kEdgesMax) return false;
  state_.Write(key, edge);
  root_.set_edge_count(root_.edge_count() + 1);
  return true;
}

void MemberBook::RemoveEdge(const v1::MemberEdge& edge) {
  state_.Delete(EdgeKey(kEdgePrefix, edge));
  root_.set_edge_count(root_.edge_count() - 1);
}

bool MemberBook::HasName(std::string_view member) const {
  return member == member_ || state_.Has(Cat(kNamePrefix, member));
}

std::vector<v1::AbsorbedMember> MemberBook::Names() const {
  return state_.All<v1::AbsorbedMember>(kNamePrefix);
}

void MemberBook::AddName(const v1::AbsorbedMember& name) {
  state_.Write(Cat(kNamePrefix, name.member()), name);
  const std::string gone = Cat(kGonePrefix, name.member());
  if (state_.Has(gone)) state_.Delete(gone);
  root_.set_name_count(root_.name_count() + 1);
  root_.add_aliases(name.member());
}

void MemberBook::UpdateName(const v1::AbsorbedMember& name) {
  state_.Write(Cat(kNamePrefix, name.member()), name);
}

void MemberBook::RemoveName(std::string_view member) {
  state_.Delete(Cat(kNamePrefix, member));
  root_.set_name_count(root_.name_count() - 1);
  for (int i = 0; i < root_.aliases_size(); ++i) {
    if (root_.aliases(i) != member) continue;
    root_.mutable_aliases()->DeleteSubrange(i, 1);
    return;
  }
}

std::vector<v1::DoNotLink> MemberBook::Pairs() const {
  return state_.All<v1::DoNotLink>(kDoNotLinkPrefix);
}

void MemberBook::AddPair(const v1::DoNotLink& pair) {
  if (state_.Has(PairKey(pair))) return;
  state_.Write(PairKey(pair), pair);
  root_.set_do_not_link_count(root_.do_not_link_count() + 1);
}

void MemberBook::RemovePair(const v1::DoNotLink& pair) {
  if (!state_.Has(PairKey(pair))) return;
  state_.Delete(PairKey(pair));
  root_.set_do_not_link_count(root_.do_not_link_count() - 1);
}

std::optional<v1::Whereabouts> MemberBook::MovedTo(std::string_view fragment) const {
  return state_.Read<v1::Whereabouts>(Cat(kMovedPrefix, fragment));
}

std::optional<v1::Whereabouts> MemberBook::GoneTo(std::string_view member) const {
  return state_.Read<v1::Whereabouts>(Cat(kGonePrefix, member));
}

void MemberBook::SetMoved(std::string_view fragment, std::string_view member, uint32_t link_epoch) {
  state_.Write(Cat(kMovedPrefix, fragment), At(member, link_epoch));
}

void MemberBook::SetGone(std::string_view name, std::string_view member, uint32_t link_epoch) {
  state_.Write(Cat(kGonePrefix, name), At(member, link_epoch));
}

bool MemberBook::Defer(const v1::LinkMessage& message) {
  if (root_.deferred_count() >= kDeferredMax || message.ByteSizeLong() > kDeferredBytesMax) {
    return false;
  }
  state_.Write(Numbered(kDeferPrefix, root_.defer_next()), message);
  root_.set_defer_next(root_.defer_next() + 1);
  root_.set_deferred_count(root_.deferred_count() + 1);
  return true;
}

std::vector<v1::LinkMessage> MemberBook::TakeDeferred() {
  if (root_.deferred_count() == 0) return {};
  std::vector<v1::LinkMessage> waiting = state_.All<v1::LinkMessage>(kDeferPrefix);
  state_.DeleteAll(kDeferPrefix);
  root_.set_deferred_count(0);
  return waiting;
}

void MemberBook::AddSuppressed(const v1::LinkSuppressed& suppressed) {
  const uint32_t next = root_.suppressed_next();
  state_.Write(Numbered(kSuppressedPrefix, next % kSuppressedMax), suppressed);
  root_.set_suppressed_next(next + 1);
}

void MemberBook::ClearAfterMerge() {
  for (const std::string_view prefix : {kEdgePrefix, kNamePrefix, kDoNotLinkPrefix}) {
    state_.DeleteAll(prefix);
  }
  root_.set_edge_count(0);
  root_.set_name_count(0);
  root_.set_do_not_link_count(0);
  root_.set_identifier_count(0);
  root_.clear_identifiers();
  root_.clear_aliases();
}

void MemberBook::Save() { state_.Write(kMemberSub, root_); }

}  // namespace regulars::identity
