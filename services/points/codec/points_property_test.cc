// Random histories against a model written the other way round: the model knows no lots, pages or
// entries, it holds single points, each of which is somewhere. After every step balance, lots,
// totals, debt, sums and invariants are equal.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "libs/base/text.h"
#include "libs/base/time.h"
#include "services/points/codec/book.h"
#include "services/points/kernel/keys.h"

namespace regulars::points {
namespace {

constexpr int kHistories = 2'500;
constexpr int kStepsMax = 45;
constexpr int64_t kStart = 10'000 * kMicrosPerDay;

enum class Where { kOpen, kSpent, kExpired, kReversed, kPaidDebt };

struct Coin {
  std::string order;
  int64_t expires_at = 0;
  int64_t birth = 0;  // order in which orders earned
  Where where = Where::kOpen;
  std::string redemption;  // while kSpent
  bool forgiven = false;   // an expired point that a refund did not ask for again
};

struct ModelRefund {
  std::string id;
  int64_t cents = 0;
  bool whole = false;
};

struct ModelOrder {
  bool paid = false;
  int64_t cents = 0;
  int64_t refunded = 0;
  int64_t taken = 0;  // points that refunds took back or forgave
  std::vector<ModelRefund> waiting;
};

class Model {
 public:
  explicit Model(const ProgramConfig& config) : config_(config) {}

  void Advance(int64_t now) {
    now_ = std::max(now_, now);
    for (Coin& coin : coins_) {
      if (coin.where == Where::kOpen && coin.expires_at <= now_) coin.where = Where::kExpired;
    }
  }

  std::string Paid(const std::string& id, int64_t cents, int64_t occurred) {
    ModelOrder& order = orders_[id];
    if (order.paid) {
      return order.cents == cents ? "already_earned" : "exists_with_different_amount";
    }
    order.paid = true;
    order.cents = cents;
    const int64_t points = Worth(cents);
    ++births_;
    issued += points;
    for (int64_t i = 0; i < points; ++i) {
      Coin coin{id,   occurred + config_.expiry_days * kMicrosPerDay, births_, Where::kOpen, "",
                false};
      Enter(&coin);
      coins_.push_back(coin);
    }
    for (const ModelRefund& refund : order.waiting) Take(id, &order, refund);
    order.waiting.clear();
    return points > 0 ? "earned" : "earned_nothing";
  }

  std::string Refunded(const std::string& id, const ModelRefund& refund) {
    const auto [known, fresh] = refunds_.emplace(id + "|" + refund.id, refund);
    if (!fresh) {
      if (known->second.cents != refund.cents) return "exists_with_different_amount";
      if (known->second.whole != refund.whole) return "exists_with_different_extent";
      return "already_refunded";
    }
    ModelOrder& order = orders_[id];
    if (!order.paid) {
      order.waiting.push_back(refund);
      return "pending";
    }
    return Take(id, &order, refund) ? "refunded" : "refunded_nothing";
  }

  std::string Redeem(const std::string& id, int64_t points) {
    if (points <= 0) return "points_not_positive";
    if (orders_.empty()) return "member_unknown";
    if (const auto known = redemptions_.find(id); known != redemptions_.end()) {
      return known->second == points ? "already_redeemed" : "exists_with_different_points";
    }
    if (points > Balance()) return "insufficient_points";
    redemptions_[id] = points;
    std::vector<Coin*> open = Sorted(Where::kOpen, "");
    for (int64_t i = 0; i < points; ++i) {
      open[static_cast<size_t>(i)]->where = Where::kSpent;
      open[static_cast<size_t>(i)]->redemption = id;
    }
    return "redeemed";
  }

  std::string Reverse(const std::string& id) {
    if (orders_.empty()) return "member_unknown";
    if (!redemptions_.contains(id)) return "redemption_unknown";
    if (!undone_.insert(id).second) return "already_reversed";
    for (Coin* coin : Sorted(Where::kSpent, id)) {
      coin->redemption.clear();
      Enter(coin);
    }
    return "reversed";
  }

  int64_t Count(Where where) const {
    return std::count_if(coins_.begin(), coins_.end(),
                         [where](const Coin& coin) { return coin.where == where; });
  }
  int64_t Balance() const { return Count(Where::kOpen) - debt; }

  // Open points per (expiry, order).
  std::map<std::pair<int64_t, std::string>, int64_t> Lots() const {
    std::map<std::pair<int64_t, std::string>, int64_t> lots;
    for (const Coin& coin : coins_) {
      if (coin.where == Where::kOpen) ++lots[{coin.expires_at, coin.order}];
    }
    return lots;
  }

  int64_t issued = 0;
  int64_t reversed = 0;
  int64_t debt = 0;

