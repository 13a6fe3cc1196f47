#include "libs/handoff/protocol.h"

#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/events/types.h"

namespace regulars::handoff {
namespace {

std::string SplitMoveId(const Split& split, std::string_view member) {
  return Cat(split.split_id, "/", member);
}

}  // namespace

Protocol::Protocol(const shard::EntityState& state, const shard::Input& input)
    : entity_(input.entity), input_(input), keys_(state) {
  if (auto root = keys_.Load<v1::HandoffState>(kRootSub, "")) root_ = *std::move(root);
}

std::string_view Protocol::Take(const Inbound& inbound, Cargo* cargo) {
  if (const auto* merge = std::get_if<Merge>(&inbound)) return TakeMerge(*merge, cargo);
  if (const auto* split = std::get_if<Split>(&inbound)) return TakeSplit(*split, cargo);
  const auto& message = std::get<v1::HandoffMessage>(inbound);
  switch (message.body_case()) {
    case v1::HandoffMessage::kPage:
      return TakePage(message, cargo);
    case v1::HandoffMessage::kAcknowledgement:
      return TakeAcknowledgement(message, cargo);
    case v1::HandoffMessage::kShortcut:
      return TakeShortcut(message);
    default:
      break;
  }
  REGULARS_ASSERT(false, "a forwarded record is the service's to apply");
}

std::string_view Protocol::TakeMerge(const Merge& merge, Cargo* cargo) {
  if (merge.loser != entity_) return "merge_survivor";
  if (keys_.Has(kMovePrefix, merge.merge_id)) return "merge_again";
  keys_.Store(kMovePrefix, merge.merge_id, v1::AppliedMove());
  bool overtaken = false;  // a later split was heard of first
  bool any = false;
  for (v1::Whereabouts at : merge.fragments) {
    const auto known = keys_.Load<v1::Whereabouts>(kAtPrefix, at.fragment_id());
    if (known.has_value() && known->epoch() > at.epoch()) {
      overtaken = true;
      continue;
    }
    any = true;
    keys_.Store(kAtPrefix, at.fragment_id(), at);  // with this member, wherever that is
  }
  if (overtaken && !any) return "merge_undone";
  if (overtaken) LeaveWith(merge.survivor, merge.fragments);
  if (!overtaken) {
    v1::Redirect* redirect = root_.mutable_redirect();
    redirect->set_survivor(merge.survivor);
    redirect->set_merge_id(merge.merge_id);
    redirect->set_settled(false);
  }
  v1::Outgoing* move = root_.add_outgoing();
  move->set_move_id(merge.merge_id);
  move->set_kind(v1::MOVE_KIND_MERGE);
  move->set_to(merge.survivor);
  move->set_whole(!overtaken);
  Pump(cargo);
  return "merge";
}

std::string_view Protocol::TakeSplit(const Split& split, Cargo* cargo) {
  if (keys_.Has(kSplitPrefix, split.split_id)) return "split_again";
  v1::Revoked mark;
  mark.set_split_id(split.split_id);
  keys_.Store(kSplitPrefix, split.split_id, mark);
  const bool here = split.member == entity_;
  for (const SplitPart& part : split.parts) {
    if (part.member == entity_) {
      ComeHome(split, part);
    } else if (here) {
      SendPart(split, part);
    }
  }
  if (here) {
    for (const std::string& merge_id : split.merge_ids) {
      keys_.Store(kRevokedPrefix, merge_id, mark);
    }
  }
  Pump(cargo);
  return here ? "split" : "split_home";
}

void Protocol::SendPart(const Split& split, const SplitPart& part) {
  uint32_t epoch = 0;
  for (const v1::Whereabouts& at : part.fragments) epoch = std::max(epoch, at.epoch());
  for (v1::Whereabouts at : part.fragments) {
    const auto known = keys_.Load<v1::Whereabouts>(kAtPrefix, at.fragment_id());
    if (known.has_value() && known->epoch() > at.epoch()) continue;
    at.set_member(part.member);
    keys_.Store(kAtPrefix, at.fragment_id(), at);
  }
  // The member, and who came with it.
  std::map<std::string, v1::Name> names;
  keys_.ForEach(kNamePrefix, [&](const std::string& name, const std::string& bytes) {
    REGULARS_ASSERT(names[name].ParseFromString(bytes), "a name of the handoff does not parse");
  });
  names[part.member].set_via("");
  for (auto& [name, record] : names) {
    std::string ancestor = name;
    for (size_t steps = 0; ancestor != part.member && steps < names.size(); ++steps) {
      const auto next = names.find(ancestor);
      ancestor = next == names.end() ? "" : next->second.via();
    }
    if (ancestor != part.member) continue;
    record.set_gone_to(part.member);
    record.set_epoch(std::max(record.epoch(), epoch));
    keys_.Store(kNamePrefix, name, record);
  }
  v1::Outgoing* move = root_.add_outgoing();
  move->set_move_id(SplitMoveId(split, part.member));
  move->set_kind(v1::MOVE_KIND_SPLIT);
  move->set_to(part.member);
}

void Protocol::ComeHome(const Split& split, const SplitPart& part) {
  std::set<std::string> newer;
  for (const v1::Whereabouts& at : part.fragments) {
    const auto known = keys_.Load<v1::Whereabouts>(kAtPrefix, at.fragment_id());
    if (known.has_value() && known->epoch() >= at.epoch()) continue;
    newer.insert(at.fragment_id());
    keys_.Store(kAtPrefix, at.fragment_id(), at);
  }
  if (split.member == entity_) return;  // what stays needs no move
  const std::string move_id = SplitMoveId(split, entity_);
  const auto applied = keys_.Load<v1::AppliedMove>(kMovePrefix, move_id);
  if (!applied.has_value() || !applied->last()) Expect(move_id);
  if (!newer.empty() && root_.has_redirect()) Revive(newer);
}

void Protocol::Revive(const std::set<std::string>& home) {
  const std::string survivor = root_.redirect().survivor();
  std::vector<v1::Whereabouts> staying;
  ForEachFragment([&](const v1::Whereabouts& at) {
    if (at.member().empty() && !home.contains(at.fragment_id())) staying.push_back(at);
  });
  for (v1::Whereabouts& at : staying) {
    at.set_member(survivor);
    keys_.Store(kAtPrefix, at.fragment_id(), at);
  }
  for (v1::Outgoing& move : *root_.mutable_outgoing()) {
    if (move.move_id() == root_.redirect().merge_id()) move.set_whole(false);
  }
  root_.clear_redirect();
}

void Protocol::LeaveWith(const std::string& survivor,
                         const std::vector<v1::Whereabouts>& fragments) {
  for (const v1::Whereabouts& at : fragments) {
    auto known = keys_.Load<v1::Whereabouts>(kAtPrefix, at.fragment_id());
    if (!known.has_value() || known->epoch() > at.epoch()) continue;
    known->set_member(survivor);
    keys_.Store(kAtPrefix, at.fragment_id(), *known);
  }
}

void Protocol::ForEachFragment(const std::function<void(const v1::Whereabouts&)>& fn) const {
  keys_.ForEach(kAtPrefix, [&](const std::string&, const std::string& bytes) {
    v1::Whereabouts at;
    REGULARS_ASSERT(at.ParseFromString(bytes), "whereabouts do not parse");
    fn(at);
  });
}

void Protocol::Learn(const v1::HandoffMessage& message, Cargo* cargo) {
  std::set<std::string> newer;
  for (const v1::Whereabouts& news : message.news()) {
    const auto known = keys_.Load<v1::Whereabouts>(kAtPrefix, news.fragment_id());
    if (known.has_value() && known->epoch() >= news.epoch()) continue;
    newer.insert(news.fragment_id());
    v1::Whereabouts at = news;
    at.clear_member();
    keys_.Store(kAtPrefix, at.fragment_id(), at);
  }
  if (newer.empty() || !root_.has_redirect()) return;
  Revive(newer);
  Pump(cargo);
}

std::string_view Protocol::TakeShortcut(const v1::HandoffMessage& message) {
  if (!root_.redirect().settled() || message.from() == entity_ ||
      root_.forwarded() != message.shortcut().via_sequence()) {
    return "shortcut_late";
  }
  root_.mutable_redirect()->set_survivor(message.from());
  return "shortcut";
}

std::optional<std::string> Protocol::FragmentAt(std::string_view fragment) const {
  if (fragment.empty()) return std::nullopt;
  const auto at = keys_.Load<v1::Whereabouts>(kAtPrefix, fragment);
  if (!at.has_value() || at->member().empty() || at->member() == entity_) return std::nullopt;
  return at->member();
}

std::optional<std::string> Protocol::NameAt(std::string_view name) const {
  if (name.empty() || name == entity_) return std::nullopt;
  const auto record = keys_.Load<v1::Name>(kNamePrefix, name);
  if (!record.has_value() || record->gone_to().empty()) return std::nullopt;
  return record->gone_to();
}

std::optional<std::string> Protocol::Elsewhere(std::string_view fragment) const {
  if (auto member = FragmentAt(fragment)) return member;
  if (root_.has_redirect()) return survivor();
  return std::nullopt;
}

bool Protocol::Leaves(const v1::Outgoing& move, std::string_view fragment) const {
  return move.whole() || FragmentAt(fragment) == move.to();
}

bool Protocol::LeavesName(const v1::Outgoing& move, std::string_view name) const {
  return move.whole() || NameAt(name) == move.to();
}

bool Protocol::moving() const {
  return root_.outgoing_size() > 0 || root_.expected_size() > 0 ||
         (root_.has_redirect() && !root_.redirect().settled());
}

bool Protocol::expecting() const { return root_.expected_size() > 0; }

shard::Reply Protocol::Moving() {
  return {.code = absl::StatusCode::kUnavailable,
          .reason = std::string(kMemberMoving),
          .message = "a merge or split moves the member's state right now; nothing was changed",
          .payload = ""};
}

std::optional<shard::Reply> Protocol::Refuse(std::string_view name) const {
  if (moving()) return Moving();
  if (root_.has_redirect()) return AskSurvivor(survivor());
  if (name == entity_) return std::nullopt;
  const auto record = keys_.Load<v1::Name>(kNamePrefix, name);
  if (!record.has_value()) return Moving();
  if (!record->gone_to().empty()) return AskSurvivor(record->gone_to());
  return std::nullopt;
}

shard::Reply Protocol::AskSurvivor(std::string_view survivor) {
  shard::Reply reply{.code = absl::StatusCode::kFailedPrecondition,
                     .reason = std::string(kMemberMerged),
                     .message = Cat("the member is part of ", survivor),
                     .payload = ""};
  reply.survivor = std::string(survivor);
  return reply;
}

bool Protocol::SendOn(const std::string& to, std::string_view fragment,
                      const v1::HandoffMessage* message) {
  const bool by_alias = root_.has_redirect() && to == survivor();
  v1::HandoffMessage on = MessageTo(to);
  root_.set_forwarded(root_.forwarded() + 1);
  v1::ForwardedRecord* record = on.mutable_record();
  int64_t time_us = input_.time_us;
  if (message != nullptr) {
    on.set_hops(message->hops() + 1);
    *record = message->record();
    time_us = record->time_us();
    if (!by_alias) record->clear_via();
  } else {
    on.set_hops(1);
    record->set_type(input_.type);
    record->set_id(input_.id);
    record->set_payload(input_.payload);
    record->set_time_us(input_.time_us);
    if (by_alias) {
      record->set_via(entity_);
      record->set_via_sequence(root_.forwarded());
    }
  }
  if (on.hops() > kHopsMax) {
    dead_letter_ = {std::string(kHandoffHops), "a record passed too many aliases"};
    return false;
  }
  if (!by_alias) {
    if (auto at = keys_.Load<v1::Whereabouts>(kAtPrefix, fragment)) *on.add_news() = *at;
  }
  Send(on, Cat("record/", root_.forwarded()), time_us);
  return true;
}

void Protocol::Applied(const v1::HandoffMessage& message) {
  const v1::ForwardedRecord& record = message.record();
  if (message.hops() < 2 || record.via().empty() || record.via() == entity_) return;
  v1::HandoffMessage shortcut = MessageTo(record.via());
  shortcut.mutable_shortcut()->set_via_sequence(record.via_sequence());
  Send(shortcut, Cat(record.via(), "/", record.via_sequence(), "/shortcut"), input_.now_us);
}

v1::HandoffMessage Protocol::MessageTo(const std::string& to) const {
  v1::HandoffMessage message;
  message.set_to(to);
  message.set_from(entity_);
  return message;
}

void Protocol::Send(const v1::HandoffMessage& message, std::string id, int64_t time_us) {
  messages_.push_back({.kind = std::string(events::kHandoffKind),
                       .entity = message.to(),
                       .type = std::string(events::kHandoffMessage),
                       .id = Cat(entity_, "/", id),
                       .payload = message.SerializeAsString(),
                       .time_us = time_us});
}

void Protocol::Finish(shard::Effects* effects) {
  keys_.Store(kRootSub, "", root_);
  keys_.Finish(effects);
  for (shard::Publish& message : messages_) effects->publishes.push_back(std::move(message));
  messages_.clear();
  if (dead_letter_.has_value()) effects->dead_letter = dead_letter_;
}

}  // namespace regulars::handoff
