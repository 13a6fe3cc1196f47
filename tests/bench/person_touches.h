// The touches that the identity figures are made of, in the form in which ingest writes them: a
// pure function of their index. Index 0 .. members-1 is every member's first touch, a visit that
// names a card and a proved openid; behind them come visits of the same people with the same two
// identifiers, so of somebody known: half of them of a tenth of the members, every hundredth the
// repeat of an earlier one (orders.h).
#ifndef REGULARS_TESTS_BENCH_PERSON_TOUCHES_H_
#define REGULARS_TESTS_BENCH_PERSON_TOUCHES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "regulars/ingest/v1/ingest_events.pb.h"
#include "regulars/types/v1/identifier.pb.h"
#include "tests/bench/orders.h"

namespace regulars::bench {

struct PersonTouch {
  std::string pivot;  // identifier key: the entity
  ingest::v1::TouchReceived received;
};

// An identifier that looks as if a customer's number had been hashed. The same number of two types
// gives two values.
[[nodiscard]] types::v1::Identifier IdentifierOf(std::string_view type, int64_t number);

// A visit; the first identifier is the pivot.
[[nodiscard]] PersonTouch Visit(int64_t number, int64_t occurred_us,
                                std::vector<types::v1::Identifier> identifiers);

[[nodiscard]] PersonTouch TouchAt(const Workload& workload, int64_t index);

}  // namespace regulars::bench

#endif  // REGULARS_TESTS_BENCH_PERSON_TOUCHES_H_
