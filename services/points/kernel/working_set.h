// The member's state while one input is applied: reads fall through to the entity's state, writes
// stay here until Finish turns them into effects, one per key. Keeps the root, the order of lots
// and the one timer in step: `next_expiry_us` is the earliest open lot and the instant of the timer
// `expire`. Thread-safety: none; lives for one input.
#ifndef REGULARS_SERVICES_POINTS_KERNEL_WORKING_SET_H_
#define REGULARS_SERVICES_POINTS_KERNEL_WORKING_SET_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "google/protobuf/message_lite.h"
#include "libs/base/assert.h"
#include "libs/shard/kernel.h"
#include "regulars/points/v1/points_state.pb.h"
#include "services/points/kernel/keys.h"

namespace regulars::points {

struct OpenLot {
  LotKey key;
  int64_t remaining = 0;
};

class WorkingSet {
 public:
  // `timer_fired`: the input is the timer `expire` itself, so it is not set any more.
  WorkingSet(const shard::EntityState& state, bool timer_fired);

  // False for a member this service never heard of.
  [[nodiscard]] bool known() const { return known_; }
  // Makes the member known. A fresh root numbers its entries from 1.
  v1::PointsRoot* OpenRoot();
  [[nodiscard]] const v1::PointsRoot& root() const { return root_; }

  template <typename M>
  [[nodiscard]] std::optional<M> Load(std::string_view sub) const {
    const std::optional<std::string> bytes = Get(sub);
    if (!bytes) return std::nullopt;
    M message;
    REGULARS_ASSERT(message.ParseFromString(*bytes), "a state value does not parse");
    return message;
  }
  void Store(std::string sub, const google::protobuf::MessageLite& message);
  void Delete(std::string sub) { changes_.insert_or_assign(std::move(sub), std::nullopt); }
  // The first key at or after `from` that starts with `prefix`, changes of this input included.
  [[nodiscard]] std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                                        std::string from) const;
  // The least text above `sub`: no key holds a zero byte.
  [[nodiscard]] static std::string JustAfter(std::string_view sub);

  // Open lots in order of (expiry, number), changes of this input included.
  [[nodiscard]] std::optional<OpenLot> FirstLot() const;
  [[nodiscard]] std::optional<OpenLot> LotAfter(const LotKey& lot) const;
  [[nodiscard]] int64_t LotRemaining(const LotKey& lot) const;
  // A lot that never was: reads nothing.
  void NewLot(const LotKey& lot, int64_t points);
  // A lot that may be open or empty.
  void AddToLot(const LotKey& lot, int64_t points);
  // At most what is in it (asserted).
  void TakeFromLot(const LotKey& lot, int64_t points);

  // The root with the earliest expiry up to date.
  [[nodiscard]] const v1::PointsRoot& SettledRoot();

  // Puts, deletes, the timer and the sums
  // `<program>/issued|outstanding|redeemed|expired|reversed|debt|moved_in|moved_out`: what was
  // posted here, whatever else the totals of the root hold (PointsRoot.elsewhere).
  void Finish(std::string_view program, shard::Effects* effects);

 private:
  [[nodiscard]] std::optional<std::string> Get(std::string_view sub) const;
  [[nodiscard]] std::optional<OpenLot> LotFrom(std::string from) const;
  void SetLot(const LotKey& lot, int64_t remaining);
  void CountIn(const LotKey& lot, int64_t points);
  void RecomputeEarliest();

  const shard::EntityState& state_;
  std::map<std::string, std::optional<std::string>, std::less<>> changes_;
  bool known_ = false;
  bool earliest_gone_ = false;
  std::string root_bytes_;  // as read
  int64_t timer_at_us_ = 0;
  v1::PointsRoot before_;
  v1::PointsRoot root_;
};

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_KERNEL_WORKING_SET_H_
