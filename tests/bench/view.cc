// The guarded write path of the view (claim, then apply in pipelines as the view writer sends them)
// against plain MSETs of the same keys and values, in turn, on the same Redis and over the same
// kind of connection. Rates are the best round of each.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "libs/redis/connection.h"
#include "libs/redis/redis_view.h"
#include "libs/redis/view_keys.h"
#include "tests/bench/orders.h"
#include "tests/bench/verbs.h"

namespace regulars::bench {
namespace {

constexpr size_t kRequestsPerCall = 16;  // as ViewWriter pipelines them
constexpr int64_t kEpoch = 1;

struct Shape {
  int32_t shards = 4;
  int64_t keys_per_shard = 0;
  size_t value_bytes = 0;
};

redis::ShardId IdOf(const Shape& shape, int32_t shard) { return {"bench", shard, shape.shards}; }

// Keys and values of one shard; incompressible values, as protobuf messages are to Redis.
std::vector<redis::ViewOp> OpsOf(const Shape& shape, int32_t shard) {
  std::vector<redis::ViewOp> ops;
  for (int64_t i = 0; i < shape.keys_per_shard; ++i) {
    const int64_t member = i * shape.shards + shard;
    std::string value;
    while (value.size() < shape.value_bytes) {
      const uint64_t word = Mix(static_cast<uint64_t>(member) + value.size());
      value.append(reinterpret_cast<const char*>(&word), sizeof(word));
    }
    value.resize(shape.value_bytes);
    ops.push_back({Cat("bench|", MemberId(member), "|"), std::move(value)});
  }
  return ops;
}

void Claim(redis::RedisView* view, const Shape& shape) {
  for (int32_t shard = 0; shard < shape.shards; ++shard) {
    if (view->Claim(IdOf(shape, shard), "bench", kEpoch, 1, 0) != redis::ViewOutcome::kApplied) {
      Fail(Cat("claim: ", view->last_error()));
    }
  }
}

void ApplyAll(redis::RedisView* view, const redis::ShardId& id,
              const std::vector<redis::ViewOp>& ops) {
  for (size_t next = 0; next < ops.size();) {
    std::vector<redis::ApplyRequest> requests;
    while (requests.size() < kRequestsPerCall && next < ops.size()) {
      const size_t end = std::min(ops.size(), next + redis::kApplyKeysMax);
      requests.push_back({kEpoch,
                          1,
                          0,
                          0,
                          {ops.begin() + static_cast<std::ptrdiff_t>(next),
                           ops.begin() + static_cast<std::ptrdiff_t>(end)}});
      next = end;
    }
    for (const redis::ViewOutcome outcome : view->Apply(id, requests)) {
      if (outcome != redis::ViewOutcome::kApplied) Fail(Cat("apply: ", view->last_error()));
    }
  }
}

void MsetAll(redis::Connection* connection, const std::string& prefix,
             const std::vector<redis::ViewOp>& ops) {
  for (size_t next = 0; next < ops.size();) {
    std::string commands;
    size_t count = 0;
    for (; count < kRequestsPerCall && next < ops.size(); ++count) {
      const size_t end = std::min(ops.size(), next + redis::kApplyKeysMax);
      redis::AppendHeader(&commands, 1 + 2 * (end - next));
      redis::AppendArgument(&commands, "MSET");
      for (; next < end; ++next) {
        redis::AppendArgument(&commands, Cat(prefix, ops[next].key));
        redis::AppendArgument(&commands, *ops[next].value);
      }
    }
    const absl::Status sent = connection->Exchange(commands, count, [](const redisReply&) {});
    if (!sent.ok()) Fail(Cat("mset: ", StdView(sent.message())));
  }
}

template <typename Function>
double Seconds(Function function) {
  const int64_t start_us = MonotonicMicros();
  function();
  return static_cast<double>(MonotonicMicros() - start_us) / 1e6;
}

}  // namespace

void View(const Flags& flags) {
  Shape shape;
  shape.keys_per_shard = flags.Number("keys") / shape.shards;
  shape.value_bytes = static_cast<size_t>(flags.Number("value-bytes"));
  redis::RedisOptions options;
  options.addresses = {flags.Text("redis")};
  options.command_timeout_ms = 10'000;
  auto view = redis::RedisView::Create(options);
  auto address = redis::ParseAddress(flags.Text("redis"));
  if (!view.ok() || !address.ok()) Fail("the address of Redis");
  redis::Connection connection(&options, nullptr, *address);
  std::vector<std::vector<redis::ViewOp>> ops;
  for (int32_t shard = 0; shard < shape.shards; ++shard) ops.push_back(OpsOf(shape, shard));

  Claim(view->get(), shape);
  double view_s = 0;
  double mset_s = 0;
  const int64_t rounds = flags.NumberOr("rounds", 5);
  for (int64_t round = 0; round <= rounds; ++round) {  // round 0 creates the keys
    const double apply = Seconds([&] {
      for (int32_t shard = 0; shard < shape.shards; ++shard) {
        ApplyAll(view->get(), IdOf(shape, shard), ops[static_cast<size_t>(shard)]);
      }
    });
    const double mset = Seconds([&] {
      for (int32_t shard = 0; shard < shape.shards; ++shard) {
        MsetAll(&connection, redis::GenerationPrefix(IdOf(shape, shard), 1),
                ops[static_cast<size_t>(shard)]);
      }
    });
    if (round == 0) continue;
    view_s = view_s == 0 ? apply : std::min(view_s, apply);
    mset_s = mset_s == 0 ? mset : std::min(mset_s, mset);
  }
  const auto keys = static_cast<double>(shape.keys_per_shard * shape.shards);
  Answer answer;
  answer.AddReal("view_keys_per_s", keys / view_s);
  answer.AddReal("mset_keys_per_s", keys / mset_s);
  answer.Print();
}

}  // namespace regulars::bench
