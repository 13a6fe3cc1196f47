// Several members of one pool with the real PointsProgram, and everything that is on its way to
// them: a copyable value, so that a search may branch at every choice. Each member is a shard of
// its own. Channels are FIFO: touches per member, identity's merges and splits per member, handoffs
// per pair of members, commands per list. Any channel may be next; what is on none is not on its
// way. Broken invariants and duplicates of published events end up in `violations`.
#ifndef REGULARS_TESTS_PROPERTY_HANDOFF_WORLD_H_
#define REGULARS_TESTS_PROPERTY_HANDOFF_WORLD_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/shard/kernel.h"
#include "services/points/codec/book.h"
#include "services/points/codec/points_program.h"

namespace regulars::property_handoff {

inline constexpr int64_t kStartUs = 1'700'000'000'000'000;

// A part of a split; a member that never was gets the first of its fragments.
struct Part {
  std::string member;
  std::vector<std::pair<std::string, uint32_t>> fragments;  // with epochs
};

// One thing that reaches a member.
struct Parcel {
  std::string member;  // entity, or the name a caller used
  shard::InputKind kind = shard::InputKind::kRecord;
  std::string type{};
  std::string id{};
  std::string payload{};
  int64_t time_us = kStartUs;
  bool again = false;  // it was delivered once already
};

class World {
 public:
  // `page`: facts per page.
  explicit World(int page, int expiry_days = 365);

  // What happens, put on its channel.
  void Touch(const std::string& member, const std::string& fragment, const std::string& order,
             int64_t cents, int64_t occurred_us = kStartUs);
  void RefundTouch(const std::string& member, const std::string& fragment, const std::string& order,
                   const std::string& refund, int64_t cents);
  void Merge(const std::string& merge_id, const std::string& loser, const std::string& survivor,
             const std::vector<std::pair<std::string, uint32_t>>& fragments);
  void Split(const std::string& split_id, const std::string& member, const std::vector<Part>& parts,
             const std::vector<std::string>& merge_ids);
  void Redeem(const std::string& list, const std::string& member, const std::string& id,
              int64_t points);
  void Reverse(const std::string& list, const std::string& member, const std::string& id);

  // Channels that have something which can be delivered now. A command that would be told to come
  // back waits.
  [[nodiscard]] std::vector<std::string> Ready() const;
  // Delivers the first of a channel; with `keep` it stays and is delivered a second time.
  void Deliver(const std::string& channel, bool keep = false);
  // Whether the channel's first may be delivered twice: a page or an acknowledgement.
  [[nodiscard]] bool MayRepeat(const std::string& channel) const;
  // Delivers in a fixed order until nothing is on its way.
  void Settle();
  // Moves the clock; timers due fire.
  void Advance(int64_t now_us);
  [[nodiscard]] bool Quiet() const;

  // The fragment that a member began with; "f-<member>" unless somebody says so before it is asked.
  void Begin(const std::string& member, const std::string& fragment) { first_[member] = fragment; }
  [[nodiscard]] std::string First(const std::string& member) const;

  // Everything that decides what happens next.
  [[nodiscard]] std::string Fingerprint() const;
  // What a member has when all is quiet: balance, orders, refunds, redemptions by id; with `lots`
  // also what is left of each order's lot, and debt.
  [[nodiscard]] std::string Final(bool lots) const;
  // Which commands were accepted; part of why a final state is what it is.
  [[nodiscard]] std::string Accepted() const;
  // What must hold when all is quiet; empty when it does.
  [[nodiscard]] std::string CheckQuiet() const;

  [[nodiscard]] points::v1::PointsRoot Root(const std::string& member) const;
  [[nodiscard]] int64_t Sum(const std::string& name) const;
  // Applies a command now; the reply of the one who answered.
  shard::Reply Ask(const std::string& member, const std::string& type, const std::string& id,
                   const std::string& payload, std::string* outcome);
  [[nodiscard]] const points::MemoryEntity& State(const std::string& member) const;

  // By channel; "handoff/<from>/<to>", "touch/<member>", "link/<member>", "command/<list>".
  std::map<std::string, std::deque<Parcel>> channels;
  std::vector<std::string> violations;
  std::vector<std::string> outcomes;  // newest last: "<member> <outcome>"
  int64_t now_us = kStartUs;

 private:
  std::string Apply(const std::string& member, shard::InputKind kind, const Parcel& parcel,
                    shard::Reply* reply);
  void Carry(const std::string& member, shard::Effects effects);

  const points::PointsProgram* program_;
  // Identity's books: lives of members, the fragments they began with, who is part of whom.
  std::map<std::string, uint32_t> lives_;
  std::map<std::string, std::string> first_;
  std::map<std::string, std::set<std::string>> absorbed_;
  std::map<std::string, points::MemoryEntity> members_;
  std::map<std::string, int64_t> sums_;
  std::map<std::string, std::string> accepted_;
};

}  // namespace regulars::property_handoff

#endif  // REGULARS_TESTS_PROPERTY_HANDOFF_WORLD_H_
