#include "tests/property_handoff/segment_histories.h"

#include <functional>
#include <map>
#include <set>
#include <utility>

#include "libs/base/text.h"
#include "regulars/segmentation/v1/segmentation_state.pb.h"
#include "tests/property_handoff/links.h"
#include "tests/property_handoff/segment_world.h"

namespace regulars::property_handoff {
namespace {

struct Happening {
  std::string name;
  Happens put;
  std::string clashes{};  // with this one the order matters once they are parted
};

std::vector<Happening> Happenings() {
  return {
      {"l-buys", [](Follower* w) { Buy(w, "m_l", "fl", "A3", 40); }},
      {"s-buys", [](Follower* w) { Buy(w, "m_s", "fs", "B2", 70); }},
      {"s-has-A1-too", [](Follower* w) { Buy(w, "m_s", "fs", "A1", 100, 3); }, "refund"},
      {"late-for-l", [](Follower* w) { Buy(w, "m_s", "fl", "A4", 30, 250); }},
      {"refund", [](Follower* w) { Refund(w, "m_l", "fl", "A1", "r1", 100); }},
      {"refund-in-part", [](Follower* w) { Refund(w, "m_s", "fl", "A2", "r2", 20); }},
      {"refund-first",
       [](Follower* w) {
         Refund(w, "m_l", "fl", "A9", "r9", 10);
         Buy(w, "m_s", "fl", "A9", 50);
       }},
  };
}

std::vector<Happening> Ways() {
  const auto merge = [](Follower* w) { w->Merge("m1", "m_l", "m_s", {{"fl", 0}}); };
  const auto split = [](Follower* w) {
    w->Split("p1", "m_s", {{"m_l", {{"fl", 1}}}, {"m_s", {{"fs", 0}}}}, {"m1"});
  };
  return {
      {"merge", merge},
      {"merge-split",
       [=](Follower* w) {
         merge(w);
         split(w);
       }},
      {"merge-split-merge",
       [=](Follower* w) {
         merge(w);
         split(w);
         w->Merge("m2", "m_l", "m_s", {{"fl", 1}});
       }},
      {"merge-merge",
       [=](Follower* w) {
         merge(w);
         w->Merge("m3", "m_s", "m_t", {{"fs", 0}, {"fl", 0}});
       }},
  };
}

Follower Beginning(int page, bool long_ago) {
  Follower world = SegmentMembers(page);
  world.Begin("m_l", "fl");
  world.Begin("m_s", "fs");
  const int64_t more = long_ago ? 200 : 0;
  Buy(&world, "m_l", "fl", "A1", 100, more + 1);
  Buy(&world, "m_l", "fl", "A2", 50, more + 2);
  if (!long_ago) Buy(&world, "m_s", "fs", "B1", 100, 3);
  world.Settle();
  return world;
}

}  // namespace

std::vector<FollowerHistory> SegmentHistories(int most) {
  std::vector<FollowerHistory> histories;
  const std::vector<Happening> happenings = Happenings();
  for (const Happening& way : Ways()) {
    for (const bool long_ago : {false, true}) {
      for (uint32_t set = 0; set < (1U << happenings.size()); ++set) {
        if (__builtin_popcount(set) > most) continue;
        Follower world = Beginning(way.name == "merge-split-merge" ? 2 : 1, long_ago);
        const int64_t before = Occasions(world, "lapsed");
        std::string name = Cat("segments ", long_ago ? "long ago " : "", way.name);
        way.put(&world);
        std::set<std::string> names;
        for (size_t i = 0; i < happenings.size(); ++i) {
          if ((set >> i & 1U) == 0) continue;
          happenings[i].put(&world);
          names.insert(happenings[i].name);
          Append(&name, " ", happenings[i].name);
        }
        // A refund counts for the order that stands, and goes home with it.
        const bool clash = names.contains("s-has-A1-too") && names.contains("refund");
        if (clash && way.name.find("split") != std::string::npos) continue;
        Ending ending = SegmentEnding();
        if (set == 0) {
          ending.wrong = [check = ending.wrong, before](const Follower& end) {
            if (Occasions(end, "lapsed") != before) return std::string("somebody lapses anew");
            return check(end);
          };
        }
        histories.push_back({std::move(name), std::move(world), std::move(ending), set == 0});
      }
    }
  }
  return histories;
}

namespace {

constexpr int kSteps = 160;

class SegmentHistory {
 public:
  explicit SegmentHistory(uint64_t seed)
      : links_(seed, seed % 3 == 0 ? 12 : 5), splits_(seed % 3 != 0), page_(1 + links_.Pick(4)) {}

