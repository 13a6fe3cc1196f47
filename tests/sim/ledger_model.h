// A naive ledger of one member: it follows the events in order and says what is wrong with the
// first one that it would not have made. Plain value.
#ifndef REGULARS_TESTS_SIM_LEDGER_MODEL_H_
#define REGULARS_TESTS_SIM_LEDGER_MODEL_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "regulars/points/v1/points_events.pb.h"
#include "tests/sim/workload.h"

namespace regulars::sim {

struct Figures {
  int64_t issued = 0, outstanding = 0, redeemed = 0, expired = 0, reversed = 0;
  friend bool operator==(const Figures&, const Figures&) = default;
  void operator+=(const Figures& other);
  [[nodiscard]] std::string Text() const;
};

class LedgerModel {
 public:
  LedgerModel(const std::vector<const SentTouch*>& touches, int64_t lot_life_us);

  // "" or what is wrong.
  std::string Apply(std::string_view type, const std::string& value);
  std::string Finish(int64_t now_us) const;
  const Figures& figures() const { return figures_; }
  const std::set<std::string>& redemptions() const { return redemptions_; }
  const std::set<std::string>& reversals() const { return reversals_; }

 private:
  using Lot = std::pair<int64_t, int64_t>;  // expiry, number of the entry that earned it
  struct Order {
    const SentTouch* touch = nullptr;
    std::vector<const SentTouch*> refunds;  // in the order of the log
    int64_t earned_entry = 0;
    int64_t reversed = 0;
    int64_t lost = 0;  // expired
    Lot lot;
  };

  std::string CheckPosting(const points::v1::Posting& posting, int64_t balance_delta);
  std::string Earned(const points::v1::PointsEarned& event);
  std::string Reversed(const points::v1::PointsReversed& event);
  std::string Redeemed(const points::v1::PointsRedeemed& event);
  std::string Returned(const points::v1::RedemptionReversed& event);
  std::string Expired(const points::v1::PointsExpired& event);
  Order* OrderOfLot(int64_t number);
  static int64_t PointsOf(int64_t amount_minor) { return amount_minor / 100; }
  static int64_t RefundedBy(const Order& order, size_t refunds);

  int64_t life_us_;
  std::map<std::string, Order> orders_;  // "order/shop/o1"
  std::map<Lot, int64_t> lots_;
  std::map<std::string, std::vector<std::pair<Lot, int64_t>>> taken_;  // by redemption
  std::set<std::string> redemptions_, reversals_;
  Figures figures_;
  int64_t debt_ = 0;
  int64_t next_entry_ = 0;
  int64_t waiting_loss_ = 0;  // of the reversal before: an expiry entry has to follow
};

}  // namespace regulars::sim

#endif  // REGULARS_TESTS_SIM_LEDGER_MODEL_H_
