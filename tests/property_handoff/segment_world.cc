#include "tests/property_handoff/segment_world.h"

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/base/time.h"
#include "libs/events/types.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/segmentation/v1/segmentation_events.pb.h"

namespace regulars::property_handoff {
namespace {

namespace v1 = segmentation::v1;

template <typename M>
M Parsed(const std::string& bytes) {
  M message;
  REGULARS_ASSERT(message.ParseFromString(bytes), "it does not parse");
  return message;
}

identity::v1::MemberResolved Resolved(const std::string& member, const std::string& fragment,
                                      const std::string& touch, int64_t occurred_us) {
  identity::v1::MemberResolved event;
  event.set_member(member);
  event.set_fragment_id(fragment);
  event.mutable_touch()->set_touch_id(touch);
  event.mutable_touch()->set_source("tmall");
  event.mutable_touch()->set_occurred_us(occurred_us);
  return event;
}

std::string Final(const Follower& world) {
  std::string text;
  for (const std::string& member : world.Members()) {
    if (!SegmentRoot(world, member).survivor().empty()) {
      Append(&text, member, " is an alias\n");  // of whom: by a shortcut, perhaps
      continue;
    }
    Append(&text, member, " ", FiguresOf(world, member));
    for (const auto& [sub, value] : world.State(member).values) {
      v1::PurchaseState order;
      if (sub.starts_with("order/")) {
        order = Parsed<v1::PurchaseState>(value);
      } else if (sub.starts_with("double/")) {
        order = Parsed<v1::MovedOrder>(value).state();
      } else {
        continue;
      }
      const std::set<std::string> refunds(order.refund_ids().begin(), order.refund_ids().end());
      Append(&text, " ", sub, ":", order.amount_minor(), "-", order.refunded_minor(), "@",
             order.fragment_id(), order.paid() ? "" : "?", order.counted() ? "" : "!");
      for (const std::string& refund : refunds) Append(&text, ",", refund);
    }
    text.push_back('\n');
  }
  return text;
}

// Where the events say that everybody is: "<member> <segment>".
std::string CheckEvents(const Follower& world) {
  std::set<std::string> inside;
  for (const shard::Publish& event : world.published) {
    if (event.type == events::kSegmentEntered) {
      const auto entered = Parsed<v1::SegmentEntered>(event.payload);
      if (!inside.insert(Cat(entered.member(), " ", entered.segment())).second) {
        return Cat(event.id, " enters twice");
      }
    } else if (event.type == events::kSegmentExited) {
      const auto exited = Parsed<v1::SegmentExited>(event.payload);
      if (inside.erase(Cat(exited.member(), " ", exited.segment())) == 0) {
        return Cat(event.id, " leaves twice");
      }
    }
  }
  std::set<std::string> states;
  for (const std::string& member : world.Members()) {
    const v1::SegmentationRoot root = SegmentRoot(world, member);
    for (const v1::SegmentState& segment : root.segments()) {
      if (segment.inside()) states.insert(Cat(member, " ", segment.segment()));
    }
  }
  return states == inside ? "" : "the events do not say where the members are";
}

std::string CheckQuiet(const Follower& world) {
  if (world.Sum("orders_moved_in") != world.Sum("orders_moved_out")) {
    return Cat("moved in ", world.Sum("orders_moved_in"), ", out ", world.Sum("orders_moved_out"));
  }
  std::map<std::string, int64_t> sums;
  for (const std::string& member : world.Members()) {
    const v1::SegmentationRoot root = SegmentRoot(world, member);
    const bool alias = !root.survivor().empty();
    if (root.inherited_size() > 0 || (root.judging_held() && !alias)) {
      return Cat(member, " still waits");
    }
    if (alias && (root.purchases() != 0 || root.pending_orders() != 0)) {
      return Cat(member, " kept orders");
    }
    sums["purchases"] += root.purchases();
    sums["buyers"] += root.purchases() > 0 ? 1 : 0;
    sums["repeat_members"] += root.purchases() > 1 ? 1 : 0;
    for (const auto& sum : root.sums()) {
      sums[Cat("purchase_minor/", sum.currency_code())] += sum.amount_minor();
    }
    for (const v1::SegmentState& segment : root.segments()) {
      sums[Cat("segment/", segment.segment(), "/members")] += segment.inside() ? 1 : 0;
      sums[Cat("segment/", segment.segment(), "/entries")] += segment.entry_count();
    }
  }
  for (const auto& [name, value] : sums) {
    if (world.Sum(name) != value) return Cat(name, " is ", world.Sum(name), ", not ", value);
  }
  return CheckEvents(world);
}

}  // namespace

Follower SegmentMembers(int page) {
  static auto* programs =
      new std::map<int, std::unique_ptr<segmentation::SegmentationProgram>>();  // for ever
  auto& program = (*programs)[page];
  if (program == nullptr) {
    segmentation::SegmentationConfig config;
    config.default_rules.linking = true;
    segmentation::MoveLimits limits;
    limits.orders = static_cast<size_t>(page);
    program = std::make_unique<segmentation::SegmentationProgram>(config, limits);
  }
  return Follower(program.get());
}

void Buy(Follower* world, const std::string& member, const std::string& fragment,
         const std::string& order, int64_t cents, int64_t days_ago) {
  auto event = Resolved(member, fragment, Cat("t-", order, "-", fragment),
                        kStartUs - days_ago * kMicrosPerDay);
  auto* paid = event.mutable_touch()->mutable_body()->mutable_order_paid();
  paid->set_order_id(order);
  paid->set_amount_minor(cents);
  paid->set_currency_code("USD");
  world->Record("touch", member, events::kMemberResolved, event.touch().touch_id(),
                event.SerializeAsString());
}

void Refund(Follower* world, const std::string& member, const std::string& fragment,
            const std::string& order, const std::string& refund, int64_t cents) {
  auto event = Resolved(member, fragment, Cat("r-", order, "-", refund), kStartUs);
  auto* refunded = event.mutable_touch()->mutable_body()->mutable_order_refunded();
  refunded->set_order_id(order);
  refunded->set_refund_id(refund);
  refunded->set_amount_minor(cents);
  refunded->set_currency_code("USD");
  world->Record("touch", member, events::kMemberResolved, event.touch().touch_id(),
                event.SerializeAsString());
}

segmentation::v1::SegmentationRoot SegmentRoot(const Follower& world, const std::string& member) {
  const auto bytes = world.State(member).Get("");
  return bytes.has_value() ? Parsed<v1::SegmentationRoot>(*bytes) : v1::SegmentationRoot();
}

std::string FiguresOf(const Follower& world, const std::string& member) {
  const v1::SegmentationRoot root = SegmentRoot(world, member);
  std::string text = Cat(root.purchases(), " purchases");
  for (const auto& sum : root.sums()) Append(&text, " ", sum.amount_minor(), sum.currency_code());
  if (root.purchases() > 0) {
    Append(&text, " ", (kStartUs - root.first_purchase_us()) / kMicrosPerDay, "..",
           (kStartUs - root.last_purchase_us()) / kMicrosPerDay, " days ago");
  }
  for (const v1::SegmentState& segment : root.segments()) {
    if (segment.inside()) Append(&text, " ", segment.segment());
  }
  return text;
}

int64_t Occasions(const Follower& world, std::string_view segment) {
  int64_t count = 0;
  for (const shard::Publish& event : world.published) {
    if (event.type != events::kSegmentEntered) continue;
    const auto entered = Parsed<v1::SegmentEntered>(event.payload);
    count += entered.segment() == segment && entered.continues_occurrence_us() == 0 ? 1 : 0;
  }
  return count;
}

Ending SegmentEnding() { return {.final = Final, .wrong = CheckQuiet}; }

}  // namespace regulars::property_handoff
