// What only a real Redis can do to its client: hang, die, run out of memory, demand rights or TLS,
// move slots. What is common with the fake is in view_suite.cc.
#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/wall_clock.h"
#include "libs/redis/redis_view.h"
#include "libs/redis/view_keys.h"
#include "tests/conformance/redis/redis_process.h"

namespace regulars::redis {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;
using enum ViewOutcome;

const ShardId kShard{"points", 3, 4};

RedisOptions Options(std::vector<std::string> addresses) {
  RedisOptions options;
  options.addresses = std::move(addresses);
  options.backoff_ms_min = 1;
  options.backoff_ms_max = 20;
  return options;
}

std::unique_ptr<RedisView> MakeView(RedisOptions options) {
  absl::StatusOr<std::unique_ptr<RedisView>> view = RedisView::Create(std::move(options));
  EXPECT_TRUE(view.ok()) << view.status();
  return *std::move(view);
}

ApplyRequest Move(int64_t from, int64_t to, std::vector<ViewOp> ops = {}) {
  return {.epoch = 5, .generation = 1, .from = from, .to = to, .ops = std::move(ops)};
}

ViewOutcome Apply(View& view, const ApplyRequest& request, const ShardId& shard = kShard) {
  return view.Apply(shard, {request}).at(0);
}

template <typename Done>
bool Eventually(const Done& done) {
  const Micros deadline = MonotonicMicros() + 20 * kMicrosPerSecond;
  while (MonotonicMicros() < deadline) {
    if (done()) return true;
  }
  return false;
}

TEST(RedisViewFaults, AHangingRedisIsAwayInTimeAndWhatArrivesLateChangesNothing) {
  RedisProcess redis;
  RedisOptions options = Options({redis.address()});
  options.command_timeout_ms = 100;
  const std::unique_ptr<RedisView> view = MakeView(options);
  ASSERT_EQ(view->Claim(kShard, "log", 5, 1, 0), kApplied);
  redis.Freeze();
  const Micros start = MonotonicMicros();
  EXPECT_EQ(Apply(*view, Move(0, 1, {{"a", "1"}})), kAway);  // still arrives, after the thaw
  EXPECT_TRUE(absl::IsUnavailable(view->Read(kShard, {"a"}).status()));
  EXPECT_LT(MonotonicMicros() - start, 3 * kMicrosPerSecond);
  redis.Thaw();
  EXPECT_TRUE(Eventually([&] { return Apply(*view, Move(0, 1, {{"a", "1"}})) == kApplied; }));
  EXPECT_EQ(Apply(*view, Move(1, 2, {{"a", "2"}})), kApplied);
  EXPECT_EQ((*view->Meta(kShard))->applied, 2);
  EXPECT_THAT(view->Read(kShard, {"a"})->values, ElementsAre(Optional(std::string("2"))));
}

TEST(RedisViewFaults, AKilledRedisIsLeftAloneForTheBackOffAndRebuiltOnReturn) {
  RedisProcess redis;
  RedisOptions options = Options({redis.address()});
  options.backoff_ms_min = options.backoff_ms_max = 60'000;
  const std::unique_ptr<RedisView> patient = MakeView(options);
  const std::unique_ptr<RedisView> view = MakeView(Options({redis.address()}));
  ASSERT_EQ(view->Claim(kShard, "log", 5, 1, 0), kApplied);
  redis.Kill();
  EXPECT_EQ(patient->Claim(kShard, "log", 5, 1, 0), kAway);
  EXPECT_THAT(patient->last_error(), HasSubstr("connect"));
  EXPECT_EQ(patient->Claim(kShard, "log", 5, 1, 0), kAway);
  EXPECT_THAT(patient->last_error(), HasSubstr("waiting"));
  EXPECT_EQ(Apply(*view, Move(0, 1)), kAway);
  redis.Start();
  ViewOutcome outcome = kAway;
  EXPECT_TRUE(Eventually([&] { return (outcome = Apply(*view, Move(0, 1))) != kAway; }));
  EXPECT_EQ(outcome, kGap);
  EXPECT_EQ(view->Claim(kShard, "log", 5, 1, 0), kApplied);
}

TEST(RedisViewFaults, MemberKeysExpireAndMetaDoesNot) {
  RedisProcess redis;
  RedisOptions options = Options({redis.address()});
  options.member_ttl_s = 1000;
  const std::unique_ptr<RedisView> view = MakeView(options);
  ASSERT_EQ(view->Claim(kShard, "log", 5, 1, 0), kApplied);
  ASSERT_EQ(Apply(*view, Move(0, 1, {{"a", "1"}})), kApplied);
  const int ttl = std::stoi(redis.Run({"TTL", GenerationPrefix(kShard, 1) + "a"}).at(0));
  EXPECT_GT(ttl, 900);
  EXPECT_LE(ttl, 1000);
  EXPECT_THAT(redis.Run({"TTL", MetaKey(kShard)}), ElementsAre("-1"));
}

TEST(RedisViewFaults, ShortOfMemoryMembersAreEvictedAndMetaStays) {
  RedisProcess redis({"--maxmemory", "6mb", "--maxmemory-policy", "volatile-lru"});
  const std::unique_ptr<RedisView> view = MakeView(Options({redis.address()}));
  ASSERT_EQ(view->Claim(kShard, "log", 5, 1, 0), kApplied);
  for (int64_t n = 0; n < 100; ++n) {
    ApplyRequest request = Move(n, n + 1);
    for (int k = 0; k < 200; ++k) {
      request.ops.push_back({std::to_string(n) + "-" + std::to_string(k), std::string(1000, 'v')});
    }
    ASSERT_EQ(Apply(*view, request), kApplied) << view->last_error();
  }
  EXPECT_EQ((*view->Meta(kShard))->applied, 100);
  EXPECT_LT(view->Dump(kShard)->size(), 10'000u);  // of 20,000
}

TEST(RedisViewFaults, OutOfMemoryIsAwayNotAGap) {
  RedisProcess redis;
  const std::unique_ptr<RedisView> view = MakeView(Options({redis.address()}));
  ASSERT_EQ(view->Claim(kShard, "log", 5, 1, 0), kApplied);
  redis.Run({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_THAT(view->Apply(kShard, {Move(0, 1, {{"a", "1"}}), Move(1, 2)}), Each(kAway));
  EXPECT_THAT(view->last_error(), HasSubstr("OOM"));
  redis.Run({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_THAT(view->Apply(kShard, {Move(0, 1, {{"a", "1"}}), Move(1, 2)}), Each(kApplied));
}

TEST(RedisViewFaults, MetaOfAnotherTypeIsNoMeta) {
  RedisProcess redis;
  const std::unique_ptr<RedisView> view = MakeView(Options({redis.address()}));
  ASSERT_EQ(view->Claim(kShard, "log", 5, 1, 0), kApplied);
  redis.Run({"SET", MetaKey(kShard), "an operator was here"});
  EXPECT_EQ(*view->Meta(kShard), std::nullopt);
  EXPECT_EQ(view->Read(kShard, {"a"})->meta, std::nullopt);
  EXPECT_EQ(Apply(*view, Move(0, 1)), kGap);
  EXPECT_EQ(view->Claim(kShard, "log", 5, 2, 0), kApplied);
  redis.Run({"HSET", MetaKey(kShard), "epoch", "many"});
  EXPECT_EQ(*view->Meta(kShard), std::nullopt);
  EXPECT_EQ(Apply(*view, Move(0, 1)), kGap);
  EXPECT_EQ(view->Claim(kShard, "log", 5, 3, 0), kApplied);
}

TEST(RedisViewFaults, TheDocumentedRightsAreEnough) {
  RedisProcess redis;
  redis.Run({"ACL", "SETUSER", "default", "off"});
  redis.Run({"ACL", "SETUSER", "regulars", "on", ">secret", "resetkeys", "~r1:*", "-@all", "+fcall",
             "+fcall_ro", "+function|load", "+hmget", "+hset", "+mset", "+expire", "+del",
             "+unlink", "+mget", "+scan"});
  RedisOptions options = Options({redis.address()});
  EXPECT_EQ(MakeView(options)->Claim(kShard, "log", 5, 1, 0), kAway);
  options.user = "regulars";
  options.password = "wrong";
  const std::unique_ptr<RedisView> stranger = MakeView(options);
  EXPECT_EQ(stranger->Claim(kShard, "log", 5, 1, 0), kAway);
  EXPECT_THAT(stranger->last_error(), HasSubstr("WRONGPASS"));

  options.password = "secret";
  const std::unique_ptr<RedisView> view = MakeView(options);
  EXPECT_EQ(view->Claim(kShard, "log", 5, 1, 0), kApplied) << view->last_error();
  EXPECT_EQ(Apply(*view, Move(0, 1, {{"a", "1"}, {"b", std::nullopt}})), kApplied);
  EXPECT_EQ(view->Finish(kShard, 5, 1), kApplied);
  EXPECT_THAT(view->Read(kShard, {"a"})->values, ElementsAre(Optional(std::string("1"))));
  EXPECT_EQ(view->Dump(kShard)->size(), 1u);
  EXPECT_EQ(view->Claim(kShard, "log", 5, 2, 1), kApplied);
  EXPECT_EQ(view->Sweep(kShard, 2, 100)->removed, 1);
}

TEST(RedisViewFaults, TlsWithACheckedCertificate) {
  const int tls_port = FreePort();
  char folder[] = "/tmp/regulars-tls-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string cert = std::string(folder) + "/cert.pem";
  const std::string key = std::string(folder) + "/key.pem";
  ASSERT_EQ(std::system(("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=redis "
                         "-addext subjectAltName=IP:127.0.0.1 -keyout " +
                         key + " -out " + cert + " 2>/dev/null")
                            .c_str()),
            0);
  {
    RedisProcess redis({"--tls-port", std::to_string(tls_port), "--tls-cert-file", cert,
                        "--tls-key-file", key, "--tls-ca-cert-file", cert});
    RedisOptions options = Options({"127.0.0.1:" + std::to_string(tls_port)});
    options.tls = {
        .enabled = true, .ca_file = cert, .cert_file = cert, .key_file = key, .server_name = ""};
    const std::unique_ptr<RedisView> view = MakeView(options);
    EXPECT_EQ(view->Claim(kShard, "log", 5, 1, 0), kApplied) << view->last_error();
    EXPECT_EQ(Apply(*view, Move(0, 1, {{"a", std::string(1'000'000, 'v')}})), kApplied);
    EXPECT_EQ(view->Read(kShard, {"a"})->values.at(0)->size(), 1'000'000u);
    redis.Kill();
    EXPECT_EQ(Apply(*view, Move(1, 2)), kAway);
    redis.Start();

    options.tls.server_name = "another-host";
    const std::unique_ptr<RedisView> wrong_name = MakeView(options);
    EXPECT_EQ(wrong_name->Claim(kShard, "log", 5, 1, 0), kAway);
    EXPECT_THAT(wrong_name->last_error(), HasSubstr("verify failed"));
    options.tls.server_name = "";
    options.tls.ca_file = "";  // the system's authorities did not sign it
    EXPECT_EQ(MakeView(options)->Claim(kShard, "log", 5, 1, 0), kAway);
    options.tls.enabled = false;
    EXPECT_EQ(MakeView(options)->Claim(kShard, "log", 5, 1, 0), kAway);
    options.tls = {.enabled = true,
                   .ca_file = "/nowhere.pem",
                   .cert_file = "",
                   .key_file = "",
                   .server_name = ""};
    EXPECT_TRUE(absl::IsInvalidArgument(RedisView::Create(options).status()));
  }
  EXPECT_EQ(std::system((std::string("rm -r ") + folder).c_str()), 0);
}

// Two nodes, half of the slots each.
class Cluster {
 public:
  Cluster() : a_(Arguments(&bus_a_)), b_(Arguments(&bus_b_)) {
    a_.Run({"CLUSTER", "ADDSLOTSRANGE", "0", "8191"});
    b_.Run({"CLUSTER", "ADDSLOTSRANGE", "8192", "16383"});
    b_.Run({"CLUSTER", "SET-CONFIG-EPOCH", "2"});
    a_.Run({"CLUSTER", "MEET", "127.0.0.1", std::to_string(b_.port()), std::to_string(bus_b_)});
    EXPECT_TRUE(Eventually([this] { return IsUp(a_) && IsUp(b_); }));
  }
  RedisProcess& a() { return a_; }
  RedisProcess& b() { return b_; }

 private:
  static std::vector<std::string> Arguments(int* bus) {
    *bus = FreePort();
    return {"--cluster-enabled",      "yes", "--cluster-port", std::to_string(*bus),
            "--cluster-node-timeout", "5000"};
  }
  static bool IsUp(RedisProcess& node) {
    return node.Run({"CLUSTER", "INFO"}).at(0).find("cluster_state:ok") != std::string::npos;
  }
  int bus_a_ = 0;
  int bus_b_ = 0;
  RedisProcess a_;
  RedisProcess b_;
};

TEST(RedisViewCluster, ShardsLiveOnBothNodesAndMovedSlotsAreFollowed) {
  Cluster cluster;
  const std::unique_ptr<RedisView> view = MakeView(Options({cluster.a().address()}));
  for (int32_t shard = 0; shard < 4; ++shard) {
    const ShardId id{"points", shard, 4};
    ASSERT_EQ(view->Claim(id, "log", 5, 1, 0), kApplied) << view->last_error();
    EXPECT_THAT(view->Apply(id, {Move(0, 1, {{"a", "1"}, {"b", "1"}}),
                                 Move(1, 2, {{"a", "2"}, {"b", std::nullopt}})}),
                Each(kApplied));
    EXPECT_EQ(view->Finish(id, 5, 1), kApplied);
    EXPECT_THAT(view->Read(id, {"a", "b"})->values,
                ElementsAre(Optional(std::string("2")), std::nullopt));
    EXPECT_EQ(view->Dump(id)->size(), 1u);
  }
  EXPECT_THAT(cluster.a().Run({"DBSIZE"}), ElementsAre("4"));  // two shards: meta and one key each
  EXPECT_THAT(cluster.b().Run({"DBSIZE"}), ElementsAre("4"));

  // A slot changes nodes without its keys (the runbook's way): MOVED is followed in the pipeline,
  // the new node says gap, and the claim goes there.
  const std::string slot = std::to_string(HashSlot(MetaKey(kShard)));
  const std::string node_a = cluster.a().Run({"CLUSTER", "MYID"}).at(0);
  cluster.b().Run({"FLUSHALL"});
  cluster.a().Run({"CLUSTER", "SETSLOT", slot, "NODE", node_a});
  cluster.a().Run({"CLUSTER", "BUMPEPOCH"});
  cluster.b().Run({"CLUSTER", "SETSLOT", slot, "NODE", node_a});
  ViewOutcome outcome = kAway;
  EXPECT_TRUE(Eventually([&] { return (outcome = Apply(*view, Move(2, 3))) != kAway; }));
  EXPECT_EQ(outcome, kGap);
  EXPECT_EQ(view->Claim(kShard, "log", 5, 2, 2), kApplied) << view->last_error();
  EXPECT_THAT(cluster.a().Run({"EXISTS", MetaKey(kShard)}), ElementsAre("1"));
}

TEST(RedisViewCluster, AMigratingSlotIsAway) {
  Cluster cluster;
  const std::unique_ptr<RedisView> view = MakeView(Options({cluster.a().address()}));
  ASSERT_EQ(view->Claim(kShard, "log", 5, 1, 0), kApplied);
  const std::string slot = std::to_string(HashSlot(MetaKey(kShard)));
  const std::string node_a = cluster.a().Run({"CLUSTER", "MYID"}).at(0);
  const std::string node_b = cluster.b().Run({"CLUSTER", "MYID"}).at(0);
  cluster.a().Run({"CLUSTER", "SETSLOT", slot, "IMPORTING", node_b});
  cluster.b().Run({"CLUSTER", "SETSLOT", slot, "MIGRATING", node_a});
  EXPECT_EQ(Apply(*view, Move(0, 1, {{"a", "1"}})), kAway);  // meta is here, the key is not
  EXPECT_THAT(view->last_error(), HasSubstr("TRYAGAIN"));
  cluster.b().Run({"CLUSTER", "SETSLOT", slot, "STABLE"});
  EXPECT_TRUE(Eventually([&] { return Apply(*view, Move(0, 1, {{"a", "1"}})) == kApplied; }));
}

TEST(RedisViewCluster, TheSecondSeedIsAskedWhenTheFirstIsDead) {
  RedisProcess dead;
  RedisProcess alive;
  const std::unique_ptr<RedisView> view = MakeView(Options({dead.address(), alive.address()}));
  dead.Kill();
  EXPECT_TRUE(Eventually([&] { return view->Claim(kShard, "log", 5, 1, 0) == kApplied; }));
}

TEST(RedisViewOptions, ThatCannotWorkAreRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(RedisView::Create({}).status()));
  for (const std::string address : {"", "host", ":1", "host:"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(RedisView::Create(Options({address})).status())) << address;
  }
  RedisOptions options = Options({"[::1]:6379"});
  EXPECT_TRUE(RedisView::Create(options).ok());
  options.member_ttl_s = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(RedisView::Create(options).status()));
  options.member_ttl_s = int64_t{3650} * 24 * 3600 + 1;
  EXPECT_TRUE(absl::IsInvalidArgument(RedisView::Create(options).status()));
  options.member_ttl_s -= 1;
  EXPECT_TRUE(RedisView::Create(options).ok());
}

}  // namespace
}  // namespace regulars::redis
