#include "tests/property_handoff/histories.h"

#include <functional>
#include <set>
#include <utility>

#include "libs/base/text.h"
#include "libs/base/time.h"

namespace regulars::property_handoff {
namespace {

// What may happen beside the merge. `lots`: the lots and debts do not depend on the order either.
struct Happening {
  std::string name;
  std::function<void(World*)> put;
  bool lots = true;
  std::string clashes{};  // with this one the order matters by the rules of the ledger
};

std::vector<Happening> Happenings() {
  return {
      {"l-earns", [](World* w) { w->Touch("m_l", "fl", "A3", 4'000); }},
      {"s-earns", [](World* w) { w->Touch("m_s", "fs", "B2", 7'000); }},
      {"s-has-A1-too", [](World* w) { w->Touch("m_s", "fs", "A1", 10'000); }, true, "refund"},
      {"late-for-l", [](World* w) { w->Touch("m_s", "fl", "A4", 3'000); }},
      {"refund", [](World* w) { w->RefundTouch("m_l", "fl", "A1", "r1", 2'500); }},
      {"refund-first",
       [](World* w) {
         w->RefundTouch("m_l", "fl", "A9", "r9", 1'000);
         w->Touch("m_s", "fl", "A9", 5'000);
       }},
      {"l-redeems", [](World* w) { w->Redeem("m_l", "m_l", "x1", 60); }, false},
      {"s-redeems", [](World* w) { w->Redeem("m_s", "m_s", "x2", 90); }, false},
      {"l-redeems-and-undoes",
       [](World* w) {
         w->Redeem("m_l", "m_l", "x3", 40);
         w->Reverse("m_l", "m_l", "x3");
       },
       false},
  };
}

// How the two are joined and parted.
std::vector<Happening> Ways() {
  const auto merge = [](World* w) { w->Merge("m1", "m_l", "m_s", {{"fl", 0}}); };
  const auto split = [](World* w) {
    w->Split("p1", "m_s", {{"m_l", {{"fl", 1}}}, {"m_s", {{"fs", 0}}}}, {"m1"});
  };
  return {
      {"merge", merge},
      {"merge-split",
       [=](World* w) {
         merge(w);
         split(w);
       }},
      {"merge-split-merge",
       [=](World* w) {
         merge(w);
         split(w);
         w->Merge("m2", "m_l", "m_s", {{"fl", 1}});
       }},
      {"merge-merge",
       [=](World* w) {
         merge(w);
         w->Merge("m3", "m_s", "m_t", {{"fs", 0}, {"fl", 0}});
       }},
  };
}

World Beginning(int page) {
  World world(page);
  world.Begin("m_l", "fl");
  world.Begin("m_s", "fs");
  world.Touch("m_l", "fl", "A1", 10'000, kStartUs - kMicrosPerDay);
  world.Touch("m_l", "fl", "A2", 5'000, kStartUs - 2 * kMicrosPerDay);
  world.Touch("m_s", "fs", "B1", 10'000, kStartUs - 3 * kMicrosPerDay);
  world.Settle();
  return world;
}

}  // namespace

std::vector<SmallHistory> SmallHistories(int most) {
  std::vector<SmallHistory> histories;
  const std::vector<Happening> happenings = Happenings();
  for (const Happening& way : Ways()) {
    for (uint32_t set = 0; set < (1U << happenings.size()); ++set) {
      if (__builtin_popcount(set) > most) continue;
      std::string name = way.name;
      bool lots = true;
      bool clash = false;
      World world = Beginning(way.name == "merge-split-merge" ? 2 : 1);
      way.put(&world);
      std::set<std::string> names;
      for (size_t i = 0; i < happenings.size(); ++i) {
        if ((set >> i & 1U) == 0) continue;
        happenings[i].put(&world);
        names.insert(happenings[i].name);
        Append(&name, " ", happenings[i].name);
        lots = lots && happenings[i].lots;
      }
      for (const Happening& happening : happenings) {
        clash = clash || (names.contains(happening.name) && names.contains(happening.clashes));
      }
      // A refund of an order that both told of counts for both while they are one, for ever: a
      // split does not give money back a second time.
      if (clash && way.name.find("split") != std::string::npos) continue;
      const bool small = set == 0;
      histories.push_back({std::move(name), std::move(world), {.lots = lots, .repeats = small}});
    }
  }
  return histories;
}

}  // namespace regulars::property_handoff
