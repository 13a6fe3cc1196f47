#include "services/identity/simulate/history.h"

#include <algorithm>
#include <tuple>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/model/identifier.h"
#include "services/identity/kernel/ids.h"
#include "services/identity/kernel/link_rules.h"
#include "services/identity/kernel/member.h"
#include "services/identity/kernel/member_book.h"
#include "services/identity/kernel/resolve.h"

namespace regulars::identity::simulate {
namespace {

constexpr std::string_view kPeers = "peer/";
constexpr std::string_view kPrefixes[] = {kPeers,         kFragmentPrefix,   kEdgePrefix,
                                          kRevokedPrefix, kSuppressedPrefix, kDoNotLinkPrefix};
constexpr size_t kNone = static_cast<size_t>(-1);
// Above it the birth of a member is that of a part of a split (BirthOrder::part).
constexpr int64_t kPartOfInputMax = 1;

std::pair<std::string, std::string> Sorted(std::string a, std::string b) {
  if (b < a) std::swap(a, b);
  return {std::move(a), std::move(b)};
}

template <typename Message>
absl::Status Parse(std::string_view value, Message* message) {
  if (message->ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return absl::OkStatus();
  }
  return absl::DataLossError("a state of identity does not parse");
}

template <typename Message>
absl::Status ParseInto(std::string_view value, std::vector<Message>* all) {
  return Parse(value, &all->emplace_back());
}

// Of the class that counts: the fragment's identifier as it was proved.
bool IsWeakFragment(const v1::MemberFragment& fragment) { return IsWeak(fragment.identifier()); }

std::string KeyOf(const v1::MemberFragment& fragment) {
  return model::IdentifierKey(fragment.identifier().hmac());
}

bool Asked(const StopAsked& stop) { return stop && stop(); }

}  // namespace

bool HistoryReader::Reads(std::string_view sub) {
  if (sub == kAnchorSub || sub == kMemberSub) return true;
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                     [&](std::string_view prefix) { return sub.starts_with(prefix); });
}

absl::Status HistoryReader::Add(std::string_view entity, std::string_view sub,
                                std::string_view value) {
  bytes_ += entity.size() + sub.size() + value.size();
  if (bytes_ > bytes_max_) {
    return DomainError(absl::StatusCode::kFailedPrecondition, "HISTORY_TOO_LARGE",
                       Cat("the history of the pool is larger than ", bytes_max_, " bytes"));
  }
  if (sub == kAnchorSub || sub.starts_with(kPeers)) return AddIdentifier(entity, sub, value);
  return AddMember(entity, sub, value);
}

absl::Status HistoryReader::AddIdentifier(std::string_view entity, std::string_view sub,
                                          std::string_view value) {
  const std::string key(entity);
  if (sub == kAnchorSub) {
    v1::IdentifierState anchor;
    REGULARS_RETURN_IF_ERROR(Parse(value, &anchor));
    const Doubt doubt{anchor.contested_count(), anchor.deny_size() > 0};
    if (doubt.contested > 0 || doubt.denies) doubted_[key] = doubt;
    return absl::OkStatus();
  }
  v1::KnownPeer peer;
  REGULARS_RETURN_IF_ERROR(Parse(value, &peer));
  if (!peer.claimed() && !peer.stopped()) return absl::OkStatus();  // a hint
  const std::string other(sub.substr(kPeers.size()));
  Named named;
  named.pivot_key = peer.was_pivot() || peer.stopped() ? key : other;
  named.touch_id = peer.touch_id();
  named.occurred_us = peer.occurred_us();
  named.at_us = std::max(peer.seen_us(), peer.occurred_us());
  named.pivot_contested = peer.stopped();
  const auto [it, added] = named_.try_emplace(Sorted(key, other), named);
  // Both ends tell of it; the claimed one heard of it later, which is when it mattered.
  if (!added && it->second.at_us < named.at_us) it->second.at_us = named.at_us;
  if (!added && peer.was_pivot()) it->second.pivot_key = key;
  return absl::OkStatus();
}

absl::Status HistoryReader::AddMember(std::string_view entity, std::string_view sub,
                                      std::string_view value) {
  if (sub == kMemberSub) return Parse(value, &members_[std::string(entity)]);
  if (sub.starts_with(kFragmentPrefix)) {
    held_.push_back({std::string(entity), {}});
    return Parse(value, &held_.back().fragment);
  }
  if (sub.starts_with(kEdgePrefix)) return ParseInto(value, &edges_);
  if (sub.starts_with(kDoNotLinkPrefix)) return ParseInto(value, &apart_);
  if (sub.starts_with(kRevokedPrefix)) {
    v1::RevokedEdge revoked;
    REGULARS_RETURN_IF_ERROR(Parse(value, &revoked));
    revoked_.push_back(std::move(*revoked.mutable_edge()));
    return absl::OkStatus();
  }
  v1::LinkSuppressed suppressed;
  REGULARS_RETURN_IF_ERROR(Parse(value, &suppressed));
  const v1::Evidence& why = suppressed.evidence();
  if (why.second().hmac().empty()) return absl::OkStatus();  // a person's word
  const std::string pivot = model::IdentifierKey(why.first().hmac());
  const Stop stop{pivot, why.touch_id(), suppressed.rule(), why.occurred_us(),
                  suppressed.time_us()};
  const auto [it, added] =
      stopped_.try_emplace(Sorted(pivot, model::IdentifierKey(why.second().hmac())), stop);
  if (!added && stop.at_us < it->second.at_us) it->second = stop;
  return absl::OkStatus();
}