  std::string Run() {
    Follower world = Fresh();
    for (int step = 0; step < kSteps; ++step) {
      for (int i = links_.Pick(4); i > 0; --i) Next(&world);
      Happen(&world);
    }
    if (std::string wrong = Finish(&world); !wrong.empty()) return wrong;
    if (std::string wrong = CheckPlaces(world); !wrong.empty()) return wrong;
    Follower again = Fresh();
    for (const Happens& put : script_) put(&again);
    if (std::string wrong = Finish(&again); !wrong.empty()) return Cat("second: ", wrong);
    const Ending ending = SegmentEnding();
    const std::string one = ending.final(world);
    const std::string other = ending.final(again);
    return one == other ? "" : Cat("one schedule ends as\n", one, "another as\n", other);
  }

 private:
  Follower Fresh() const {
    Follower world = SegmentMembers(page_);
    links_.Begin(&world);
    return world;
  }

  void Put(Follower* world, Happens what) {
    what(world);
    script_.push_back(std::move(what));
  }

  void PutLink(Follower* world, std::optional<Happens> what) {
    if (what.has_value()) Put(world, *std::move(what));
  }

  void Next(Follower* world) {
    if (world->channels.empty()) return;
    auto channel = world->channels.begin();
    std::advance(channel, links_.Pick(static_cast<int>(world->channels.size())));
    const std::string name = channel->first;
    world->Deliver(name, links_.Pick(6) == 0 && world->MayRepeat(name));
  }

  std::string Finish(Follower* world) {
    for (int steps = 0; steps < 100'000 && !world->channels.empty(); ++steps) Next(world);
    if (!world->channels.empty()) return "it never comes to rest";
    if (!world->violations.empty()) return world->violations.front();
    return SegmentEnding().wrong(*world);
  }

  void Happen(Follower* world) {
    const int what = links_.Pick(100);
    if (what < 55) return Order(world);
    if (what < 75) return RefundOne(world);
    if (what < 77) return links_.Listed();
    if (what < 87 || !splits_) return PutLink(world, links_.Join());
    PutLink(world, what < 95 ? links_.Undo() : links_.Cut());
  }

  void Order(Follower* world) {
    const std::string fragment = links_.AnyFragment();
    std::string order = Cat("o", ++orders_);
    int64_t cents = 100 * (1 + links_.Pick(9));
    const int64_t days = links_.Pick(4) == 0 ? 200 : links_.Pick(20);
    told_.emplace_back(order, fragment);
    orders_of_[fragment].insert(order);
    Put(world, [=, to = links_.Target(fragment)](Follower* w) {
      Buy(w, to, fragment, order, cents, days);
    });
  }

  void RefundOne(Follower* world) {
    if (told_.empty()) return;
    const auto [order, fragment] =
        told_[static_cast<size_t>(links_.Pick(static_cast<int>(told_.size())))];
    const int64_t cents = 50 * (1 + links_.Pick(9));
    Put(world, [=, order = order, fragment = fragment, to = links_.Target(fragment),
                refund = Cat("r", ++refunds_)](Follower* w) {
      Refund(w, to, fragment, order, refund, cents);
    });
  }

  // Every order is where its fragment is and nowhere else.
  std::string CheckPlaces(const Follower& world) const {
    std::map<std::string, std::set<std::string>> expected;
    for (const auto& [fragment, orders] : orders_of_) {
      for (const std::string& order : orders) {
        expected[links_.HomeOf(fragment)].insert(Cat("order/tmall/", order));
      }
    }
    for (const std::string& member : links_.Everybody()) {
      std::set<std::string> found;
      for (const auto& [sub, value] : world.State(member).values) {
        if (sub.starts_with("order/")) found.insert(sub);
      }
      if (found != expected[member]) return Cat(member, " does not have its orders");
    }
    return "";
  }

  Links links_;
  const bool splits_;
  const int page_;
  std::vector<std::pair<std::string, std::string>> told_;
  std::map<std::string, std::set<std::string>> orders_of_;
  std::vector<Happens> script_;
  int orders_ = 0, refunds_ = 0;
};

}  // namespace

std::string RunSegmentHistory(uint64_t seed) { return SegmentHistory(seed).Run(); }

}  // namespace regulars::property_handoff
