// The points program in process: no Kafka, no store, no network. Prints inputs per second and the
// bytes an input writes to the changelog (keys and values). Not part of ctest.
//   regulars-points-bench --benchmark_min_time=2
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "libs/base/text.h"
#include "libs/base/time.h"
#include "services/points/codec/book.h"

namespace regulars::points {
namespace {

constexpr int64_t kNow = 10'000 * kMicrosPerDay;
constexpr int kBatch = 10'000;

std::vector<shard::Input> Orders(const Book& book, int first) {
  std::vector<shard::Input> inputs;
  inputs.reserve(kBatch);
  for (int i = 0; i < kBatch; ++i) {
    const int64_t at = kNow + (first + i) * kMicrosPerSecond;
    identity::v1::MemberResolved event = Book::Resolved(Cat(first + i), at);
    auto* paid = event.mutable_touch()->mutable_body()->mutable_order_paid();
    paid->set_order_id(Cat(100'000 + first + i));
    paid->set_amount_minor(2'999);
    paid->set_currency_code("USD");
    inputs.push_back(book.Record(event, at));
  }
  return inputs;
}

// Decode and Apply of new orders; the effects are looked at, not stored.
void Earn(benchmark::State& state) {
  Book book({});
  book.Paid("first", 5'000, kNow, kNow);
  const std::vector<shard::Input> inputs = Orders(book, 1);
  int64_t bytes = 0;
  size_t next = 0;
  for (auto _ : state) {
    shard::Input input = inputs[next];
    next = (next + 1) % inputs.size();
    bool skip = false;
    if (!book.program.Decode(&input, &skip).ok()) state.SkipWithError("refused");
    shard::Effects effects = book.program.Apply(book.state, input);
    benchmark::DoNotOptimize(effects);
  }
  book.Touched(Book::Resolved("x", kNow), kNow);
  book.Apply(inputs.front());
  bytes = book.changelog_bytes;
  state.SetItemsProcessed(state.iterations());
  state.counters["changelog_bytes"] = static_cast<double>(bytes);
}
BENCHMARK(Earn);

// Apply alone: the kernel's part.
void EarnApply(benchmark::State& state) {
  Book book({});
  book.Paid("first", 5'000, kNow, kNow);
  std::vector<shard::Input> inputs = Orders(book, 1);
  for (shard::Input& input : inputs) {
    bool skip = false;
    if (!book.program.Decode(&input, &skip).ok()) state.SkipWithError("refused");
  }
  size_t next = 0;
  for (auto _ : state) {
    shard::Effects effects = book.program.Apply(book.state, inputs[next]);
    next = (next + 1) % inputs.size();
    benchmark::DoNotOptimize(effects);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(EarnApply);

// A redemption that takes `lots` lots, not stored.
void Redeem(benchmark::State& state) {
  Book book({});
  const int64_t lots = state.range(0);
  for (int64_t i = 0; i < lots; ++i) book.Paid(Cat("A", i), 100, kNow + i, kNow + i);
  v1::RedeemPointsRequest request;
  request.set_name(Book::BalanceName());
  request.set_redemption_id("x");
  request.set_points(lots);
  shard::Input command;
  command.kind = shard::InputKind::kCommand;
  command.pool = Book::kPool;
  command.entity = book.member;
  command.type = "RedeemPoints";
  command.payload = request.SerializeAsString();
  command.now_us = kNow + kMicrosPerDay;
  for (auto _ : state) {
    shard::Input input = command;
    bool skip = false;
    if (!book.program.Decode(&input, &skip).ok()) state.SkipWithError("refused");
    shard::Effects effects = book.program.Apply(book.state, input);
    benchmark::DoNotOptimize(effects);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Redeem)->Arg(1)->Arg(100)->Arg(10'000);

}  // namespace
}  // namespace regulars::points

BENCHMARK_MAIN();
