// Large histories: identity in small, and what reaches members meanwhile.
#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "libs/base/text.h"
#include "libs/base/time.h"
#include "tests/property_handoff/histories.h"

namespace regulars::property_handoff {
namespace {

constexpr int kSteps = 160;

bool Contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// Identity in small: who is where, and what it publishes.
class RandomHistory {
 public:
  explicit RandomHistory(uint64_t seed)
      : random_(seed), with_splits_(Pick(3) > 0), members_(with_splits_ ? 5 : 12) {
    for (int i = 0; i < members_; ++i) {
      first_[Cat("m_", i)] = Fragment(i, 0);
      for (int k = 0; k < 2; ++k) {
        const std::string fragment = Fragment(i, k);
        home_[fragment] = Cat("m_", i);
        epoch_[fragment] = 0;
        // What a member did not begin with may have come to it a while before it hears of that.
        if (k == 0 || Pick(2) == 0) continue;
        unlisted_[fragment] = Cat("m_", i);
        late_[fragment] = Cat("m_", i);
      }
    }
    expiry_ = Pick(3) == 0;
    page_ = 1 + Pick(4);
  }

  std::string Run() {
    World world = Fresh(expiry_ ? 30 : 365);
    for (int step = 0; step < kSteps; ++step) {
      for (int i = Pick(4); i > 0; --i) Next(&world);
      Happen(&world);
      if (expiry_ && Pick(8) == 0) world.Advance(world.now_us + Pick(9) * kMicrosPerDay);
    }
    if (std::string wrong = Finish(&world); !wrong.empty()) return wrong;
    if (std::string wrong = CheckPlaces(world); !wrong.empty()) return wrong;
    if (expiry_) return "";  // what expires depends on when
    World again = Fresh(365);
    for (const auto& put : script_) put(&again);
    if (std::string wrong = Finish(&again); !wrong.empty()) return Cat("second: ", wrong);
    if (world.Accepted() != again.Accepted()) return "";
    if (world.Final(false) == again.Final(false)) return "";
    return Cat("one schedule ends as\n", world.Final(false), "another as\n", again.Final(false));
  }

 private:
  World Fresh(int expiry_days) const {
    World world(page_, expiry_days);
    for (const auto& [member, fragment] : first_) world.Begin(member, fragment);
    return world;
  }
  static std::string Fragment(int member, int which) {
    return Cat("f", std::string(1, static_cast<char>('a' + member)), which);
  }
  int Pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  void Put(World* world, std::function<void(World*)> what) {
    what(world);
    script_.push_back(std::move(what));
  }

  // Delivers one thing, if there is one.
  void Next(World* world) {
    if (world->channels.empty()) return;
    auto channel = world->channels.begin();
    std::advance(channel, Pick(static_cast<int>(world->channels.size())));
    const std::string name = channel->first;
    world->Deliver(name, Pick(6) == 0 && world->MayRepeat(name));
  }