History HistoryReader::Finish(int64_t contested_max, const StopAsked& stop) {
  History history;
  TakeFragments(&history, stop);
  TakeEdges(&history, stop);
  TakeStopped(&history, contested_max, stop);
  for (const v1::DoNotLink& pair : apart_) {
    const auto own = members_.find(pair.own()), other = members_.find(pair.other());
    if (own == members_.end() || other == members_.end()) continue;
    const size_t a = IndexOf(own->second.fragment_id()), b = IndexOf(other->second.fragment_id());
    if (a != kNone && b != kNone) history.apart.emplace_back(std::min(a, b), std::max(a, b));
  }
  std::sort(history.apart.begin(), history.apart.end());
  history.apart.erase(std::unique(history.apart.begin(), history.apart.end()), history.apart.end());
  PutInOrder(&history, stop);
  return history;
}

void HistoryReader::PutInOrder(History* history, const StopAsked& stop) {
  std::vector<Decision>& all = history->decisions;
  const auto by_time = [](const Decision& d) {
    return std::make_tuple(d.at_us, d.past, d.occurred_us, d.first, d.second);
  };
  std::sort(all.begin(), all.end(),
            [&](const Decision& a, const Decision& b) { return by_time(a) < by_time(b); });
  // One touch's, decided at once: what nobody had first, then in the order of its identifiers.
  const auto by_place = [&](const Decision& d) {
    const v1::MemberFragment& second = history->fragments[d.second];
    const types::v1::Identifier& id = second.identifier();
    const bool was_somebodys = history->began[d.second] || second.added_us() != d.at_us;
    // Links of one touch race; what happened is the only order they have.
    const int place = d.past == Past::kLeft ? 0 : was_somebodys ? 2 : 1;
    return std::make_tuple(place, was_somebodys ? d.past : Past::kJoined,
                           static_cast<int>(id.class_()), std::string_view(id.type()),
                           std::string_view(id.scope()), std::string_view(id.hmac()), d.first);
  };
  for (auto begin = all.begin(); begin != all.end() && !Asked(stop);) {
    const auto end =
        std::find_if(begin, all.end(), [&](const Decision& d) { return d.at_us != begin->at_us; });
    if (std::all_of(begin, end, [&](const Decision& d) { return d.touch_id == begin->touch_id; })) {
      std::sort(begin, end,
                [&](const Decision& a, const Decision& b) { return by_place(a) < by_place(b); });
    }
    begin = end;
  }
}

size_t HistoryReader::IndexOf(const std::string& fragment) const {
  const auto it = index_.find(fragment);
  return it == index_.end() ? kNone : it->second;
}

size_t HistoryReader::FragmentOf(const std::string& key) const {
  const auto it = current_.find(key);
  return it == current_.end() ? kNone : it->second;
}

HistoryReader::Keys HistoryReader::KeysOf(const History& history, size_t a, size_t b) const {
  return Sorted(KeyOf(history.fragments[a]), KeyOf(history.fragments[b]));
}

bool HistoryReader::WasExpelled(const std::string& member, const v1::MemberFragment& first) const {
  const std::string key = KeyOf(first);
  for (uint32_t epoch = 1; epoch <= first.link_epoch(); ++epoch) {
    if (MintMemberId({pool_, key, epoch, first.fragment_id()}) == member) return true;
  }
  return false;
}

