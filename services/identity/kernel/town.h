// For tests: identifiers and members of one pool, each with its own state, and the messages between
// them in one queue. Texts stand for identifiers: "card:ann", "phone:1" (proved), "phone:1?" (not
// proved), "device:d" (weak), "order:A1" (object).
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_TOWN_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_TOWN_H_

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "services/identity/kernel/link_commands.h"
#include "services/identity/kernel/link_kernel.h"
#include "services/identity/kernel/map_state.h"
#include "services/identity/kernel/member.h"
#include "services/identity/kernel/objects.h"

namespace regulars::identity {

inline types::v1::Identifier IdOf(std::string text) {
  types::v1::Identifier id;
  const bool hint = text.back() == '?';
  if (hint) text.pop_back();
  const std::string type = text.substr(0, text.find(':'));
  id.set_type(type);
  id.set_hmac((model::HashedId({text}) + std::string(32, '.')).substr(0, 32));
  id.set_class_(type == "card"     ? types::v1::IDENTIFIER_CLASS_UNIQUE
                : type == "device" ? types::v1::IDENTIFIER_CLASS_WEAK
                : type == "order"  ? types::v1::IDENTIFIER_CLASS_OBJECT
                : type == "shop"   ? types::v1::IDENTIFIER_CLASS_BLOCKED
                                   : types::v1::IDENTIFIER_CLASS_STRONG);
  id.set_verified(!hint && (type == "phone" || type == "email" || type == "openid"));
  return id;
}

inline std::string KeyOf(const std::string& text) {
  return model::IdentifierKey(IdOf(text).hmac());
}

class Town {
 public:
  Town() { rules.enabled = true; }

  LinkRules rules;
  Micros now_us = 1000 * kMicrosPerDay;
  bool hold = false;  // messages stay in the queue
  std::deque<std::pair<std::string, v1::LinkMessage>> queue;
  std::map<std::string, MapState> states;
  std::map<std::string, int> sent;             // by kind of message
  std::vector<v1::LinkSuppressed> suppressed;  // each is published per member
  std::vector<v1::MergeCommitted> merges;      // the loser's copies
  std::vector<v1::SplitCommitted> splits;      // copies of the member that was split
  std::vector<std::string> resolved;           // members of the object touches
  std::map<std::string, int64_t> sums;
  int64_t claims = 0;

  // A touch that names these identifiers, the first is the pivot: what its pivot made of it.
  std::string Touch(const std::string& names) {
    std::istringstream words(names);
    std::vector<std::string> ids;
    for (std::string word; words >> word;) ids.push_back(word);
    TouchFacts touch;
    touch.pool = "tea";
    touch.pivot = IdOf(ids.front());
    touch.pivot_key = KeyOf(ids.front());
    touch.touch_id = model::HashedId({"touch", Cat(++touches_)});
    touch.occurred_us = now_us;
    touch.partition = 0;
    touch.offset = ++offset_;
    for (size_t i = 1; i < ids.size(); ++i) {
      touch.others.push_back(IdOf(ids[i]));
      if (ids[i].rfind("order:", 0) == 0) {
        touch.object = IdOf(ids[i]);
        touch.fact = {OrderKey("till", ids[i]), 100, "CNY", false};
      }
    }
    facts_[touch.touch_id] = touch;
    v1::ObjectTouch travelling;
    travelling.mutable_touch()->set_touch_id(touch.touch_id);
    TouchDecision decision;
    At(touch.pivot_key, [&](Step* step) {
      decision = ObserveTouch(step, touch, TouchRules(), travelling);
      if (decision.minted || decision.outcome == TouchOutcome::kNewMember) Bear(decision.anchor);
      return LinkOutcome::kResolved;
    });
    if (!hold) Deliver();
    return std::string(OutcomeLabel(decision.outcome));
  }

  void Deliver() {
    while (!queue.empty()) DeliverNext();
  }
  LinkOutcome DeliverNext() {
    auto [entity, message] = std::move(queue.front());
    queue.pop_front();
    return DeliverOne(entity, message);
  }
  LinkOutcome DeliverOne(const std::string& entity, const v1::LinkMessage& message) {
    return At(entity, [&](Step* step) {
      if (message.has_object_touch()) {
        return Note(OnObjectTouch(step, FactsOf(message.object_touch()), TouchRules(),
                                  message.object_touch()));
      }
      if (message.has_touch_returned()) {
        const ObjectDecision decision =
            OnTouchReturned(step, FactsOf(message.touch_returned()), message.touch_returned());
        if (decision.is_new_member) Bear(decision.anchor);
        return decision.outcome;
      }
      if (message.has_resolve_through()) {
        return Note(OnResolveThrough(step, message.resolve_through()));
      }
      return ApplyLink(step, message);
    });
  }

  // The root of the member that an identifier names; "" if it names nobody.
  std::string Root(const std::string& name) const {
    const auto state = states.find(KeyOf(name));
    if (state == states.end()) return "";
    const auto anchor = ReadAnchor(state->second);
    if (!anchor.has_value()) return "";
    std::string member = anchor->member();
    for (;;) {
      const std::string parent = ReadMember(states.at(member))->parent();
      if (parent.empty()) return member;
      member = parent;
    }
  }
  bool Same(const std::string& a, const std::string& b) const { return Root(a) == Root(b); }
  v1::IdentifierState Anchor(const std::string& name) const {
    v1::IdentifierState anchor;
    anchor.ParseFromString(states.at(KeyOf(name)).Get(kAnchorSub).value_or(""));
    return anchor;
  }

