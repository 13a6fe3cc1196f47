#include "tests/sim/segment_model.h"

#include <algorithm>
#include <map>

#include "libs/base/text.h"

namespace regulars::sim {
namespace {

struct Order {
  int64_t occurred_us = 0;
  int64_t amount = 0;
  int64_t refunded = 0;
  bool whole = false;
  bool Counts() const { return !whole && (amount == 0 || refunded < amount); }
};

struct Person {
  std::map<std::string, Order> orders;
  std::map<std::string, bool> inside;
  std::map<std::string, int64_t> occurrence;
  std::vector<SegmentChange> changes;

  int64_t Purchases() const {
    return std::count_if(orders.begin(), orders.end(),
                         [](const auto& order) { return order.second.Counts(); });
  }
  int64_t Last() const {
    int64_t last = 0;
    for (const auto& [id, order] : orders) {
      if (order.Counts()) last = std::max(last, order.occurred_us);
    }
    return last;
  }
  void Judge(int64_t now_us, int64_t lapse_us) {
    const std::map<std::string, bool> wanted = {
        {"lapsed", Purchases() > 0 && now_us > Last() + lapse_us},
        {"repeat_buyer", Purchases() >= 2}};
    for (const auto& [segment, in] : wanted) {
      if (inside[segment] && !in) {
        inside[segment] = false;
        changes.push_back({segment, false, occurrence[segment]});
      }
    }
    for (const auto& [segment, in] : wanted) {
      if (!inside[segment] && in) {
        inside[segment] = true;
        const auto before = occurrence.find(segment);
        occurrence[segment] =
            before == occurrence.end() ? now_us : std::max(now_us, before->second + 1);
        changes.push_back({segment, true, occurrence[segment]});
      }
    }
  }
  // The member's own timer, before anything else at `now_us`.
  void RunTimer(int64_t now_us, int64_t lapse_us) {
    if (Purchases() == 0 || inside["lapsed"]) return;
    const int64_t due = Last() + lapse_us + 1;
    if (due <= now_us) Judge(due, lapse_us);
  }
  void Take(const SentTouch& touch) {
    if (touch.kind == SentTouch::Kind::kOther) return;
    Order& order = orders[touch.order_id];
    if (touch.kind == SentTouch::Kind::kOrder) {
      order.occurred_us = touch.occurred_us;
      order.amount = touch.amount_minor;
    } else {
      order.refunded += touch.amount_minor;
      order.whole = order.whole || touch.whole_order;
    }
  }
};

std::string Text(const SegmentChange& change) {
  return Cat(change.entered ? "enters " : "leaves ", change.segment, " at ", change.occurrence_us);
}

}  // namespace

std::vector<SegmentChange> SegmentModel::Expected(int64_t clock_us) const {
  Person person;
  for (const SentTouch* touch : touches_) {
    if (touch->kind == SentTouch::Kind::kOther) continue;
    person.RunTimer(touch->occurred_us, lapse_us_);
    person.Take(*touch);
    person.Judge(touch->occurred_us, lapse_us_);
  }
  person.RunTimer(clock_us, lapse_us_);
  return person.changes;
}

std::string SegmentModel::Compare(const std::vector<SegmentChange>& found, int64_t clock_us) const {
  const std::vector<SegmentChange> expected = Expected(clock_us);
  for (size_t i = 0; i < std::max(expected.size(), found.size()); ++i) {
    if (i == expected.size()) return Cat(Text(found[i]), " too much");
    if (i == found.size()) return Cat("never ", Text(expected[i]));
    if (found[i] != expected[i]) return Cat(Text(found[i]), " instead of ", Text(expected[i]));
  }
  return "";
}

std::string SegmentModel::CompareEnd(const std::vector<SegmentChange>& found,
                                     int64_t now_us) const {
  std::map<std::string, bool> inside;
  std::map<std::string, int64_t> occurrence;
  for (const SegmentChange& change : found) {
    if (inside[change.segment] == change.entered) return Cat(Text(change), " a second time");
    if (!change.entered && change.occurrence_us != occurrence[change.segment]) {
      return Cat(Text(change), " that it did not enter");
    }
    inside[change.segment] = change.entered;
    occurrence[change.segment] = change.occurrence_us;
  }
  Person person;
  for (const SentTouch* touch : touches_) person.Take(*touch);
  person.Judge(now_us, lapse_us_);
  for (const auto& [segment, in] : person.inside) {
    if (inside[segment] != in) return Cat("in the end ", in ? "not in " : "in ", segment);
  }
  return "";
}

}  // namespace regulars::sim
