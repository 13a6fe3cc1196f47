#include "services/segmentation/kernel/memberships.h"

#include <algorithm>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "regulars/segmentation/v1/segmentation_events.pb.h"

namespace regulars::segmentation {
namespace {

v1::SegmentState* MutableSegment(v1::SegmentationRoot* root, std::string_view segment) {
  auto* segments = root->mutable_segments();
  int at = 0;
  while (at < segments->size() && segments->Get(at).segment() < segment) ++at;
  if (at < segments->size() && segments->Get(at).segment() == segment) return segments->Mutable(at);
  segments->Add()->set_segment(std::string(segment));
  for (int i = segments->size() - 1; i > at; --i) segments->SwapElements(i, i - 1);
  return segments->Mutable(at);
}

bool BelongsInside(const Rules& rules, Micros now_us, const v1::SegmentationRoot& root,
                   std::string_view segment) {
  if (segment == kLapsed) {
    return root.purchases() > 0 && now_us >= LapseInstant(rules, root.last_purchase_us());
  }
  return root.purchases() >= rules.repeat_purchases_min;
}

std::string ReasonText(const Rules& rules, const Trigger& trigger, std::string_view segment,
                       bool entered, const v1::SegmentationRoot& root) {
  if (trigger.cause == Cause::kMerged) return Cat("the member is part of ", root.survivor());
  const std::string after = trigger.cause == Cause::kRefund ? " after a refund"
                            : trigger.cause == Cause::kMove ? " after a merge or split"
                                                            : "";
  if (entered) return Cat(RuleText(rules, segment), after);
  if (segment == kRepeatBuyer) {
    return Cat("fewer than ", rules.repeat_purchases_min, " purchases", after);
  }
  if (root.purchases() == 0) return Cat("no purchase is left", after);
  return trigger.cause == Cause::kMove ? "a later purchase came with a merge"
                                       : "a purchase was made";
}

v1::MembershipReason Reason(const Rules& rules, const Trigger& trigger, std::string_view segment,
                            bool entered, const v1::SegmentationRoot& root) {
  v1::MembershipReason reason;
  reason.set_rule(trigger.cause == Cause::kMerged ? "merged" : RuleName(segment));
  reason.set_text(ReasonText(rules, trigger, segment, entered, root));
  reason.set_touch_id(trigger.touch_id);
  reason.set_purchases(root.purchases());
  reason.set_last_purchase_us(root.last_purchase_us());
  *reason.mutable_sums() = root.sums();
  return reason;
}

// `m_1/lapsed/867715200000001`: the natural id of an entry.
std::string EntryId(const Moment& moment, const v1::SegmentState& segment) {
  return Cat(moment.member, "/", segment.segment(), "/", segment.occurrence_us());
}

// The entry that one caused by a move continues: the segment's own one, else an inherited one.
// nullopt: a new occasion. `segment` is as it was before.
std::optional<v1::InheritedEntry> Continued(const Moment& moment, const v1::SegmentationRoot& root,
                                            const v1::SegmentState& segment) {
  const auto same_reason = [&](Micros occurrence_us) {
    return segment.segment() != kLapsed || root.last_purchase_us() < occurrence_us;
  };
  v1::InheritedEntry own;
  own.set_segment(segment.segment());
  own.set_member(moment.member);
  own.set_occurrence_us(segment.occurrence_us());
  // Who lapsed and has not bought since is who lapsed then, whatever ended it meanwhile: somebody
  // else's purchase, while the two were one.
  const bool ended_by_others = segment.segment() == kLapsed && segment.occurrence_us() > 0;
  if ((segment.suspended() || ended_by_others) && same_reason(own.occurrence_us())) return own;
  for (const v1::InheritedEntry& entry : root.inherited()) {
    if (entry.segment() == segment.segment() && same_reason(entry.occurrence_us())) return entry;
  }
  return std::nullopt;
}

void Enter(const Rules& rules, const Moment& moment, const Trigger& trigger,
           v1::SegmentationRoot* root, v1::SegmentState* segment, shard::Effects* effects) {
  const bool first = segment->entry_count() == 0 && segment->occurrence_us() == 0;
  std::optional<v1::InheritedEntry> continued;
  if (trigger.cause == Cause::kMove) continued = Continued(moment, *root, *segment);
  segment->clear_suspended();
  segment->set_inside(true);
  segment->set_occurrence_us(first ? moment.now_us
                                   : std::max(moment.now_us, segment->occurrence_us() + 1));
  // One that continues another one was counted there.
  const int64_t counted = continued.has_value() ? 0 : 1;
  segment->set_entry_count(segment->entry_count() + counted);
  v1::SegmentEntered event;
  event.set_member(moment.member);
  event.set_segment(segment->segment());
  event.set_occurrence_us(segment->occurrence_us());
  *event.mutable_reason() = Reason(rules, trigger, segment->segment(), true, *root);
  event.set_fragment_id(trigger.fragment_id);
  event.set_entry_count(segment->entry_count());
  if (continued.has_value()) {
    event.set_continues_member(continued->member());
    event.set_continues_occurrence_us(continued->occurrence_us());
  }
  effects->publishes.push_back(
      {"events", moment.member, "io.regulars.segmentation.v1.SegmentEntered",
       EntryId(moment, *segment), event.SerializeAsString(), segment->occurrence_us()});
  effects->sums.push_back({Cat("segment/", segment->segment(), "/members"), 1});
  effects->sums.push_back({Cat("segment/", segment->segment(), "/entries"), counted});
}

void Exit(const Rules& rules, const Moment& moment, const Trigger& trigger,
          v1::SegmentationRoot* root, v1::SegmentState* segment, shard::Effects* effects) {
  segment->set_inside(false);
  segment->set_suspended(trigger.cause == Cause::kMove || trigger.cause == Cause::kMerged);
  v1::SegmentExited event;
  event.set_member(moment.member);
  event.set_segment(segment->segment());
  event.set_occurrence_us(segment->occurrence_us());
  event.set_exit_us(std::max(moment.now_us, segment->occurrence_us()));
  *event.mutable_reason() = Reason(rules, trigger, segment->segment(), false, *root);
  event.set_fragment_id(trigger.fragment_id);
  effects->publishes.push_back(
      {"events", moment.member, "io.regulars.segmentation.v1.SegmentExited",
       Cat(EntryId(moment, *segment), "/exit"), event.SerializeAsString(), event.exit_us()});
  effects->sums.push_back({Cat("segment/", segment->segment(), "/members"), -1});
}

}  // namespace

const v1::SegmentState* FindSegment(const v1::SegmentationRoot& root, std::string_view segment) {
  for (const v1::SegmentState& state : root.segments()) {
    if (state.segment() == segment) return &state;
  }
  return nullptr;
}

void JudgeSegments(const Rules& rules, const Moment& moment, const Trigger& trigger,
                   std::optional<Micros> timer, v1::SegmentationRoot* root,
                   shard::Effects* effects) {
  for (const bool entering : {false, true}) {
    for (const std::string_view segment : {kLapsed, kRepeatBuyer}) {
      const v1::SegmentState* state = FindSegment(*root, segment);
      const bool inside = state != nullptr && state->inside();
      const bool wanted = BelongsInside(rules, moment.now_us, *root, segment);
      if (inside == wanted || wanted != entering) continue;
      v1::SegmentState* changed = MutableSegment(root, segment);
      if (entering) {
        Enter(rules, moment, trigger, root, changed, effects);
      } else {
        Exit(rules, moment, trigger, root, changed, effects);
      }
    }
  }
  const v1::SegmentState* lapsed = FindSegment(*root, kLapsed);
  if (root->purchases() > 0 && (lapsed == nullptr || !lapsed->inside())) {
    const Micros due = LapseInstant(rules, root->last_purchase_us());
    if (timer != due) effects->set_timers.push_back({std::string(kLapsed), due});
  } else if (timer.has_value()) {
    effects->cancel_timers.emplace_back(kLapsed);
  }
}

void EndMemberships(const Rules& rules, const Moment& moment, std::optional<Micros> timer,
                    v1::SegmentationRoot* root, shard::Effects* effects) {
  for (v1::SegmentState& segment : *root->mutable_segments()) {
    if (segment.inside()) {
      Exit(rules, moment, {"", "", Cause::kMerged}, root, &segment, effects);
    }
  }
  if (timer.has_value()) effects->cancel_timers.emplace_back(kLapsed);
}

}  // namespace regulars::segmentation
