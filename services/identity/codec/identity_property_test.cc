// Random histories: whatever the repeats and whatever the order, every touch counts once and every
// identifier has one member.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "libs/base/text.h"
#include "libs/base/time.h"
#include "services/identity/codec/program_harness.h"

namespace regulars::identity {
namespace {

constexpr int kSeeds = 200;
constexpr Micros kNow = 500 * kMicrosPerDay;

struct History {
  std::vector<ingest::v1::Touch> touches;  // distinct
  std::set<std::string> people;
};

History RandomHistory(std::mt19937_64* random) {
  const auto below = [&](uint64_t n) { return (*random)() % n; };
  History history;
  const uint64_t count = 1 + below(60);
  for (uint64_t i = 0; i < count; ++i) {
    const std::string person = Cat("p", below(6));
    const Micros at = kNow - static_cast<Micros>(below(399)) * kMicrosPerDay;
    ingest::v1::Touch touch = TouchOf(person, "till", Cat("n", i), at);
    switch (below(3)) {
      case 0:
        touch.mutable_body()->mutable_order_paid()->set_order_id(Cat("A", i));
        touch.mutable_body()->mutable_order_paid()->set_amount_minor(
            static_cast<int64_t>(below(1000)));
        break;
      case 1:
        touch.mutable_body()->mutable_code_scanned()->set_code_hmac(
            Cat(1000 + i, std::string(28, 'c')));
        break;
      default:
        touch.mutable_body()->mutable_visit()->set_place("hall");
    }
    history.people.insert(person);
    history.touches.push_back(std::move(touch));
  }
  return history;
}

TEST(IdentityProperty, EveryTouchCountsOnceWhateverTheRepeatsAndTheOrder) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    std::mt19937_64 random(seed);
    const History history = RandomHistory(&random);
    std::vector<ingest::v1::Touch> deliveries = history.touches;
    const size_t repeats = random() % 100;
    for (size_t i = 0; i < repeats; ++i) {
      deliveries.push_back(history.touches[random() % history.touches.size()]);
    }
    std::shuffle(deliveries.begin(), deliveries.end(), random);

    Harness harness;
    std::map<std::string, std::set<std::string>> members_of_identifier;
    std::set<std::string> members;
    size_t resolved = 0;
    for (const ingest::v1::Touch& touch : deliveries) {
      for (const v1::MemberResolved& event : harness.Feed(touch, kNow).resolved) {
        ++resolved;
        members.insert(event.member());
        members_of_identifier[event.pivot().hmac()].insert(event.member());
      }
    }
    EXPECT_EQ(resolved, history.touches.size()) << "seed " << seed;
    EXPECT_EQ(harness.sum("touches_new"), static_cast<int64_t>(history.touches.size()));
    EXPECT_EQ(harness.sum("touches_duplicate"), static_cast<int64_t>(repeats)) << "seed " << seed;
    EXPECT_EQ(members.size(), history.people.size()) << "seed " << seed;
    for (const auto& [hmac, ids] : members_of_identifier) EXPECT_EQ(ids.size(), 1u);
    for (const auto& [id, times] : harness.resolved_ids()) EXPECT_EQ(times, 1) << id;
  }
}

TEST(IdentityProperty, TheSameLogGivesTheSameStateByteForByte) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const History history = RandomHistory(&random);
    std::string dumps[2];
    for (std::string& dump : dumps) {
      Harness harness;
      for (const ingest::v1::Touch& touch : history.touches) harness.Feed(touch, kNow);
      for (const auto& [entity, state] : harness.states()) dump += entity + "\n" + state.Dump();
    }
    EXPECT_EQ(dumps[0], dumps[1]);
  }
}

TEST(IdentityProperty, ALogPlayedTwiceChangesNothing) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    const History history = RandomHistory(&random);
    Harness harness;
    for (const ingest::v1::Touch& touch : history.touches) harness.Feed(touch, kNow);
    std::string before;
    for (const auto& [entity, state] : harness.states()) before += entity + "\n" + state.Dump();
    for (const ingest::v1::Touch& touch : history.touches) {
      EXPECT_TRUE(harness.Feed(touch, kNow).types.empty());
    }
    std::string after;
    for (const auto& [entity, state] : harness.states()) after += entity + "\n" + state.Dump();
    EXPECT_EQ(before, after) << "seed " << seed;
  }
}

}  // namespace
}  // namespace regulars::identity
