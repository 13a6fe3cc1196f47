#include "tests/property_handoff/send_histories.h"

#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "libs/base/text.h"
#include "services/messaging/kernel/send_book.h"
#include "tests/property_handoff/links.h"
#include "tests/property_handoff/send_world.h"

namespace regulars::property_handoff {
namespace {

struct Happening {
  std::string name;
  Happens put;
};

std::vector<Happening> Happenings() {
  return {
      {"l-lapses-late", [](Follower* w) { Lapse(w, "m_l", 30); }},
      {"s-lapses", [](Follower* w) { Lapse(w, "m_s", 40); }},
      {"s-continues", [](Follower* w) { Lapse(w, "m_s", 50, /*continues=*/true); }},
      {"l-told-again",
       [](Follower* w) {
         w->ids_may_repeat = true;
         Lapse(w, "m_l", 20);
       }},
      {"provider-tells", [](Follower* w) { Delivered(w, "m_l", 10); }},
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

// Everything is decided, what the sender reports is on its way.
Follower Beginning(int page, uint64_t reports) {
  Follower world = SendMembers(page, reports);
  world.Begin("m_l", "fl");
  world.Begin("m_s", "fs");
  Lapse(&world, "m_l", 10);
  Lapse(&world, "m_l", 20);
  Lapse(&world, "m_s", 10);
  for (const char* channel : {"entry/m_l", "entry/m_l", "entry/m_s"}) world.Deliver(channel);
  return world;
}

}  // namespace

std::vector<FollowerHistory> SendHistories(int most) {
  struct Sender {
    uint64_t reports;
    std::string name;
    int happens;  // it counts as so many other things
  };
  const std::vector<Sender> senders = {{kNoReports, "unsent", 0},
                                       {kFirstJobs, "sent", 1},
                                       {kMovedJobs, "sent anew", 1},
                                       {kEveryJob, "sent twice", 2}};
  std::vector<FollowerHistory> histories;
  const std::vector<Happening> happenings = Happenings();
  for (const Happening& way : Ways()) {
    for (const Sender& sender : senders) {
      for (uint32_t set = 0; set < (1U << happenings.size()); ++set) {
        if (__builtin_popcount(set) + sender.happens > most) continue;
        Follower world = Beginning(way.name == "merge-split-merge" ? 2 : 1, sender.reports);
        std::string name = Cat(sender.name, " ", way.name);
        way.put(&world);
        for (size_t i = 0; i < happenings.size(); ++i) {
          if ((set >> i & 1U) == 0) continue;
          happenings[i].put(&world);
          Append(&name, " ", happenings[i].name);
        }
        const bool repeats = set == 0 && sender.happens == 0;
        histories.push_back({std::move(name), std::move(world), SendEnding(), repeats});
      }
    }
  }
  return histories;
}

namespace {

constexpr int kSteps = 160;
constexpr uint64_t kSomeJobs = 100;

class SendHistory {
 public:
  explicit SendHistory(uint64_t seed)
      : seed_(seed),
        links_(seed, seed % 3 == 0 ? 12 : 5),
        splits_(seed % 3 != 0),
        told_twice_(seed % 4 == 0),
        page_(1 + links_.Pick(4)) {}

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
    const Ending ending = SendEnding();
    const std::string one = ending.final(world);
    const std::string other = ending.final(again);
    return one == other ? "" : Cat("one schedule ends as\n", one, "another as\n", other);
  }

 private:
  Follower Fresh() const {
    Follower world = SendMembers(page_, kSomeJobs + seed_);
    world.ids_may_repeat = told_twice_;
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
    return SendEnding().wrong(*world);
  }

  void Happen(Follower* world) {
    const int what = links_.Pick(100);
    if (what < 60) return Enter(world);
    if (what < 75) return Tell(world);
    if (what < 87 || !splits_) return PutLink(world, links_.Join());
    PutLink(world, what < 95 ? links_.Undo() : links_.Cut());
  }

  void Enter(Follower* world) {
    std::string member = links_.AnyMember();
    // Two members may enter at one instant; one member does not, unless it is told twice.
    int64_t occurrence = 10 * (1 + links_.Pick(40));
    if (!told_twice_ && entered_[member].contains(occurrence)) occurrence = 10'000 + ++entries_;
    const bool continues = links_.Pick(8) == 0 && !entered_[member].contains(occurrence);
    if (continues)
      return Put(world, [=, member = std::move(member), at = 20'000 + ++entries_](Follower* w) {
        Lapse(w, member, at, true);
      });
    entered_[member].insert(occurrence);
    Put(world, [=, member = std::move(member)](Follower* w) { Lapse(w, member, occurrence); });
  }

  void Tell(Follower* world) {
    std::string member = links_.AnyMember();
    const std::set<int64_t>& entered = entered_[member];
    if (entered.empty()) return;
    auto chosen = entered.begin();
    std::advance(chosen, links_.Pick(static_cast<int>(entered.size())));
    Put(world, [member = std::move(member), at = *chosen, n = ++tells_](Follower* w) {
      Delivered(w, member, at, n);
    });
  }

  // Every send is where the fragment is that its origin began with, and nowhere else.
  std::string CheckPlaces(const Follower& world) const {
    std::map<std::string, std::set<std::string>> expected;
    for (const auto& [origin, occurrences] : entered_) {
      const std::string& member = links_.Root(origin);
      for (const int64_t at : occurrences) {
        std::string sub = Cat("send/win-back/", at);
        if (origin != member) sub = messaging::SendSubOf(sub, origin);
        expected[member].insert(std::move(sub));
      }
    }
    for (const std::string& member : links_.Everybody()) {
      std::set<std::string> found;
      for (const auto& [sub, value] : world.State(member).values) {
        if (sub.starts_with(messaging::kSendPrefix)) found.insert(sub);
      }
      if (found != expected[member]) return Cat(member, " does not have its sends");
    }
    return "";
  }

  const uint64_t seed_;
  Links links_;
  const bool splits_;
  const bool told_twice_;
  const int page_;
  std::map<std::string, std::set<int64_t>> entered_;
  std::vector<Happens> script_;
  int64_t entries_ = 0, tells_ = 0;
};

}  // namespace

std::string RunSendHistory(uint64_t seed) { return SendHistory(seed).Run(); }

}  // namespace regulars::property_handoff