 private:
  // Counts whole points one by one.
  int64_t Worth(int64_t cents) const {
    int64_t points = 0;
    while ((points + 1) * 100 * config_.points_denominator <= cents * config_.points_numerator) {
      ++points;
    }
    return points;
  }

  // A point comes in: it pays debt, is open, or is past its expiry.
  void Enter(Coin* coin) {
    if (debt > 0) {
      --debt;
      coin->where = Where::kPaidDebt;
    } else {
      coin->where = coin->expires_at <= now_ ? Where::kExpired : Where::kOpen;
    }
  }

  bool Take(const std::string& id, ModelOrder* order, const ModelRefund& refund) {
    order->refunded =
        refund.whole ? order->cents : std::min(order->cents, order->refunded + refund.cents);
    bool moved = false;
    while (Worth(order->cents) - order->taken > Worth(order->cents - order->refunded)) {
      ++order->taken;
      Coin* open = Find(id, [](const Coin& c) { return c.where == Where::kOpen; });
      Coin* lost =
          Find(id, [](const Coin& c) { return c.where == Where::kExpired && !c.forgiven; });
      if (open != nullptr) {
        open->where = Where::kReversed;
      } else if (lost != nullptr) {
        lost->forgiven = true;
        continue;
      } else {
        ++debt;
      }
      ++reversed;
      moved = true;
    }
    return moved;
  }

  template <typename F>
  Coin* Find(const std::string& order, F matches) {
    for (Coin& coin : coins_) {
      if (coin.order == order && matches(coin)) return &coin;
    }
    return nullptr;
  }

  std::vector<Coin*> Sorted(Where where, const std::string& redemption) {
    std::vector<Coin*> found;
    for (Coin& coin : coins_) {
      if (coin.where == where && coin.redemption == redemption) found.push_back(&coin);
    }
    std::stable_sort(found.begin(), found.end(), [](const Coin* a, const Coin* b) {
      return std::pair(a->expires_at, a->birth) < std::pair(b->expires_at, b->birth);
    });
    return found;
  }

  ProgramConfig config_;
  int64_t now_ = kStart;
  int64_t births_ = 0;
  std::vector<Coin> coins_;
  std::map<std::string, ModelOrder> orders_;
  std::map<std::string, ModelRefund> refunds_;
  std::map<std::string, int64_t> redemptions_;
  std::set<std::string> undone_;
};

std::map<std::pair<int64_t, std::string>, int64_t> LotsOf(const Book& book) {
  std::map<std::pair<int64_t, std::string>, int64_t> lots;
  for (const auto& [sub, value] : book.state.values) {
    if (!sub.starts_with(kLotPrefix)) continue;
    const LotKey key = ParseLotSub(sub);
    v1::LotState lot;
    v1::EntryState entry;
    EXPECT_TRUE(lot.ParseFromString(value));
    EXPECT_TRUE(entry.ParseFromString(book.state.values.at(EntrySub(key.sequence))));
    lots[{key.expires_at_us, entry.natural_id().substr(std::string("tmall/").size())}] =
        lot.remaining();
  }
  return lots;
}

class History {
 public:
  explicit History(uint32_t seed)
      : random_(seed), config_(Config()), book_(config_), model_(config_) {
    book_.now_us = kStart;
  }

  void Run() {
    const int steps = Pick(5, kStepsMax);
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) Step();
  }

 private:
  int Pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  ProgramConfig Config() {
    return {.points_numerator = Pick(1, 3),
            .points_denominator = Pick(1, 2),
            .expiry_days = Pick(0, 1) == 0 ? Pick(1, 5) : Pick(30, 400)};
  }