  CommandResult Merge(const std::string& a, const std::string& b, const std::string& operation,
                      bool dry_run = false, bool override_it = false) {
    v1::MergeMembersCommand command;
    *command.mutable_other() = SummarizeMember(states[b], b);
    command.set_other_member(b);
    command.set_operation_id(operation);
    command.set_dry_run(dry_run);
    command.set_override_do_not_link(override_it);
    return Command(a, [&](Step* step) { return MergeMembers(step, command); });
  }
  CommandResult Split(const std::string& member, const std::vector<std::string>& names,
                      const std::string& operation, bool dry_run = false) {
    v1::SplitMemberCommand command;
    for (const std::string& name : names) command.add_identifier_hmacs(IdOf(name).hmac());
    command.set_operation_id(operation);
    command.set_dry_run(dry_run);
    return Command(member, [&](Step* step) { return SplitMember(step, command); });
  }
  CommandResult Undo(const std::string& member, const std::string& merge_id,
                     const std::string& operation) {
    v1::UndoMergeCommand command;
    command.set_merge_id(merge_id);
    command.set_operation_id(operation);
    return Command(member, [&](Step* step) { return UndoMerge(step, command); });
  }
  std::string Dump() const {
    std::string text;
    for (const auto& [entity, state] : states) text += entity + "\n" + state.Dump();
    return text;
  }

 private:
  template <typename Handler>
  LinkOutcome At(const std::string& entity, Handler handler) {
    shard::Effects effects;
    MapState& state = states[entity];
    Step step(state, {"tea", entity, Cat(++offset_), now_us, 0, offset_}, &rules, &effects);
    const LinkOutcome outcome = handler(&step);
    step.Finish(outcome);
    Take(entity, std::move(effects));
    return outcome;
  }
  template <typename Handler>
  CommandResult Command(const std::string& entity, Handler handler) {
    shard::Effects effects;
    Step step(states[entity], {"tea", entity, Cat(++offset_), now_us, 0, offset_}, &rules,
              &effects);
    CommandResult result = handler(&step);
    if (result.outcome == CommandOutcome::kDone) step.Finish(LinkOutcome::kRecorded);
    Take(entity, std::move(effects));
    if (!hold) Deliver();
    return result;
  }
  void Take(const std::string& entity, shard::Effects effects) {
    states[entity].Apply(effects);
    EXPECT_EQ(CheckMember(states[entity]), "");
    for (const shard::AddSum& sum : effects.sums) sums[sum.name] += sum.delta;
    for (const shard::Publish& publish : effects.publishes) {
      if (publish.type == events::kLinkMessage) {
        v1::LinkMessage message;
        message.ParseFromString(publish.payload);
        ++sent[KindOf(message)];
        queue.emplace_back(publish.entity, std::move(message));
      } else if (publish.type == events::kLinkSuppressed) {
        suppressed.emplace_back().ParseFromString(publish.payload);
      } else if (publish.type == events::kMergeCommitted) {
        v1::MergeCommitted merged;
        merged.ParseFromString(publish.payload);
        if (publish.entity == merged.loser()) merges.push_back(merged);
      } else if (publish.type == events::kSplitCommitted) {
        v1::SplitCommitted split;
        split.ParseFromString(publish.payload);
        if (publish.entity == split.member()) splits.push_back(split);
      }
    }
  }
  static std::string KindOf(const v1::LinkMessage& message) {
    const auto* oneof = message.GetDescriptor()->oneof_decl(0);
    return std::string(message.GetReflection()->GetOneofFieldDescriptor(message, oneof)->name());
  }
  void Bear(const v1::IdentifierState& anchor) {
    v1::IdentifierAnchored anchored;
    anchored.set_member(anchor.member());
    anchored.set_fragment_id(anchor.fragment_id());
    *anchored.mutable_birth() = anchor.birth();
    *anchored.mutable_identifier() = anchor.identifier();
    anchored.set_anchor_epoch(anchor.anchor_epoch());
    births.emplace_back(anchor.member(), anchored);
    if (!hold) BearAll();
  }
  LinkOutcome Note(const ObjectDecision& decision) {
    if (decision.outcome == LinkOutcome::kResolved) resolved.push_back(decision.anchor.member());
    return decision.outcome;
  }
  const TouchFacts& FactsOf(const v1::ObjectTouch& message) {
    return facts_.at(message.touch().touch_id());
  }

 public:
  std::deque<std::pair<std::string, v1::IdentifierAnchored>> births;
  void BearAll() {
    while (!births.empty()) {
      const auto [member, anchored] = births.front();
      births.pop_front();
      At(member, [&](Step* step) { return OnBorn(step, anchored); });
    }
  }

 private:
  std::map<std::string, TouchFacts> facts_;
  int64_t touches_ = 0;
  int64_t offset_ = 0;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_TOWN_H_
