// The kernel against a naive model that keeps every order and refund and recomputes everything from
// them after each step.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "services/segmentation/codec/ledger_text.h"
#include "services/segmentation/codec/program.h"

namespace regulars::segmentation {
namespace {

class NaiveMember {
 public:
  void Pay(const std::string& order, int64_t amount, Micros at) {
    orders_.emplace(order, std::pair(amount, at));
  }
  void Refund(const std::string& order, const std::string& refund, int64_t amount, bool whole) {
    refunds_[order].emplace(refund, std::pair(amount, whole));
  }
  // Membership at `now`, and what entered or left since the call before.
  std::string Judge(Micros now) {
    std::string events;
    Compute();
    const bool lapsed = !times_.empty() && now >= *times_.rbegin() + 180 * kMicrosPerDay + 1;
    const bool repeat = times_.size() >= 2;
    for (const bool entering : {false, true}) {
      events += Change("lapsed", &lapsed_, lapsed, entering, now);
      events += Change("repeat_buyer", &repeat_, repeat, entering, now);
    }
    return events;
  }
  // When the member lapses if nothing happens.
  std::optional<Micros> Deadline() {
    Compute();
    if (times_.empty() || lapsed_.inside) return std::nullopt;
    return *times_.rbegin() + 180 * kMicrosPerDay + 1;
  }
  std::string Figures() {
    Compute();
    std::string text = absl::StrCat(times_.size());
    if (sum_ != 0) absl::StrAppend(&text, " USD ", sum_);
    if (!times_.empty()) {
      absl::StrAppend(&text, " ", Day(*times_.begin()), "..", Day(*times_.rbegin()));
    }
    return absl::StrCat(text, lapsed_.inside ? " lapsed" : "",
                        repeat_.inside ? " repeat_buyer" : "");
  }

 private:
  struct Segment {
    bool inside = false;
    Micros occurrence = -1;
  };

  std::string Change(const std::string& name, Segment* segment, bool inside, bool entering,
                     Micros now) {
    if (segment->inside == inside || inside != entering) return "";
    segment->inside = inside;
    if (inside) segment->occurrence = std::max(now, segment->occurrence + 1);
    const Micros at = inside ? segment->occurrence : std::max(now, segment->occurrence);
    return absl::StrCat(inside ? "+" : "-", name, " ", Day(at), ", ");
  }

  void Compute() {
    times_.clear();
    sum_ = 0;
    for (const auto& [order, paid] : orders_) {
      int64_t refunded = 0;
      bool whole = false;
      for (const auto& [id, refund] : refunds_[order]) {
        refunded += refund.first;
        whole = whole || refund.second;
      }
      const int64_t amount = paid.first;
      if (whole || (amount > 0 && refunded >= amount)) continue;
      times_.insert(paid.second);
      sum_ += amount == 0 ? 0 : amount - refunded;
    }
  }

  std::map<std::string, std::pair<int64_t, Micros>> orders_;
  std::map<std::string, std::map<std::string, std::pair<int64_t, bool>>> refunds_;
  std::multiset<Micros> times_;
  int64_t sum_ = 0;
  Segment lapsed_, repeat_;
};

class PropertyTest : public testing::TestWithParam<int> {};

TEST_P(PropertyTest, EveryStepEqualsTheNaiveModel) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  const auto pick = [&](int64_t below) {
    return static_cast<int64_t>(random() % static_cast<uint32_t>(below));
  };
  const SegmentationProgram program{{}};
  shard::ProgramHarness harness(program, "cofco", "m_1");
  NaiveMember naive;
  Micros now = 400 * kMicrosPerDay;
  harness.AdvanceTo(now);
  for (int step = 0; step < 60; ++step) {
    now += pick(4) == 0 ? pick(300) * kMicrosPerDay : pick(3) * kMicrosPerHour;
    std::string expected;
    const size_t events_before = harness.publishes().size();
    if (const auto deadline = naive.Deadline(); deadline.has_value() && *deadline <= now) {
      expected += naive.Judge(*deadline);
    }
    harness.AdvanceTo(now);
    const std::string order = absl::StrCat("o", pick(12));
    // A third of the touches is reported late.
    const Micros at = pick(3) == 0 ? now - pick(300) * kMicrosPerDay : now;
    if (pick(2) == 0) {
      const int64_t amount = pick(4) == 0 ? 0 : 100 + pick(3) * 100;
      Feed(harness, Paid(order, amount, at));
      naive.Pay(order, amount, at);
    } else {
      const std::string refund = absl::StrCat("r", pick(5));
      const int64_t amount = pick(3) * 100;
      const bool whole = pick(4) == 0;
      Feed(harness, Refunded(order, refund, amount, whole, at));
      naive.Refund(order, refund, amount, whole);
    }
    expected += naive.Judge(now);
    if (!expected.empty()) expected.resize(expected.size() - 2);
    ASSERT_EQ(Events(harness.publishes(), events_before), expected) << "step " << step;
    ASSERT_EQ(Figures(harness), naive.Figures()) << "step " << step;
  }
  std::set<std::string> ids;
  for (const shard::Publish& publish : harness.publishes()) {
    EXPECT_TRUE(ids.insert(publish.id).second) << "twice: " << publish.id;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PropertyTest, testing::Range(1, 301));

TEST(PropertyTest, OrdersAndRefundsInAnyOrderEndInTheSameFigures) {
  const SegmentationProgram program{{}};
  const Micros now = 1000 * kMicrosPerDay;
  std::vector<identity::v1::MemberResolved> touches = {
      Paid("A", 1000, 10 * kMicrosPerDay),
      Paid("B", 500, 20 * kMicrosPerDay),
      Paid("C", 0, 900 * kMicrosPerDay),
      Paid("D", 300, 900 * kMicrosPerDay),
      Refunded("A", "r1", 400, false, 30 * kMicrosPerDay),
      Refunded("B", "r1", 500, false, 30 * kMicrosPerDay),
      Refunded("C", "r1", 0, true, 950 * kMicrosPerDay)};
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::shuffle(touches.begin(), touches.end(), random);
    shard::ProgramHarness harness(program, "cofco", "m_1");
    harness.AdvanceTo(now);
    for (const auto& touch : touches) Feed(harness, touch);
    EXPECT_EQ(Figures(harness), "2 USD 900 d10..d900 repeat_buyer");
  }
}

}  // namespace
}  // namespace regulars::segmentation