  std::string Finish(World* world) {
    for (int steps = 0; steps < 100'000 && !world->channels.empty(); ++steps) Next(world);
    world->Advance(world->now_us);
    world->Settle();
    if (!world->violations.empty()) {
      std::string text = world->violations.front();
      for (const std::string& outcome : world->outcomes) Append(&text, "; ", outcome);
      return text;
    }
    return world->CheckQuiet();
  }

  // Who answers for a member: whoever has the fragment that it began with.
  std::string Root(const std::string& member) const { return home_.at(first_.at(member)); }

  // Fragments of a member, as identity lists them: not those that it has not heard of yet.
  std::vector<std::string> FragmentsOf(const std::string& member) const {
    std::vector<std::string> all;
    for (const auto& [fragment, home] : home_) {
      if (home == member && !unlisted_.contains(fragment)) all.push_back(fragment);
    }
    return all;
  }

  Part PartOf(const std::string& member) const {
    Part part{.member = member, .fragments = {}};
    for (const std::string& fragment : FragmentsOf(member)) {
      part.fragments.emplace_back(fragment, epoch_.at(fragment));
    }
    return part;
  }

  void MoveTo(const std::string& fragment, const std::string& member) {
    past_[fragment].push_back(home_[fragment]);
    home_[fragment] = member;
  }

  // What nobody listed is where the name is that it was heard of under.
  void MoveUnlisted() {
    for (const auto& [fragment, via] : unlisted_) home_[fragment] = Root(via);
  }

  void Happen(World* world) {
    const int what = Pick(100);
    if (what < 45) return Order(world);
    if (what < 55) return Refund(world);
    if (what < 75) return Command(world);
    if (what < 77) return Listed();
    if (what < 87 || !with_splits_) return Join(world);
    if (what < 95) return Undo(world);
    Cut(world);
  }

  // Identity's member hears of a fragment that is its own; nothing is published.
  void Listed() {
    if (unlisted_.empty()) return;
    auto chosen = unlisted_.begin();
    std::advance(chosen, Pick(static_cast<int>(unlisted_.size())));
    past_[chosen->first].push_back(chosen->second);
    unlisted_.erase(chosen);
  }

  // To where the fragment is, or was a while ago.
  std::string Target(const std::string& fragment) {
    if (const auto via = unlisted_.find(fragment); via != unlisted_.end()) return via->second;
    const auto& past = past_[fragment];
    if (!past.empty() && Pick(4) == 0) return past.back();
    return home_[fragment];
  }

  void Order(World* world) {
    const std::string fragment = Fragment(Pick(members_), Pick(2));
    std::string order = Cat("o", fragment, "-", ++orders_);
    int64_t cents = 100 * (1 + Pick(90));
    if (!told_.empty() && Pick(6) == 0) {  // another channel tells of an order, too
      const auto& known = told_[static_cast<size_t>(Pick(static_cast<int>(told_.size())))];
      if (!refunded_.contains(known.first)) {
        order = known.first;
        cents = known.second;
        doubled_.insert(order);
      }
    }
    told_.emplace_back(order, cents);
    orders_of_[fragment].insert(order);
    const int64_t occurred = kStartUs - Pick(20) * kMicrosPerDay;
    Put(world,
        [=, to = Target(fragment)](World* w) { w->Touch(to, fragment, order, cents, occurred); });
  }

  void Refund(World* world) {
    if (told_.empty()) return;
    const auto [order, cents] = told_[static_cast<size_t>(Pick(static_cast<int>(told_.size())))];
    if (doubled_.contains(order)) return;
    refunded_.insert(order);
    const std::string fragment = order.substr(1, 3);
    const std::string refund = Cat("r", ++refunds_);
    const int64_t back = 1 + Pick(static_cast<int>(cents));
    Put(world, [=, order = order, to = Target(fragment)](World* w) {
      w->RefundTouch(to, fragment, order, refund, back);
    });
  }

  void Command(World* world) {
    const std::string member = Cat("m_", Pick(members_));
    if (Pick(4) == 0 && !redemptions_.empty()) {
      const auto [id, name] =
          redemptions_[static_cast<size_t>(Pick(static_cast<int>(redemptions_.size())))];
      Put(world, [=, id = id, name = name](World* w) { w->Reverse(name, name, id); });
      return;
    }
    const std::string id = Cat("x", ++commands_);
    redemptions_.emplace_back(id, member);
    const int64_t points = 1 + Pick(60);
    Put(world, [=](World* w) { w->Redeem(member, member, id, points); });
  }

  void Join(World* world) {
    const std::string a = Root(Cat("m_", Pick(members_)));
    const std::string b = Root(Cat("m_", Pick(members_)));
    if (a == b) return;
    const std::string& survivor = std::min(a, b);  // the older one
    const std::string& loser = std::max(a, b);
    const Part joining = PartOf(loser);
    const std::string id = Cat("merge", ++merges_);
    joined_[loser] = {.merge_id = id, .fragments = FragmentsOf(loser)};
    for (const auto& [fragment, epoch] : joining.fragments) MoveTo(fragment, survivor);
    MoveUnlisted();
    Put(world, [=](World* w) { w->Merge(id, loser, survivor, joining.fragments); });
  }

  void Undo(World* world) {
    if (joined_.empty()) return;
    auto chosen = joined_.begin();
    std::advance(chosen, Pick(static_cast<int>(joined_.size())));
    const std::string loser = chosen->first;
    const std::string root = Root(loser);
    const std::string merge_id = chosen->second.merge_id;
    std::vector<std::string> leaving;
    for (const std::string& fragment : chosen->second.fragments) {
      if (home_[fragment] == root) leaving.push_back(fragment);
    }
    // What was named with one of them goes where that goes.
    for (const auto& [fragment, via] : late_) {
      if (home_[fragment] != root || unlisted_.contains(fragment)) continue;
      if (!Contains(leaving, fragment) && Contains(leaving, first_.at(via))) {
        leaving.push_back(fragment);
      }
    }
    joined_.erase(chosen);
    Separate(world, root, loser, leaving, {merge_id});
  }

  // A fragment that no member began with becomes a member of its own.
  void Cut(World* world) {
    const std::string root = Root(Cat("m_", Pick(members_)));
    std::vector<std::string> may;
    for (const std::string& fragment : FragmentsOf(root)) {
      const bool first = std::any_of(first_.begin(), first_.end(),
                                     [&](const auto& entry) { return entry.second == fragment; });
      if (!first && !late_.contains(fragment)) may.push_back(fragment);
    }
    if (may.empty()) return;
    const std::string fragment = may[static_cast<size_t>(Pick(static_cast<int>(may.size())))];
    const std::string fresh = Cat("m_n", ++splits_);
    first_[fresh] = fragment;
    Separate(world, root, fresh, {fragment}, {});
  }

  void Separate(World* world, const std::string& root, const std::string& member,
                const std::vector<std::string>& leaving,
                const std::vector<std::string>& merge_ids) {
    for (const std::string& fragment : leaving) {
      MoveTo(fragment, member);
      ++epoch_[fragment];
    }
    MoveUnlisted();
    std::vector<Part> parts = {PartOf(root), PartOf(member)};
    if (merge_ids.empty() && Pick(2) == 0) parts.erase(parts.begin());  // as an expulsion does
    Put(world,
        [=, id = Cat("split", ++splits_)](World* w) { w->Split(id, root, parts, merge_ids); });
  }

  // Every order is where its fragment is and nowhere else; every redemption where its name is.
  std::string CheckPlaces(const World& world) const {
    std::map<std::string, std::set<std::string>> expected;
    for (const auto& [fragment, orders] : orders_of_) {
      for (const std::string& order : orders) {
        expected[home_.at(fragment)].insert(Cat("order/tmall/", order));
      }
    }
    const std::string accepted = world.Accepted();
    for (const auto& [id, name] : redemptions_) {
      if (accepted.find(Cat(id, "@", name, "=yes")) != std::string::npos) {
        expected[Root(name)].insert(Cat("redemption/", id));
      }
    }
    std::set<std::string> members;
    for (int i = 0; i < members_; ++i) members.insert(Cat("m_", i));
    for (const auto& [fragment, home] : home_) members.insert(home);
    for (const std::string& member : members) {
      std::set<std::string> found;
      if (world.Root(member).next_entry_sequence() == 0) {
        if (!expected[member].empty()) return Cat(member, " is unknown");
        continue;
      }
      for (const auto& [sub, value] : world.State(member).values) {
        const bool credit = sub.starts_with("order//");
        if (sub.starts_with("redemption/") || (sub.starts_with("order/") && !credit)) {
          points::v1::OrderState order;
          if (sub.starts_with("order/") && order.ParseFromString(value) && order.awaiting_order()) {
            continue;
          }
          found.insert(sub);
        }
      }
      for (const std::string& sub : found) {
        if (!expected[member].contains(sub)) return Cat(member, " has ", sub, " of another one");
      }
      for (const std::string& sub : expected[member]) {
        if (!found.contains(sub)) return Cat(member, " lacks ", sub);
      }
    }
    return "";
  }

  struct Joined {
    std::string merge_id;
    std::vector<std::string> fragments;
  };

  std::mt19937_64 random_;
  const bool with_splits_;
  const int members_;
  bool expiry_ = false;
  int page_ = 1;
  std::map<std::string, std::string> home_;  // by fragment
  std::map<std::string, uint32_t> epoch_;
  std::map<std::string, std::vector<std::string>> past_;
  std::map<std::string, std::string> first_;     // by member
  std::map<std::string, std::string> unlisted_;  // fragment -> the name that its touches have
  std::map<std::string, std::string> late_;      // the same for what was unlisted at first
  std::map<std::string, Joined> joined_;         // by loser
  std::vector<std::pair<std::string, int64_t>> told_;
  std::map<std::string, std::set<std::string>> orders_of_;
  std::set<std::string> refunded_, doubled_;
  std::vector<std::pair<std::string, std::string>> redemptions_;
  std::vector<std::function<void(World*)>> script_;
  int orders_ = 0, refunds_ = 0, commands_ = 0, merges_ = 0, splits_ = 0;
};

}  // namespace

std::string RunRandomHistory(uint64_t seed) { return RandomHistory(seed).Run(); }

}  // namespace regulars::property_handoff
