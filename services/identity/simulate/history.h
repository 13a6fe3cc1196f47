// What the log knows of every decision about who is one person: the evidence, when it was decided,
// and how. Read from the newest value of each key of identity's changelog, which is kept for ever
// (touches, links and events are gone after weeks): pairs that touches named (`peer/`), edges,
// edges that splits revoked, stopped links, pairs that stay apart.
//
// What it does not know, and how it is treated: a pair that 64 later ones drove out at both of its
// ends is gone, unless it is an edge or among the 100 newest stopped links of a member; identifiers
// that left their member (recycled, shared) left it, whatever the rules; hints stay hints. Records
// of before the time of a decision was kept (`decided_us`, `seen_us`) have the time of their touch.
// Thread-safety: none. Units: microseconds by the pool's clock. Memory: about three times the bytes
// of keys and values, which `bytes_max` bounds.
#ifndef REGULARS_SERVICES_IDENTITY_SIMULATE_HISTORY_H_
#define REGULARS_SERVICES_IDENTITY_SIMULATE_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/time.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/identity/v1/identity_state.pb.h"

namespace regulars::identity::simulate {

// How a link was decided when it happened. At one instant they count in this order.
enum class Past : uint8_t {
  kLeft,       // not a link: the identifier of `first` left its member
  kJoined,     // an edge
  kCommand,    // an edge by a person's word: holds under any rules
  kStopped,    // by `rule`
  kContested,  // one end named nobody any more
  kDenied,     // one end had been stopped with this member before
  kUnknown,    // it is being decided, or its record was driven out
};

struct Decision {
  size_t first = 0;   // fragment of the pivot: an index into History::fragments
  size_t second = 0;  // fragment of the identifier that was claimed
  Micros at_us = 0;
  Past past = Past::kUnknown;
  std::string rule;  // of kStopped
  std::string touch_id;
  Micros occurred_us = 0;
};

struct History {
  std::vector<v1::MemberFragment> fragments;     // in order of id
  std::vector<std::string> held_by;              // the root that each belongs to now
  std::vector<v1::BirthOrder> births;            // of the member that would begin with it
  std::vector<bool> began;                       // a member began with it; else it was claimed
  std::vector<Decision> decisions;               // in order of time
  std::vector<std::pair<size_t, size_t>> apart;  // a split keeps them apart
};

// Asked again and again by what takes long; once it says yes it stays so, and what was made is of
// no use.
using StopAsked = std::function<bool()>;

class HistoryReader {
 public:
  HistoryReader(std::string pool, size_t bytes_max)
      : pool_(std::move(pool)), bytes_max_(bytes_max) {}

  // Whether Add wants values of this state key.
  [[nodiscard]] static bool Reads(std::string_view sub);
  // The newest value of a key, once per key, in any order. FAILED_PRECONDITION
  // HISTORY_TOO_LARGE; DATA_LOSS: it does not parse.
  absl::Status Add(std::string_view entity, std::string_view sub, std::string_view value);
  // After the last value. `contested_max` of the rules of now. Ends the reader.
  [[nodiscard]] History Finish(int64_t contested_max, const StopAsked& stop = nullptr);

 private:
  using Keys = std::pair<std::string, std::string>;  // of two identifiers, the smaller first
  struct Named {                                     // two that a touch named together
    std::string pivot_key, touch_id;
    Micros occurred_us = 0, at_us = 0;
    bool pivot_contested = false;
  };
  struct Stop {
    std::string pivot_key, touch_id, rule;
    Micros occurred_us = 0, at_us = 0;
  };
  struct Doubt {  // of an identifier
    int64_t contested = 0;
    bool denies = false;
  };
  struct Held {
    std::string member;
    v1::MemberFragment fragment;
  };
  absl::Status AddMember(std::string_view entity, std::string_view sub, std::string_view value);
  absl::Status AddIdentifier(std::string_view entity, std::string_view sub, std::string_view value);
  void TakeFragments(History* history, const StopAsked& stop);
  void TakeEdges(History* history, const StopAsked& stop);
  static void PutInOrder(History* history, const StopAsked& stop);
  void TakeStopped(History* history, int64_t contested_max, const StopAsked& stop);
  [[nodiscard]] bool WasExpelled(const std::string& member, const v1::MemberFragment& first) const;
  // Index of the fragment; npos if nobody holds it.
  [[nodiscard]] size_t IndexOf(const std::string& fragment) const;
  [[nodiscard]] Keys KeysOf(const History& history, size_t a, size_t b) const;
  [[nodiscard]] size_t FragmentOf(const std::string& key) const;

  const std::string pool_;
  const size_t bytes_max_;
  size_t bytes_ = 0;
  std::map<std::string, v1::MemberState> members_;
  std::map<std::string, Doubt> doubted_;  // by identifier key; whom nobody doubts is not here
  std::vector<Held> held_;
  std::vector<v1::MemberEdge> edges_, revoked_;
  std::vector<v1::DoNotLink> apart_;
  std::map<Keys, Named> named_;
  std::map<Keys, Stop> stopped_;
  std::map<std::string, size_t> index_;    // fragment -> index
  std::map<std::string, size_t> current_;  // identifier key -> index of its newest fragment
  std::map<Keys, bool> covered_;           // pairs that are an edge, or were one
};

}  // namespace regulars::identity::simulate

#endif  // REGULARS_SERVICES_IDENTITY_SIMULATE_HISTORY_H_
