// A page that is being filled with what leaves. Internal to the move.
#ifndef REGULARS_SERVICES_POINTS_KERNEL_LEAVING_H_
#define REGULARS_SERVICES_POINTS_KERNEL_LEAVING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "libs/base/assert.h"
#include "services/points/kernel/move.h"

namespace regulars::points {

template <typename M>
M Parsed(const std::string& bytes) {
  M message;
  REGULARS_ASSERT(message.ParseFromString(bytes), "a value of the ledger does not parse");
  return message;
}

inline v1::MovedRefund ToMove(const std::string& order_key, std::string refund_id,
                              v1::RefundState state, const std::string& fragment) {
  v1::MovedRefund moved;
  moved.set_order_key(order_key);
  moved.set_refund_id(std::move(refund_id));
  state.clear_entry_sequence();
  state.clear_double_fragments();
  *moved.mutable_state() = std::move(state);
  moved.set_fragment_id(fragment);
  return moved;
}

struct Mover::Leaving {
  const handoff::Protocol& protocol;
  const handoff::v1::Outgoing& move;
  v1::PointsCursor cursor;
  v1::PointsPage page;
  size_t bytes = 0;
  int64_t points = 0;      // worth of the page so far
  int64_t not_posted = 0;  // of it, without a line yet
  std::string name;        // of the page

  v1::MovedFact* Add() { return page.add_facts(); }
  void Count() { bytes += page.facts(page.facts_size() - 1).ByteSizeLong(); }
  void Left(int64_t worth) {
    points += worth;
    not_posted += worth;
  }
};

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_KERNEL_LEAVING_H_
