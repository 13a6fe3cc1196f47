// Where everything is: records, commands, what a cargo asks.
#include "libs/handoff/protocol.h"

#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/events/types.h"

namespace regulars::handoff {

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

void Protocol::Live(uint32_t life) {
  root_.set_life(std::max(root_.life(), life));
  if (!root_.has_redirect() || root_.life() < root_.ended()) return;
  for (v1::Outgoing& move : *root_.mutable_outgoing()) move.set_whole(false);
  root_.clear_redirect();
}

void Protocol::Learn(const v1::HandoffMessage& message, Cargo* cargo) {
  Live(message.life());
  Pump(cargo);
}

std::optional<std::string> Protocol::Elsewhere(std::string_view fragment,
                                               std::string_view name) const {
  const bool known = !fragment.empty() && keys_.Has(kAtPrefix, fragment);
  return known || name.empty() ? FragmentAt(fragment) : NameAt(name);
}

std::optional<std::string> Protocol::FragmentAt(std::string_view fragment) const {
  std::optional<v1::KnownFragment> at;
  if (!fragment.empty()) at = keys_.Load<v1::KnownFragment>(kAtPrefix, fragment);
  if (at.has_value() && !at->member().empty()) {
    // It left when this member became an alias: with that one, wherever that is.
    const bool along = at->ended() != 0 && at->ended() == root_.ended() && root_.has_redirect();
    return along ? survivor() : at->member();
  }
  if (at.has_value() && at->here() == 0 && !at->via().empty()) return NameAt(at->via());
  if (root_.has_redirect()) return survivor();
  return std::nullopt;
}

std::optional<std::string> Protocol::NameAt(std::string_view name) const {
  const auto known = keys_.Load<v1::Name>(kNamePrefix, name.empty() ? entity_ : name);
  if (known.has_value()) {
    const auto at = keys_.Load<v1::KnownFragment>(kAtPrefix, known->fragment_id());
    if (at.has_value() && !at->member().empty()) return FragmentAt(known->fragment_id());
  }
  if (root_.has_redirect()) return survivor();
  return std::nullopt;
}

v1::Whereabouts Protocol::LineOf(std::string_view fragment) const {
  v1::Whereabouts line;
  line.set_fragment_id(std::string(fragment));
  const auto at = keys_.Load<v1::KnownFragment>(kAtPrefix, fragment).value_or(v1::KnownFragment());
  if (!at.member().empty()) {
    line.set_epoch(at.number());
  } else if (at.here() > 0) {
    line.set_epoch(at.here() - 1);
  } else {
    line.set_unlisted(true);
    line.set_via(at.via().empty() ? entity_ : at.via());
  }
  return line;
}

bool Protocol::Leaves(const v1::Outgoing& move, std::string_view fragment) const {
  if (FragmentAt(fragment) != move.to()) return false;
  if (!fragment.empty()) leaving_.try_emplace(std::string(fragment), LineOf(fragment));
  return true;
}

bool Protocol::LeavesName(const v1::Outgoing& move, std::string_view name) const {
  if (NameAt(name) != move.to()) return false;
  if (const auto known = keys_.Load<v1::Name>(kNamePrefix, name.empty() ? entity_ : name)) {
    leaving_.try_emplace(known->fragment_id(), LineOf(known->fragment_id()));
  }
  return true;
}

void Protocol::ForEachFragment(
    const std::function<void(const std::string&, const v1::KnownFragment&)>& fn) const {
  keys_.ForEach(kAtPrefix, [&](const std::string& fragment, const std::string& bytes) {
    v1::KnownFragment at;
    REGULARS_ASSERT(at.ParseFromString(bytes), "a fragment of the handoff does not parse");
    fn(fragment, at);
  });
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
  if (!keys_.Has(kNamePrefix, name)) return Moving();
  if (const auto member = NameAt(name)) return AskSurvivor(*member);
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

bool Protocol::SendOn(const std::string& to, const v1::HandoffMessage* message) {
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
  Send(on, Cat("record/", root_.forwarded()), time_us);
  return true;
}

void Protocol::Applied(const v1::HandoffMessage& message, std::string_view fragment,
                       std::string_view member) {
  if (!fragment.empty() && !member.empty() && member != entity_ &&
      !keys_.Has(kAtPrefix, fragment)) {
    v1::KnownFragment at;
    at.set_via(std::string(member));
    keys_.Store(kAtPrefix, fragment, at);
  }
  const v1::ForwardedRecord& record = message.record();
  if (message.hops() < 2 || record.via().empty() || record.via() == entity_) return;
  v1::HandoffMessage shortcut = MessageTo(record.via());
  shortcut.mutable_shortcut()->set_via_sequence(record.via_sequence());
  Send(shortcut, Cat(record.via(), "/", record.via_sequence(), "/shortcut"), input_.now_us);
}

std::string_view Protocol::TakeShortcut(const v1::HandoffMessage& message) {
  if (!root_.redirect().settled() || message.from() == entity_ ||
      root_.forwarded() != message.shortcut().via_sequence()) {
    return "shortcut_late";
  }
  root_.mutable_redirect()->set_survivor(message.from());
  return "shortcut";
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
