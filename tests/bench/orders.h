// The orders that the points figures are made of: a pure function of their index, so that the
// filler, the checker and the caller of RedeemPoints agree without a file between them.
//
// Index 0 .. members-1 is every member's first order. Behind them half of the orders come from a
// tenth of the members, the other half from all; every hundredth record repeats an earlier order.
#ifndef REGULARS_TESTS_BENCH_ORDERS_H_
#define REGULARS_TESTS_BENCH_ORDERS_H_

#include <cstdint>
#include <string>

#include "tests/bench/flags.h"

namespace regulars::bench {

struct Workload {
  int64_t members = 0;
  int64_t records = 0;   // members included
  int64_t begin_us = 0;  // time of the first order; one millisecond between two
  int32_t shards = 4;
  std::string pool;

  explicit Workload(const Flags& flags);
};

struct Order {
  int64_t number = 0;  // its id; a repeat has the number of the first
  int64_t member = 0;
  int64_t amount_minor = 0;
  bool first_of_member = false;
  bool repeat = false;
};

[[nodiscard]] Order OrderAt(const Workload& workload, int64_t index);
// Whole points of it at one point per whole currency unit.
[[nodiscard]] int64_t PointsOf(const Order& order);
[[nodiscard]] std::string MemberId(int64_t member);

// A number in 0 .. 2^64-1 that looks random (splitmix64).
[[nodiscard]] uint64_t Mix(uint64_t value);

}  // namespace regulars::bench

#endif  // REGULARS_TESTS_BENCH_ORDERS_H_
