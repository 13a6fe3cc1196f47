// Rounds of markers: by themselves under random orders, and in the loop on the fake log.
#include "libs/shard/settling.h"

#include <deque>
#include <random>
#include <utility>

#include "libs/shard/testing/worker_fixture.h"

namespace regulars::shard {
namespace {

// A town of shards that talk to themselves: whatever arrives is passed on a few times.
class Town {
 public:
  Town(unsigned seed, size_t shards) : random_(seed), shards_(shards) {
    for (size_t i = 0; i < shards; ++i) {
      everybody_.push_back({"links", Cat(i)});
      shards_[i].from_others.resize(shards);
    }
    int64_t now = 0;
    for (int promise = 1; promise <= 5; ++promise) {
      for (size_t i = Draw(6); i > 0; --i) {
        Plan(Draw(shards), now + static_cast<int64_t>(Draw(20)), Draw(5));
      }
      now = promise * 10;  // so some of it is said too early: that is allowed
      for (Shard& shard : shards_) shard.outside.push_back({true, now, 0});
    }
    last_ = now;
  }

  void Run() {
    int64_t steps = 0;
    while (Step()) {
      ASSERT_LT(++steps, 100'000) << "rounds without an end";
      if (HasFatalFailure()) return;
    }
    for (Shard& shard : shards_) EXPECT_EQ(shard.rounds.settled_us(), last_);
    EXPECT_LE(markers_, int64_t(shards_.size()) * 200);
  }

 private:
  static bool HasFatalFailure() { return testing::Test::HasFatalFailure(); }
  struct Word {
    bool is_clock = false;  // a promise from outside, or a marker
    int64_t time_us = 0;
    int hops = 0;
    Settling::Marker marker{};
  };
  struct Shard {
    std::deque<Word> outside;
    std::vector<std::deque<Word>> from_others;
    int64_t promised_us = 0;
    Settling rounds;
  };

  size_t Draw(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }
  void Plan(size_t shard, int64_t time_us, size_t hops) {
    // Nothing is said that was promised not to come.
    const int64_t promised = shards_[shard].outside.empty() ? 0 : [&] {
      int64_t last = 0;
      for (const Word& word : shards_[shard].outside) {
        if (word.is_clock) last = word.time_us;
      }
      return last;
    }();
    shards_[shard].outside.push_back({false, std::max(promised, time_us), int(hops)});
  }
  void PassOn(size_t from, const Word& word) {
    if (word.hops == 0) return;
    for (size_t copies = Draw(2) + 1; copies > 0; --copies) {
      shards_[Draw(shards_.size())].from_others[from].push_back(
          {false, word.time_us, word.hops - 1});
    }
  }

  // One shard takes a batch of one place, then looks at its rounds. False: nothing is left.
  bool Step() {
    std::vector<std::pair<size_t, std::deque<Word>*>> places;
    for (size_t i = 0; i < shards_.size(); ++i) {
      if (!shards_[i].outside.empty()) places.emplace_back(i, &shards_[i].outside);
      for (auto& queue : shards_[i].from_others) {
        if (!queue.empty()) places.emplace_back(i, &queue);
      }
    }
    if (places.empty()) return false;
    const auto [at, place] = places[Draw(places.size())];
    Shard& shard = shards_[at];
    for (size_t batch = Draw(3) + 1; batch > 0 && !place->empty(); --batch) {
      const Word word = place->front();
      place->pop_front();
      const bool outside = place == &shard.outside;
      if (!word.is_clock) {
        if (!outside) shard.rounds.NoteApplied(word.time_us);
        PassOn(at, word);
      } else if (outside) {
        shard.promised_us = word.time_us;
      } else {
        const size_t from = static_cast<size_t>(place - shard.from_others.data());
        shard.rounds.Take(everybody_[from], word.marker);
      }
    }
    if (Draw(4) == 0) shard.rounds = Settling(shard.rounds.Stored("cofco"));  // another owner
    if (const auto marker = shard.rounds.Advance(everybody_, shard.promised_us)) {
      ++markers_;
      for (Shard& other : shards_) other.from_others[at].push_back({true, 0, 0, *marker});
    }
    CheckSettled(shard.rounds.settled_us());
    return true;
  }

  void CheckSettled(int64_t settled_us) {
    for (const Shard& shard : shards_) {
      for (const Word& word : shard.outside) {
        ASSERT_TRUE(word.is_clock || word.time_us >= settled_us);
      }
      for (const auto& queue : shard.from_others) {
        for (const Word& word : queue) ASSERT_TRUE(word.is_clock || word.time_us >= settled_us);
      }
    }
  }

  std::mt19937 random_;
  std::vector<Shard> shards_;
  std::vector<Settling::From> everybody_;
  int64_t last_ = 0, markers_ = 0;
};

TEST(SettlingTest, NothingEarlierIsOnItsWayWhenAnInstantIsSettledInAnyOrder) {
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(seed);
    Town(seed, seed % 4 + 1).Run();
    if (HasFailure()) return;
  }
}

// As CounterProgram, and "hop:<n>" goes on to another entity of the service n times.
class HoppingProgram : public CounterProgram {
 public:
  std::vector<InputTopic> inputs() const override {
    return {{"identity", "events", 0}, {"points", "handoff", -2}};
  }
  Effects Apply(const EntityState& state, const Input& input) const override {
    Effects effects = CounterProgram::Apply(state, input);
    if (!input.payload.starts_with("hop:")) return effects;
    const int left = std::stoi(input.payload.substr(4));
    if (left > 0) {
      effects.publishes.push_back({"handoff", Cat("m_", left),
                                   "io.regulars.identity.v1.MemberResolved", Cat("hop/", input.id),
                                   Cat("hop:", left - 1), input.now_us});
    }
    return effects;
  }
};

class LoopTest : public WorkerTest {
 protected:
  LoopTest() {
    EXPECT_TRUE(log_.CreateTopic("regulars.points.handoff.v1.g1", kShards).ok());
    used_program_ = &hopping_;
  }
  // Events whose partition had promised already that they would not come.
  size_t EventsAgainstAPromise() {
    size_t late = 0;
    for (int32_t partition = 0; partition < kShards; ++partition) {
      int64_t promised_us = 0;
      for (const auto& record : log_.ReadCommitted({"regulars.points.events.v1.g1", partition})) {
        const auto event = events::FromHeaders(record.headers);
        if (event->type == events::kClockAdvanced) {
          promised_us = event->time_us;
        } else if (event->time_us < promised_us) {
          ++late;
        }
      }
    }
    return late;
  }
  HoppingProgram hopping_;
};

TEST_F(LoopTest, TheClockWaitsForWhatTheServiceSaysToItself) {
  const int64_t then = 1'000'000 * kSecond;
  Send(kReplayPool, "m_0", "hop:9", then);
  SendClock(then + kSecond);
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Published(), 10u);
  EXPECT_EQ(EventsAgainstAPromise(), 0u);
  for (const ShardStatus& status : worker_->Snapshot()) {
    EXPECT_EQ(status.clocks.at(kReplayPool), then + kSecond);
  }
}

TEST_F(LoopTest, TheClockWaitsThroughEveryCrash) {
  int64_t then = 1'000'000 * kSecond;
  size_t sent = 0;
  for (const char* point : {"produced", "before_commit", "committed", "stored"}) {
    for (int steps = 0; steps < 8; ++steps, then += 10 * kSecond) {
      SCOPED_TRACE(Cat(point, " after ", steps));
      Start();
      ASSERT_TRUE(Settle());
      Send(kReplayPool, "m_0", "hop:9", then);
      SendClock(then + kSecond);
      for (int i = 0; i < steps; ++i) EXPECT_TRUE(worker_->Step(absl::ZeroDuration()).ok());
      crash_at_ = point;
      (void)Settle();
      Crash();
      crash_at_.clear();
      Start();
      ASSERT_TRUE(Settle());
      for (const ShardStatus& status : worker_->Snapshot()) {
        EXPECT_EQ(status.clocks.at(kReplayPool), then + kSecond);
      }
      Crash();
      EXPECT_EQ(Published(), sent += 10);
      EXPECT_EQ(EventsAgainstAPromise(), 0u);
    }
  }
}

TEST_F(LoopTest, AnIdlePoolWritesNoMarkers) {
  Start();
  SendClock(5 * kSecond);
  ASSERT_TRUE(Settle());
  const auto count = [&] {
    size_t markers = 0;
    for (int32_t partition = 0; partition < kShards; ++partition) {
      markers += log_.ReadCommitted({"regulars.points.handoff.v1.g1", partition}).size();
    }
    return markers;
  };
  const size_t before = count();
  EXPECT_LE(before, size_t{3} * kShards * kShards);
  ASSERT_TRUE(Settle());
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace regulars::shard
