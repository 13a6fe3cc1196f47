// A member's ledger as the cargo of a merge or a split (libs/handoff/protocol.h).
//
// What moves are facts, each worth points on its own:
//   order        what it earned - what refunds and expiry took          (its lot comes with it,
//   full) redemption   - its points while it stands, 0 once undone            (then takes its lots'
//   points)
// so that balance = sum of the orders - sum of the standing redemptions, here and on every page,
// and facts may be sent, split up and sent back in any order. An order belongs to its fragment, and
// its refunds go with it; a redemption belongs to the member whose name the caller used. Entries
// never move: each ledger shows what was written in it, a MOVED_IN per fact that came and a
// MOVED_OUT per page that left.
//
// Spent by one side out of lots of the other: when those lots leave, the points stay with them. The
// side that spent pays from its own lots, earliest expiry first; what it lacks becomes debt. (The
// other way round nothing can be lacking: a lot comes home full and loses what its own side took.)
// The rare rest (points that go back to a lot that is elsewhere) becomes a credit: a lot without an
// order, key "/<why>", worth nothing as a fact.
//
// The same order or redemption on both sides: the one that comes is kept as a double, which does
// not count (posting DUPLICATE_AFTER_MERGE). Its refunds count for the one that stands, too. A
// double goes home as it came; if the standing one leaves, the double stands again.
//
// Thread-safety: none; lives for one input. Limits: MoveLimits.
#ifndef REGULARS_SERVICES_POINTS_KERNEL_MOVE_H_
#define REGULARS_SERVICES_POINTS_KERNEL_MOVE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "libs/handoff/protocol.h"
#include "regulars/points/v1/points_handoff.pb.h"
#include "services/points/kernel/ledger.h"

namespace regulars::points {

inline constexpr std::string_view kOrderPrefix = "order/";
inline constexpr std::string_view kDoubleOrderPrefix = "double_order/";
inline constexpr std::string_view kDoubleRedemptionPrefix = "double_redemption/";

inline constexpr int kRefundsWithOrderMax = 128;
inline constexpr int kPendingRefundsMovedMax = 96;  // per order, of all members that became one
inline constexpr int kLotsSettledMax = 1'000;
inline constexpr int kDoublesAtRestMax = 100;  // looked at when a move has ended

struct MoveLimits {
  size_t facts = 100;         // on a page
  size_t bytes = 256 * 1024;  // a page is full at this size; one fact adds at most 160 KiB
  size_t keys = 2'000;        // looked at for a page
  size_t publishes = 64;      // the rest of a page waits for another input
};

class Mover final : public handoff::Cargo {
 public:
  Mover(Ledger* ledger, const MoveLimits& limits) : ledger_(*ledger), limits_(limits) {}

  bool Load(const handoff::Protocol& protocol, handoff::v1::Outgoing* move,
            handoff::v1::Page* page) override;
  void Sent(const handoff::v1::Outgoing& move) override;
  handoff::Unloaded Unload(const handoff::Protocol& protocol,
                           const handoff::v1::Page& page) override;
  void AtRest() override;

  // A refund that waits found no room and was given up.
  [[nodiscard]] bool refund_lost() const { return refund_lost_; }

 private:
  struct Leaving;  // a Load under way

  void LoadOrder(Leaving* leaving, std::string_view sub, const std::string& bytes);
  void LoadWaitingRefunds(Leaving* leaving, const std::string& order_key, v1::OrderState order);
  void LoadMoreRefunds(Leaving* leaving);
  void LoadRedemption(Leaving* leaving, std::string_view sub, const std::string& bytes);
  void LoadMoreAllocations(Leaving* leaving);
  void LoadDoubleOrder(Leaving* leaving, std::string_view sub, const std::string& bytes);
  void LoadDoubleRedemption(Leaving* leaving, std::string_view sub, const std::string& bytes);
  // The double of what left counts from now on, if one stays.
  void PromoteOrder(Leaving* leaving, const std::string& order_key);
  void PromoteRedemption(Leaving* leaving, const std::string& redemption_id);
  void StandAgain(const std::string& sub, const v1::MovedOrder& doubled);
  void StandAgain(const std::string& sub, const v1::MovedRedemption& doubled);
  // Doubles of something that is not here.
  void StandAlone();
  // A double counts again: posted as issued, or what was taken off comes back.
  void PutBack(const v1::MovedOrder& doubled, int64_t worth);
  // Writes the line of what left so far.
  void PostLeft(Leaving* leaving);
  // Gives points back to a lot that stays; how many it took.
  int64_t GiveBack(const v1::Allocation& taken);

  void PutOrder(const v1::MovedOrder& moved);
  void PutDoubleOrder(const v1::MovedOrder& moved, const std::string& standing_fragment);
  // An order that counts from now on; `kind` is the line that says why.
  void PlaceOrder(const v1::MovedOrder& moved, EntryKind kind);
  void PutRefund(const v1::MovedRefund& moved);
  void PutDoubleRefund(const v1::MovedRefund& moved, const std::string& fragment);
  void PutRedemption(const v1::MovedRedemption& moved);
  void PlaceRedemption(const v1::MovedRedemption& moved, EntryKind kind);
  void PutAllocations(const v1::MovedAllocations& moved);
  // Takes what a redemption took out of the lots that are here.
  void TakeAllocations(const google::protobuf::RepeatedPtrField<v1::MovedAllocation>& moved,
                       v1::RedemptionState* state, v1::AllocationPage* page);

  void CountOrder(const v1::OrderState& order, int sign);
  void CountRedemption(int64_t points, int sign);
  int64_t PostLine(EntryKind kind, std::string_view natural_id, int64_t points,
                   const Origin& origin, int64_t expiry_days);
  void PublishMoved(const std::string& move_id, uint32_t page, uint32_t part, int64_t points);
  void PublishDuplicate(std::string_view natural_id, std::string_view origin, int64_t points,
                        bool undone);
  // Pays debt out of open lots, earliest expiry first.
  void PayFromLots(int64_t points);
  void CreditBelowZero(const std::string& why);

  Ledger& ledger_;
  const MoveLimits limits_;
  int64_t came_ = 0;      // points of the page that is unloaded
  bool placed_ = false;   // something of it is here
  bool foreign_ = false;  // its redemptions come home
  bool refund_lost_ = false;
};

// What an order earned, and what it is worth now.
[[nodiscard]] int64_t EarnedBy(const v1::OrderState& order);
[[nodiscard]] int64_t WorthOf(const v1::OrderState& order);

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_KERNEL_MOVE_H_
