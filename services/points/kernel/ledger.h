// The rules of the ledger for one input of one member: five operations on a WorkingSet, each of
// which posts balanced entries and says what happened. Pure: time and ids come with the input.
//
// Double entry, per member and, through the sums, per shard and program (moved_*: kernel/move.h):
//   issued + moved_in = outstanding + redeemed + expired + reversed + moved_out
//   outstanding = balance = points in open lots - debt
// Rules:
//   earn      floor(amount * rate) points, minus what pays debt, become one lot that expires at the
//             order's time + expiry_days * 24 h; a lot that is past its expiry expires at once.
//   refund    an order keeps what an order of the amount not refunded would have earned, so
//   rounding is
//             the same for every cut of a refund and the order of refunds does not matter. The rest
//             is reversed out of exactly the order's lot; what was spent becomes debt; what had
//             expired is not taken a second time.
//   redeem    earliest expiry first; never below zero: points <= balance.
//   reverse   exactly the allocations of the redemption, minus what pays debt, go back to their
//   lots;
//             those of lots past their expiry expire at once.
//   expire    at the timer of the earliest lot, at most kLotsPerExpiryMax lots per firing.
// Points that come in pay debt before they become a lot.
// Thread-safety: none; lives for one input. Errors: outcomes only; a broken invariant crashes.
#ifndef REGULARS_SERVICES_POINTS_KERNEL_LEDGER_H_
#define REGULARS_SERVICES_POINTS_KERNEL_LEDGER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/shard/kernel.h"
#include "regulars/points/v1/points_state.pb.h"
#include "services/points/kernel/outcomes.h"
#include "services/points/kernel/poster.h"
#include "services/points/kernel/program_config.h"
#include "services/points/kernel/working_set.h"

namespace regulars::points {

inline constexpr int64_t kPointsPerOrderMax = 1'000'000'000'000;
inline constexpr int64_t kRedeemPointsMax = 1'000'000'000'000;
inline constexpr int64_t kLedgerPointsMax = 4'000'000'000'000'000'000;  // issued, per member
inline constexpr int kPendingRefundsMax = 32;                           // per order
inline constexpr int64_t kLotsPerRedemptionMax = 16'384;
inline constexpr int kLotsPerExpiryMax = 100;
inline constexpr size_t kReasonBytesMax = 256;

struct PaidOrder {
  std::string order_key;  // keys.h OrderKey
  int64_t amount_minor = 0;
  std::string currency_code;
  Origin origin;
};

struct RefundedOrder {
  std::string order_key;
  std::string refund_id;
  int64_t amount_minor = 0;
  std::string currency_code;
  bool whole_order = false;
  Origin origin;
};

struct Redemption {
  std::string redemption_id;
  int64_t points = 0;
  std::string reason;
  Origin origin;
  std::string member{};  // whose name the caller used, if it was an alias
};

struct Reversal {
  std::string redemption_id;
  std::string reason;
  Origin origin;
  std::string member{};
};

// Whether a lot has the number of this entry.
[[nodiscard]] bool MakesLot(const v1::EntryState& entry);

// When that lot expires.
[[nodiscard]] int64_t LotExpiry(const v1::EntryState& earned);

class Ledger {
 public:
  Ledger(const shard::EntityState& state, const ProgramConfig& config, const Member& member,
         bool timer_fired = false);

  // The member was seen; it has a ledger from now on, with a balance of zero.
  void Open();
  EarnOutcome Earn(const PaidOrder& order);
  RefundOutcome Refund(const RefundedOrder& refund, int pending_max = kPendingRefundsMax);
  // On an outcome with code kOk, `state` is the redemption: `after` and `after_reversal` hold the
  // member's root as the answer showed it the first time.
  RedeemOutcome Redeem(const Redemption& redemption, v1::RedemptionState* state);
  ReverseOutcome Reverse(const Reversal& reversal, v1::RedemptionState* state);
  // Lots due at the member's `now_us`.
  ExpireOutcome Expire();

  // The effects of what was done, without outcome and reply. Call once, last.
  [[nodiscard]] shard::Effects Finish();

  // The root, for what merges and splits keep in it.
  [[nodiscard]] const v1::PointsRoot& root() const { return set_.root(); }
  void NoteHandoff(const std::string& survivor);
  // Lots wait until a move has ended before they expire.
  void HoldExpiry();

 private:
  friend class Mover;

  // A command counts from the clock at which it is applied.
  [[nodiscard]] Origin AppliedNow(Origin command) const;
  // The points of a new order: debt first, then the lot, which may be past its expiry.
  void PostEarned(const PaidOrder& order, int64_t points, v1::OrderState* state);
  // Applies refunds that came before their order; false if one of them is void.
  bool ApplyPending(const std::string& order_key, const std::vector<std::string>& refund_ids);
  // Moves what `refund` takes back; the number of its entry, 0 if it moved nothing.
  int64_t PostReversed(const RefundedOrder& refund, v1::OrderState* order);
  void ExpireLot(const LotKey& lot, int64_t points);
  // Counts points of an order's lot as expired at the order, for later refunds.
  void NoteExpired(const v1::EntryState& earned, int64_t points);
  // The lots that hold `points` in order of expiry; nullopt if they are too many.
  [[nodiscard]] std::optional<std::vector<v1::Allocation>> PickLots(int64_t points) const;
  [[nodiscard]] std::vector<v1::Allocation> AllocationsOf(const std::string& redemption_id,
                                                          const v1::RedemptionState& state) const;
  // The entry that made a lot: an order earned it, or a move brought it.
  [[nodiscard]] v1::EntryState EarnedEntry(int64_t sequence) const;
  // Keeps what another fragment told of a known order, for the case of a split.
  void KeepDouble(const PaidOrder& order, const v1::OrderState& known);
  // Points of an allocation that its lot can take back: none if its order is in another ledger.
  [[nodiscard]] int64_t RoomFor(const v1::Allocation& taken) const;
  // A lot without an order, for points whose own lot is elsewhere.
  void Credit(const std::string& why, int64_t points);
  // Takes what is owed out of `points`; what is left for lots.
  int64_t PayDebt(int64_t points);
  void Move(int64_t balance_delta);

  const ProgramConfig& config_;
  Member member_;
  WorkingSet set_;
  Poster poster_;
};

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_KERNEL_LEDGER_H_
