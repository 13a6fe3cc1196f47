// One verb per figure: each prints one line of JSON.
#ifndef REGULARS_TESTS_BENCH_VERBS_H_
#define REGULARS_TESTS_BENCH_VERBS_H_

#include "tests/bench/flags.h"

namespace regulars::bench {

void Fill(const Flags& flags);         // orders as MemberResolved records into a topic
void FillTouches(const Flags& flags);  // touches as TouchReceived records into a topic
void Handlers(const Flags& flags);     // identity in process
void Echo(const Flags& flags);         // consume -> produce, no transaction
void Digest(const Flags& flags);       // PointsEarned of a topic per member, or what they must be
void View(const Flags& flags);         // guarded writes to Redis against MSET
void Redeem(const Flags& flags);       // RedeemPoints and bare transactions, in turn
void Touches(const Flags& flags);      // RecordTouches streams at full rate

}  // namespace regulars::bench

#endif  // REGULARS_TESTS_BENCH_VERBS_H_
