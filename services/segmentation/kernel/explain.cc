#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/text.h"
#include "libs/base/time.h"
#include "services/segmentation/kernel/kernel.h"
#include "services/segmentation/kernel/memberships.h"
#include "services/segmentation/kernel/purchase_book.h"

namespace regulars::segmentation {
namespace {

constexpr int kCheckedPurchasesMax = 1000;

std::string LapsedText(const v1::SegmentationRoot& root, const Rules& rules, bool inside,
                       Micros due) {
  if (root.purchases() == 0) return "no purchase counts";
  const std::string last = Cat("last purchase ", FormatRfc3339(root.last_purchase_us()));
  if (inside) return Cat(last, ", ", RuleText(rules, kLapsed));
  return Cat(last, ", lapses at ", FormatRfc3339(due), " unless another follows");
}

// What is wrong with one entry of the index, or "". Adds the order to the figures.
std::string CheckPurchase(const shard::EntityState& state, const std::string& sub,
                          const v1::PurchaseRef& ref, std::map<std::string, int64_t>* sums) {
  const auto order = ReadState<v1::PurchaseState>(state, OrderSub(ref.order()));
  if (!order.has_value()) return Cat(sub, ": no such order");
  if (!order->counted() || !Counts(*order)) return Cat(sub, ": the order does not count");
  if (sub != PurchaseSub(order->occurred_us(), ref.order()) ||
      ref.occurred_us() != order->occurred_us()) {
    return Cat(sub, ": the order has another time");
  }
  if (const int64_t net = NetMinor(*order); net != 0) (*sums)[order->currency_code()] += net;
  return "";
}

}  // namespace

std::vector<Explanation> Explain(const v1::SegmentationRoot& root, const Rules& rules) {
  std::vector<Explanation> all;
  for (const std::string_view segment : {kLapsed, kRepeatBuyer}) {
    const v1::SegmentState* state = FindSegment(root, segment);
    Explanation one;
    one.segment = std::string(segment);
    one.inside = state != nullptr && state->inside();
    if (one.inside) one.since_us = state->occurrence_us();
    if (segment == kLapsed) {
      const Micros due = LapseInstant(rules, root.last_purchase_us());
      if (!one.inside && root.purchases() > 0) one.deadline_us = due;
      one.text = LapsedText(root, rules, one.inside, due);
    } else {
      one.text = Cat(root.purchases(), " purchases count, ", rules.repeat_purchases_min, " needed");
    }
    all.push_back(std::move(one));
  }
  return all;
}

std::string CheckMember(const shard::EntityState& state) {
  const auto root = ReadState<v1::SegmentationRoot>(state, "");
  if (!root.has_value()) return state.Next("", "").has_value() ? "state without a root" : "";
  std::map<std::string, int64_t> sums;
  int64_t count = 0;
  int64_t earliest = 0;
  auto at = NextPurchase(state, "at/");
  if (root->purchases() > 0 &&
      (!at.has_value() || at->second.occurred_us() != root->last_purchase_us())) {
    return "the last purchase is not the newest of the index";
  }
  while (at.has_value() && count < kCheckedPurchasesMax) {
    if (std::string wrong = CheckPurchase(state, at->first, at->second, &sums); !wrong.empty()) {
      return wrong;
    }
    ++count;
    earliest = at->second.occurred_us();
    at = NextPurchase(state, Cat(at->first, "\x01"));
  }
  if (!at.has_value()) {
    if (count != root->purchases()) return "purchases differ from the index";
    if (earliest != root->first_purchase_us()) return "the first purchase is not the oldest";
    std::map<std::string, int64_t> kept;
    for (const auto& sum : root->sums()) kept[sum.currency_code()] = sum.amount_minor();
    if (kept != sums) return "sums differ from the orders";
  }
  const v1::SegmentState* lapsed = FindSegment(*root, kLapsed);
  if (!root->survivor().empty()) {
    for (const v1::SegmentState& segment : root->segments()) {
      if (segment.inside()) return "an alias is in a segment";
    }
    return state.Timer(kLapsed).has_value() ? "an alias waits to lapse" : "";
  }
  if (root->judging_held()) return "";
  const bool waits = root->purchases() > 0 && (lapsed == nullptr || !lapsed->inside());
  if (waits != state.Timer(kLapsed).has_value()) return "the timer does not fit the membership";
  if (root->purchases() == 0 && lapsed != nullptr && lapsed->inside()) {
    return "lapsed without a purchase";
  }
  return root->pending_orders() < 0 ? "pending orders below zero" : "";
}

}  // namespace regulars::segmentation