  void Step() {
    int64_t now = book_.now_us;
    switch (Pick(0, 9)) {
      case 0:
        now += Pick(0, 500) * kMicrosPerDay;  // a clock jump
        break;
      case 1:  // exactly the instant of the timer, or just before it
        if (const auto timer = book_.state.Timer(kExpireTimer)) {
          now = std::max(now, *timer - Pick(0, 1));
        }
        break;
      case 2:
        break;
      default:
        now += Pick(0, 3 * 86'400) * kMicrosPerSecond;
    }
    const bool late = Pick(0, 3) == 0;
    book_.Advance(now, late);
    model_.Advance(now);

    const std::string order = Cat("A", Pick(1, 8));
    const std::string id = Cat("x", Pick(1, 5));
    std::string said;
    std::string expected;
    const int what = Pick(0, 99);
    if (what < 45) {
      const int64_t cents = Pick(0, 4) == 0 ? Pick(0, 150) : Pick(1, 3'000);
      // Half of the repeats bring the amount they brought before.
      const int64_t again = Pick(0, 1) == 0 && paid_.contains(order) ? paid_[order] : cents;
      paid_.emplace(order, again);
      const int64_t occurred =
          Pick(0, 3) == 0 ? now - Pick(0, 500) * kMicrosPerDay : now - Pick(0, 1'000);
      said = book_.Paid(order, again, occurred, now);
      expected = model_.Paid(order, again, occurred);
      trace_ += Cat("paid ", order, " ", again);
    } else if (what < 65) {
      const ModelRefund refund{Cat("r", Pick(1, 4)), Pick(0, 2) == 0 ? 500 : Pick(0, 2'500),
                               Pick(0, 5) == 0};
      said = book_.Refunded(order, refund.id, refund.cents, refund.whole, now, now);
      expected = model_.Refunded(order, refund);
      trace_ +=
          Cat("refund ", order, " ", refund.id, " ", refund.cents, refund.whole ? " whole" : "");
    } else if (what < 87) {
      const int64_t points = Pick(0, 9) == 0 ? Pick(-1, 200) : Pick(1, 25);
      said = book_.Redeem(id, points, now);
      expected = model_.Redeem(id, points);
      trace_ += Cat("redeem ", id, " ", points);
    } else if (what < 97) {
      said = book_.Reverse(id, now);
      expected = model_.Reverse(id);
      trace_ += Cat("reverse ", id);
    }
    trace_ += Cat(" @", now - kStart, " -> ", said, "\n");
    ASSERT_EQ(said, expected) << trace_;
    Compare();
  }

  void Compare() {
    const v1::PointsRoot root = book_.Root();
    ASSERT_EQ(root.balance(), model_.Balance()) << trace_;
    ASSERT_EQ(root.issued(), model_.issued) << trace_;
    ASSERT_EQ(root.redeemed(), model_.Count(Where::kSpent)) << trace_;
    ASSERT_EQ(root.expired(), model_.Count(Where::kExpired)) << trace_;
    ASSERT_EQ(root.reversed(), model_.reversed) << trace_;
    ASSERT_EQ(root.debt(), model_.debt) << trace_;
    ASSERT_EQ(LotsOf(book_), model_.Lots()) << trace_;
    ASSERT_EQ(book_.program.CheckInvariants(book_.state), "") << trace_;
    auto& sums = book_.sums;
    ASSERT_EQ(sums["loyalty/issued"], sums["loyalty/outstanding"] + sums["loyalty/redeemed"] +
                                          sums["loyalty/expired"] + sums["loyalty/reversed"])
        << trace_;
    ASSERT_EQ(sums["loyalty/outstanding"], root.balance()) << trace_;
    ASSERT_EQ(sums["loyalty/debt"], root.debt()) << trace_;
    std::set<std::string> ids;
    for (const shard::Publish& event : book_.published) {
      ASSERT_TRUE(ids.insert(event.id).second) << event.id << " twice\n" << trace_;
    }
    ASSERT_EQ(static_cast<int64_t>(ids.size()),
              root.next_entry_sequence() == 0 ? 0 : root.next_entry_sequence() - 1);
  }

  std::mt19937 random_;
  ProgramConfig config_;
  Book book_;
  Model model_;
  std::map<std::string, int64_t> paid_;
  std::string trace_;
};

TEST(Property, EveryHistoryEndsWhereSinglePointsEnd) {
  const char* histories = std::getenv("HISTORIES");  // NOLINT(concurrency-mt-unsafe)
  const int count =
      histories == nullptr ? kHistories : std::atoi(histories);  // NOLINT(cert-err34-c)
  for (int seed = 1; seed <= count && !HasFailure(); ++seed) {
    SCOPED_TRACE(Cat("seed ", seed));
    History(static_cast<uint32_t>(seed)).Run();
  }
}

// A refund and its order end the same in both orders of arrival, whatever was redeemed after both.
TEST(Property, ARefundAndItsOrderCommute) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    const int64_t cents = static_cast<int64_t>(random() % 3'000);
    const int64_t back = static_cast<int64_t>(random() % 3'000);
    const int64_t age = static_cast<int64_t>(random() % 500) * kMicrosPerDay;
    Book first({});
    Book second({});
    first.Paid("A", cents, kStart - age, kStart);
    first.Refunded("A", "r", back, false, kStart, kStart);
    second.Refunded("A", "r", back, false, kStart, kStart);
    second.Paid("A", cents, kStart - age, kStart);
    ASSERT_EQ(first.state.values, second.state.values) << cents << " " << back << " " << age;
    ASSERT_EQ(first.state.timers, second.state.timers);
  }
}

}  // namespace
}  // namespace regulars::points
