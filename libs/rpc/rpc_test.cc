// A real server and real calls on the loopback interface, with RuntimeService as the service.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "absl/strings/escaping.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libs/base/limits.h"
#include "libs/base/text.h"
#include "libs/rpc/call.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/seal/crypto.h"
#include "regulars/runtime/v1/runtime_service.grpc.pb.h"

namespace regulars::rpc {
namespace {

using runtime::v1::Clock;
using runtime::v1::GetClockRequest;
using runtime::v1::RuntimeService;
using Call = UnaryCall<GetClockRequest, Clock>;
using testing::HasSubstr;

constexpr char kMethod[] = "/regulars.runtime.v1.RuntimeService/GetClock";

std::string KeyLine(const std::string& id, const std::string& pool, const std::string& key) {
  return Cat(id, " ", pool, " ", absl::BytesToHexString(seal::Sha256(key)), "\n");
}

class Service final : public RuntimeService::CallbackService {
 public:
  explicit Service(Edge* edge) : edge_(edge) {}
  grpc::ServerUnaryReactor* GetClock(grpc::CallbackServerContext* context,
                                     const GetClockRequest* request, Clock* response) override {
    return Handle(edge_, kMethod, context, request, request->name(), response,
                  [this](Call call) { on_call(std::move(call)); });
  }
  std::function<void(Call)> on_call;

 private:
  Edge* const edge_;
};

// One process: keys of two pools, one server.
class Process {
 public:
  Process() : logger_(log::Logger::Silent()), edge_(Keys(), &metrics, &logger_), service(&edge_) {
    auto started = Server::Start(ServerOptions{}, {&service});
    EXPECT_TRUE(started.ok()) << started.status();
    server = *std::move(started);
    service.on_call = [](Call call) {
      call.response().set_name(Cat(call.caller().pool, " ", call.caller().key_id));
      call.Finish(absl::OkStatus());
    };
  }
  static ApiKeys Keys() {
    ApiKeys keys;
    EXPECT_TRUE(
        keys.Add(KeyLine("k1", "cofco", "secret") + KeyLine("k2", "other", "secret2")).ok());
    return keys;
  }
  std::string address() const { return Cat("127.0.0.1:", server->port()); }

  absl::Status GetClock(const std::string& name, const std::string& authorization, Clock* clock,
                        const std::function<void(grpc::ClientContext*)>& prepare = nullptr) {
    auto channel = MakeChannel(address(), {}, false);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    if (prepare) prepare(&context);
    GetClockRequest request;
    request.set_name(name);
    last = RuntimeService::NewStub(*channel)->GetClock(&context, request, clock);
    return FromGrpc(last);
  }

