// RedeemPoints through gRPC against the running service, and a bare transaction of the same shape,
// in turn, with a pause before each: nothing else is under way when one begins. The same process,
// broker and minute for both, so that the machine's mood is in both figures.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "regulars/points/v1/points_service.grpc.pb.h"
#include "tests/bench/bare_txn.h"
#include "tests/bench/orders.h"
#include "tests/bench/verbs.h"

namespace regulars::bench {
namespace {

constexpr int kWarmUp = 10;

class Redeemer {
 public:
  explicit Redeemer(const Flags& flags)
      : pool_(flags.TextOr("pool", "bench")),
        key_(Cat("Bearer ", flags.Text("api-key"))),
        run_(Cat(WallMicros())) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    stub_ = points::v1::PointsService::NewStub(grpc::CreateCustomChannel(
        flags.Text("address"), grpc::InsecureChannelCredentials(), arguments));
  }

  void Run(int64_t member, int64_t number) {
    points::v1::RedeemPointsRequest request;
    request.set_name(Cat("pools/", pool_, "/members/", MemberId(member), "/balances/loyalty"));
    request.set_redemption_id(Cat("bench-", run_, "-", number));
    request.set_points(1);
    points::v1::RedeemPointsResponse response;
    grpc::ClientContext context;
    context.AddMetadata("authorization", key_);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    const grpc::Status status = stub_->RedeemPoints(&context, request, &response);
    if (!status.ok()) Fail(Cat("redeem: ", status.error_message()));
  }

 private:
  const std::string pool_, key_, run_;
  std::unique_ptr<points::v1::PointsService::Stub> stub_;
};

double Percentile(std::vector<double>* values, size_t percent) {
  std::sort(values->begin(), values->end());
  return (*values)[std::min(values->size() - 1, values->size() * percent / 100)];
}

template <typename Function>
double Milliseconds(Function function) {
  const int64_t start_us = MonotonicMicros();
  function();
  return static_cast<double>(MonotonicMicros() - start_us) / 1e3;
}

}  // namespace

void Redeem(const Flags& flags) {
  const auto shards = static_cast<int32_t>(flags.NumberOr("shards", 4));
  const std::string pool = flags.TextOr("pool", "bench");
  const std::chrono::milliseconds pause(flags.NumberOr("pause-ms", 60));
  Redeemer redeemer(flags);
  // The records of one redemption out of one lot: event, command, and in the changelog root, lot,
  // entry, redemption and @shard.
  BareTxn bare(flags.Text("bootstrap"), flags.Text("bare-input"), shards,
               {{flags.Text("bare-events"), 1, 300},
                {flags.Text("bare-commands"), 1, 300},
                {flags.Text("bare-changelog"), flags.NumberOr("changelog-records", 5), 120}});
  std::vector<double> redeem_ms;
  std::vector<double> bare_ms;
  const int64_t count = flags.Number("count") + kWarmUp;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t member = i * 7919 % flags.Number("members");
    const int32_t shard = ShardOf(Bucket(pool, MemberId(member)), shards);
    bare.Idle();
    std::this_thread::sleep_for(pause);
    const double redeemed = Milliseconds([&] { redeemer.Run(member, i); });
    std::this_thread::sleep_for(pause);
    const double committed = Milliseconds([&] { bare.Run(shard); });
    if (i < kWarmUp) continue;
    redeem_ms.push_back(redeemed);
    bare_ms.push_back(committed);
  }
  Answer answer;
  answer.AddReal("redeem_p50_ms", Percentile(&redeem_ms, 50));
  answer.AddReal("redeem_p99_ms", Percentile(&redeem_ms, 99));
  answer.AddReal("bare_txn_p50_ms", Percentile(&bare_ms, 50));
  answer.AddReal("bare_txn_p99_ms", Percentile(&bare_ms, 99));
  answer.Print();
}

}  // namespace regulars::bench
