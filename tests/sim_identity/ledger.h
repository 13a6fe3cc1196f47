// A tiny points service that follows identity's events as docs say a follower must: every touch
// earns one point under its fragment, a merge moves everything of the loser, a split moves
// fragments. Its members are on shards of their own, with FIFO channels from identity's shards and
// between its own. Not thread-safe.
#ifndef REGULARS_TESTS_SIM_IDENTITY_LEDGER_H_
#define REGULARS_TESTS_SIM_IDENTITY_LEDGER_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libs/shard/kernel.h"
#include "tests/sim/rng.h"

namespace regulars::sim_identity {

class Ledger {
 public:
  Ledger(uint64_t seed, int32_t shards) : rng_(seed ^ 0x1ed6e4), shards_(shards) {}

  void Hear(int32_t from, const shard::Publish& event);
  // One message of a random channel; false if there is none.
  bool StepOnce();
  void Drain() {
    while (StepOnce()) {
    }
  }

  struct Held {
    int64_t points = 0;
    std::string via;  // the member that was named when it was heard of first
  };
  struct Account {
    std::map<std::string, Held> fragments;
    struct At {
      std::string member;
      uint32_t epoch = 0;
    };
    std::map<std::string, At> moved;       // fragments that a split or a merge took away
    std::map<std::string, uint32_t> here;  // counted here: the newest number of its splits
    std::map<std::string, At> gone;        // members that a split took away
    std::map<std::string, int64_t> came;   // members that came with a merge: the life that ended
    std::string survivor;                  // not empty: a stub
    int64_t stub_epoch = -1;
    int64_t live_epoch = 0;

    // The fragment came here under a greater number than what is heard now.
    bool IsHereAfter(const std::string& fragment, uint32_t number) const {
      const auto it = here.find(fragment);
      return it != here.end() && it->second > number;
    }
    // Identity says that it is here under this number.
    void Counted(const std::string& fragment, uint32_t number) {
      uint32_t& known = here[fragment];
      known = std::max(known, number);
      const auto it = moved.find(fragment);
      if (it != moved.end() && it->second.epoch <= number) moved.erase(it);
    }
  };
  const std::map<std::string, Account>& accounts() const { return accounts_; }
  int64_t resolved() const { return resolved_; }
  // Fragments of the resolved touches of each object and touch.
  const std::map<std::string, int64_t>& by_touch() const { return by_touch_; }

 private:
  struct Note {
    enum Kind { kEarn, kMerged, kSplit, kPage } kind = kEarn;
    std::string member;      // whom it is for
    std::string payload;     // the event, of kMerged and kSplit
    std::string fragment;    // of kEarn
    std::string name;        // of kEarn: the member that identity named
    int64_t live_epoch = 0;  // the epoch under which `member` lives, as far as the sender knows
    struct Line {
      std::string fragment, via;
      uint32_t epoch = 0;
      int64_t points = 0;
      bool counted = true;  // identity has listed the fragment
    };
    std::deque<Line> lines;  // of kPage
    // Of a page of a merge: the loser's life that ended, and who came with it.
    int64_t loser_epoch = -1;
    std::vector<std::string> names;
  };
  int32_t ShardOf(const std::string& member) const;
  void Send(const std::string& from, Note note);
  void Apply(const Note& note);
  void Earn(Account* account, const Note& note);
  void Merged(Account* account, const Note& note);
  void Split(Account* account, const Note& note);
  void Page(Account* account, const Note& note);

  sim::Rng rng_;
  const int32_t shards_;
  std::map<std::pair<int32_t, int32_t>, std::deque<Note>> channels_;
  std::map<std::string, Account> accounts_;
  std::map<std::string, int64_t> by_touch_;
  int64_t resolved_ = 0;
};

}  // namespace regulars::sim_identity

#endif  // REGULARS_TESTS_SIM_IDENTITY_LEDGER_H_