  metrics::Registry metrics;
  log::Logger logger_;
  Edge edge_;
  Service service;
  std::unique_ptr<Server> server;
  grpc::Status last;
};

TEST(RpcTest, ACallWithItsKey_IsAnswered) {
  Process process;
  Clock clock;
  ASSERT_TRUE(process.GetClock("pools/cofco/clock", "Bearer secret", &clock).ok());
  EXPECT_EQ(clock.name(), "cofco k1");
  EXPECT_THAT(process.metrics.Text(), HasSubstr("regulars_rpc_requests_total{code=\"OK\""));
}

TEST(RpcTest, BadCallers_AreRefusedWithOneErrorInfo) {
  struct Row {
    const char *name, *authorization;
    absl::StatusCode code;
    const char* reason;
  };
  const std::string long_key = "Bearer " + std::string(kApiKeyMax + 1, 'x');
  const Row rows[] = {
      {"pools/cofco/clock", "", absl::StatusCode::kUnauthenticated, "API_KEY_MISSING"},
      {"pools/cofco/clock", "secret", absl::StatusCode::kUnauthenticated, "API_KEY_INVALID"},
      {"pools/cofco/clock", "Bearer ", absl::StatusCode::kUnauthenticated, "API_KEY_INVALID"},
      {"pools/cofco/clock", "Bearer Secret", absl::StatusCode::kUnauthenticated, "API_KEY_INVALID"},
      {"pools/cofco/clock", "bearer secret", absl::StatusCode::kUnauthenticated, "API_KEY_INVALID"},
      {"pools/cofco/clock", long_key.c_str(), absl::StatusCode::kUnauthenticated,
       "API_KEY_INVALID"},
      {"pools/cofco/clock", "Bearer secret2", absl::StatusCode::kPermissionDenied, "POOL_MISMATCH"},
      {"", "Bearer secret", absl::StatusCode::kInvalidArgument, "NAME_MALFORMED"},
      {"pools/COFCO/clock", "Bearer secret", absl::StatusCode::kInvalidArgument, "NAME_MALFORMED"}};
  Process process;
  process.service.on_call = [](const Call&) { FAIL() << "the handler must not run"; };
  for (const Row& row : rows) {
    Clock clock;
    const absl::Status status = process.GetClock(row.name, row.authorization, &clock);
    EXPECT_EQ(status.code(), row.code) << row.name << row.authorization;
    EXPECT_EQ(ReasonOf(status), row.reason) << row.name << row.authorization;
    google::rpc::Status wire;
    ASSERT_TRUE(wire.ParseFromString(process.last.error_details()));
    ASSERT_EQ(wire.details_size(), 1);
    google::rpc::ErrorInfo info;
    ASSERT_TRUE(wire.details(0).UnpackTo(&info));
    EXPECT_EQ(info.domain(), "regulars.io");
  }
}

TEST(RpcTest, AnAnswerMayComeLaterFromAnotherThread) {
  Process process;
  std::thread later;
  process.service.on_call = [&later](Call call) {
    later = std::thread([call] {
      call.response().set_name("later");
      call.Finish(absl::OkStatus());
      call.Finish(absl::InternalError("a second answer counts for nothing"));
    });
  };
  Clock clock;
  EXPECT_TRUE(process.GetClock("pools/cofco/clock", "Bearer secret", &clock).ok());
  EXPECT_EQ(clock.name(), "later");
  later.join();
}

TEST(RpcTest, ADroppedCall_IsAnsweredInternal) {
  Process process;
  process.service.on_call = [](const Call&) {};
  Clock clock;
  const absl::Status status = process.GetClock("pools/cofco/clock", "Bearer secret", &clock);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReasonOf(status), "UNANSWERED");
}

TEST(RpcTest, ForwardedCall_KeepsCredentialAndIsMarked) {
  Process gateway;
  Process owner;
  Channels channels({});
  gateway.service.on_call = [&](Call call) { Forward(*channels.To(owner.address()), call); };
  owner.service.on_call = [](Call call) {
    call.response().set_name(
        Cat(call.caller().key_id, call.caller().forwarded ? " forwarded" : ""));
    call.Finish(absl::OkStatus());
  };
  Clock clock;
  ASSERT_TRUE(gateway.GetClock("pools/cofco/clock", "Bearer secret", &clock).ok());
  EXPECT_EQ(clock.name(), "k1 forwarded");
  owner.service.on_call = [](Call call) {
    call.Finish(DomainError(absl::StatusCode::kNotFound, "MEMBER_NOT_FOUND", "no", {{"a", "b"}}));
  };
  const absl::Status refused = gateway.GetClock("pools/cofco/clock", "Bearer secret", &clock);
  EXPECT_EQ(ReasonOf(refused), "MEMBER_NOT_FOUND");
  EXPECT_EQ(MetadataOf(refused)[0].second, "b");
  owner.server->Shutdown(0);
  const absl::Status away = gateway.GetClock("pools/cofco/clock", "Bearer secret", &clock);
  EXPECT_EQ(ReasonOf(away), "OWNER_AWAY");
  EXPECT_TRUE(RetryAfterOf(away).has_value());
}

TEST(RpcTest, TooLargeMessagesAndHeaders_ReachNoHandler) {
  Process process;
  process.service.on_call = [](const Call&) { FAIL() << "the handler must not run"; };
  Clock clock;
  EXPECT_EQ(
      process.GetClock(std::string(limits::kRequestBytesMax + 1, 'x'), "Bearer secret", &clock)
          .code(),
      absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(process
                   .GetClock("pools/cofco/clock", "Bearer secret", &clock,
                             [](grpc::ClientContext* context) {
                               context->AddMetadata(
                                   "x-big", std::string(limits::kMetadataBytesMax + 1, 'x'));
                             })
                   .ok());
  process.service.on_call = [](Call call) { call.Finish(absl::OkStatus()); };
  EXPECT_TRUE(process.GetClock("pools/cofco/clock", "Bearer secret", &clock).ok());
}

TEST(RpcTest, ATakenPort_IsAnError) {
  Process process;
  ServerOptions options;
  options.listen = process.address();
  EXPECT_EQ(Server::Start(options, {}).status().code(), absl::StatusCode::kUnavailable);
  options.listen = "127.0.0.1:0";
  options.tls.cert_file = "/nonexistent.pem";
  EXPECT_EQ(Server::Start(options, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(RpcStatusTest, BothWays) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  const absl::Status domain = WithRetryAfter(
      DomainError(absl::StatusCode::kUnavailable, "SHARD_NOT_OWNED", "moving", {{"shard", "3"}}),
      1'500'000);
  const absl::Status back = FromGrpc(ToGrpc(domain));
  EXPECT_EQ(back.code(), domain.code());
  EXPECT_EQ(back.message(), domain.message());
  EXPECT_EQ(ReasonOf(back), "SHARD_NOT_OWNED");
  EXPECT_EQ(MetadataOf(back), MetadataOf(domain));
  EXPECT_EQ(RetryAfterOf(back), 1'500'000);
  EXPECT_EQ(RetryAfterOf(FromGrpc(ToGrpc(absl::ResourceExhaustedError("x")))), kRetryAfterDefault);
  const absl::Status inside = FromGrpc(ToGrpc(absl::InternalError("table x is broken")));
  EXPECT_THAT(std::string(inside.message()), testing::Not(HasSubstr("table")));
  EXPECT_EQ(ReasonOf(inside), "INTERNAL");
  EXPECT_EQ(ReasonOf(FromGrpc(grpc::Status(grpc::UNAVAILABLE, "", "junk"))), "");
}

TEST(ApiKeysTest, BadFiles_AreRefused) {
  const std::string digest(64, 'a');
  const std::string rows[] = {std::string("k1"),
                              "k1 cofco",
                              "k1 cofco " + digest + " x",
                              "k1 COFCO " + digest,
                              "k1 cofco " + digest.substr(1),
                              "k1 cofco " + digest.substr(1) + "z",
                              "k/1 cofco " + digest,
                              "k1 cofco " + digest + " resolve-contact,fly",
                              "k1 cofco " + digest + " resolve-contact,resolve-contact",
                              "k1 cofco " + digest + " resolve-contact, erase-member",
                              KeyLine("k1", "p", "a") + KeyLine("k1", "p", "b"),
                              KeyLine("k1", "p", "a") + KeyLine("k2", "p", "a")};
  for (const std::string& bad : rows) {
    ApiKeys keys;
    EXPECT_EQ(keys.Add(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  ApiKeys keys;
  EXPECT_TRUE(keys.Add("# none\n\n").ok());
  EXPECT_EQ(keys.AddFile("/nonexistent").code(), absl::StatusCode::kNotFound);
}

TEST(ApiKeysTest, AKeyHasTheRightsOfItsLineOnly) {
  const auto with = [](const std::string& id, const std::string& key, const std::string& rights) {
    std::string line = KeyLine(id, "cofco", key);
    line.pop_back();
    return Cat(line, " ", rights, "\n");
  };
  ApiKeys keys;
  ASSERT_TRUE(keys.Add(KeyLine("plain", "cofco", "a") + with("one", "b", "resolve-contact") +
                       with("all", "c", "export-member,erase-member,resolve-contact,link-members") +
                       with("rules", "d", "simulate-rules"))
                  .ok());
  struct Row {
    const char* key;
    Right right;
    bool has;
  };
  const Row rows[] = {{"a", Right::kResolveContact, false}, {"a", Right::kEraseMember, false},
                      {"b", Right::kResolveContact, true},  {"b", Right::kExportMember, false},
                      {"c", Right::kResolveContact, true},  {"c", Right::kExportMember, true},
                      {"c", Right::kEraseMember, true},     {"b", Right::kLinkMembers, false},
                      {"c", Right::kLinkMembers, true},     {"c", Right::kSimulateRules, false},
                      {"d", Right::kSimulateRules, true},   {"d", Right::kLinkMembers, false}};
  for (const Row& row : rows) {
    const auto caller = keys.Check(Cat("Bearer ", row.key));
    ASSERT_TRUE(caller.ok()) << row.key;
    const absl::Status status = CheckRight(*caller, row.right);
    EXPECT_EQ(status.ok(), row.has) << row.key << " " << RightName(row.right);
    EXPECT_EQ(ReasonOf(status), row.has ? "" : "RIGHT_MISSING");
  }
}

}  // namespace
}  // namespace regulars::rpc