void HistoryReader::TakeFragments(History* history, const StopAsked& stop) {
  // An absorbed member keeps fragments until their identifiers were told; they are the root's.
  std::erase_if(held_, [&](const Held& held) {
    const auto it = members_.find(held.member);
    return it == members_.end() || !it->second.parent().empty();
  });
  for (const auto& [member, root] : members_) {
    if (Asked(stop)) return;
    if (!root.parent().empty() || root.fragment_count() > 0) continue;
    for (const v1::MemberIdentifierState& known : root.identifiers()) {  // linking was off then
      Held& held = held_.emplace_back();
      held.member = member;
      held.fragment.set_fragment_id(known.fragment_id());
      *held.fragment.mutable_identifier() = known.identifier();
      held.fragment.set_added_us(root.birth().birth_us());
    }
  }
  std::sort(held_.begin(), held_.end(), [](const Held& a, const Held& b) {
    return a.fragment.fragment_id() < b.fragment.fragment_id();
  });
  for (Held& held : held_) {
    if (Asked(stop)) return;
    const size_t index = history->fragments.size();
    if (held.fragment.detached()) {
      history->decisions.push_back(
          {index, index, held.fragment.detached_us(), Past::kLeft, "", "", 0});
    }
    index_[held.fragment.fragment_id()] = index;
    const auto [it, added] = current_.try_emplace(KeyOf(held.fragment), index);
    const v1::MemberFragment* other = added ? nullptr : &history->fragments[it->second];
    if (other != nullptr && other->anchor_epoch() < held.fragment.anchor_epoch()) {
      it->second = index;
    }
    history->fragments.push_back(std::move(held.fragment));
    history->held_by.push_back(std::move(held.member));
  }
  held_.clear();
  history->began.assign(history->fragments.size(), false);
  for (const v1::MemberFragment& fragment : history->fragments) {
    v1::BirthOrder& birth = history->births.emplace_back();
    birth.set_birth_us(fragment.added_us());
    birth.set_part(kPartOfInputMax);
  }
  for (const auto& [member, root] : members_) {
    if (Asked(stop)) return;
    const size_t first = IndexOf(root.fragment_id());
    if (first == kNone) continue;
    if (root.has_birth()) history->births[first] = root.birth();
    const bool by_split = root.birth().part() > kPartOfInputMax;
    if (by_split || !WasExpelled(member, history->fragments[first])) history->began[first] = true;
  }
}

void HistoryReader::TakeEdges(History* history, const StopAsked& stop) {
  for (const v1::MemberEdge& edge : revoked_) {
    const size_t a = IndexOf(edge.first_fragment()), b = IndexOf(edge.second_fragment());
    if (a != kNone && b != kNone) covered_[KeysOf(*history, a, b)] = true;
  }
  for (const v1::MemberEdge& edge : edges_) {
    if (Asked(stop)) return;
    size_t a = IndexOf(edge.first_fragment()), b = IndexOf(edge.second_fragment());
    if (a == kNone || b == kNone) continue;
    const Keys keys = KeysOf(*history, a, b);
    covered_[keys] = true;
    const auto named = named_.find(keys);
    if (named != named_.end() && named->second.pivot_key == KeyOf(history->fragments[b])) {
      std::swap(a, b);
    }
    const bool command = edge.rule_version() == "command";
    history->decisions.push_back({a, b, std::max(edge.decided_us(), edge.occurred_us()),
                                  command ? Past::kCommand : Past::kJoined, "", edge.touch_id(),
                                  edge.occurred_us()});
  }
}

void HistoryReader::TakeStopped(History* history, int64_t contested_max, const StopAsked& stop) {
  const auto lost_trust = [&](const std::string& key) {
    const auto it = doubted_.find(key);
    return it != doubted_.end() && it->second.contested >= contested_max;
  };
  const auto denies = [&](const std::string& key) {
    const auto it = doubted_.find(key);
    return it != doubted_.end() && it->second.denies;
  };
  const auto add = [&](const Keys& keys, const std::string& pivot_key, Decision decision) {
    const std::string& other_key = keys.first == pivot_key ? keys.second : keys.first;
    decision.first = FragmentOf(pivot_key);
    decision.second = FragmentOf(other_key);
    if (decision.first == kNone || decision.second == kNone || covered_.contains(keys)) return;
    const v1::MemberFragment& second = history->fragments[decision.second];
    const v1::MemberFragment& first = history->fragments[decision.first];
    // A weak identifier joins nobody; all that can be stopped is that a member takes it in.
    if (IsWeakFragment(first) || (IsWeakFragment(second) && decision.past != Past::kStopped)) {
      return;
    }
    // It was named with somebody who has the identifier no longer.
    const bool recycled = first.anchor_epoch() + second.anchor_epoch() > 0;
    if (recycled && decision.at_us < std::max(first.added_us(), second.added_us())) return;
    history->decisions.push_back(std::move(decision));
  };
  for (const auto& [keys, named] : named_) {
    if (Asked(stop)) return;
    if (stopped_.contains(keys)) continue;
    Decision decision{0, 0, named.at_us, Past::kUnknown, "", named.touch_id, named.occurred_us};
    if (named.pivot_contested || lost_trust(keys.first) || lost_trust(keys.second)) {
      decision.past = Past::kContested;
    } else if (denies(keys.first) || denies(keys.second)) {
      decision.past = Past::kDenied;
    }
    add(keys, named.pivot_key, std::move(decision));
  }
  for (const auto& [keys, at] : stopped_) {
    add(keys, at.pivot_key, {0, 0, at.at_us, Past::kStopped, at.rule, at.touch_id, at.occurred_us});
  }
}

}  // namespace regulars::identity::simulate
