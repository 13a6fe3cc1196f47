// A real server and real calls on the loopback interface; the log is the one in memory.
#include "services/ingest/shell/ingest_service.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "google/rpc/error_details.pb.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/rpc/status.h"
#include "libs/seal/crypto.h"
#include "services/ingest/shell/intake_harness.h"

namespace regulars::ingest {
namespace {

using Stub = v1::IngestService::Stub;
using Stream = grpc::ClientReaderWriter<v1::RecordTouchesRequest, v1::RecordTouchesResponse>;

constexpr char kKeyOfTea[] = "Bearer tea-key";

std::string KeyLine(const std::string& id, const std::string& pool, const std::string& key) {
  return Cat(id, " ", pool, " ", absl::BytesToHexString(seal::Sha256(key)), "\n");
}

class IngestServer : public testing::Test {
 protected:
  IngestServer() {
    auto started = rpc::Server::Start(rpc::ServerOptions{}, {&service_});
    EXPECT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    channel_ = *rpc::MakeChannel(Cat("127.0.0.1:", server_->port()), {}, false);
    stub_ = v1::IngestService::NewStub(channel_);
  }
  ~IngestServer() override { server_->Shutdown(kMicrosPerSecond); }

  static rpc::ApiKeys Keys() {
    rpc::ApiKeys keys;
    EXPECT_TRUE(keys.Add(KeyLine("k1", "tea", "tea-key") + KeyLine("k2", "cafe", "cafe-key")).ok());
    return keys;
  }

  static std::unique_ptr<grpc::ClientContext> Context(
      const std::string& authorization = kKeyOfTea) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    if (!authorization.empty()) context->AddMetadata("authorization", authorization);
    return context;
  }

  absl::Status RecordTouch(const v1::RecordTouchRequest& request,
                           v1::RecordTouchResponse* response = nullptr,
                           const std::string& authorization = kKeyOfTea) {
    v1::RecordTouchResponse ignored;
    return rpc::FromGrpc(stub_->RecordTouch(Context(authorization).get(), request,
                                            response == nullptr ? &ignored : response));
  }

  absl::StatusOr<Micros> AdvanceClock(int64_t seconds, const std::string& name = "pools/tea/clock",
                                      const std::string& authorization = kKeyOfTea) {
    v1::AdvanceClockRequest request;
    request.set_name(name);
    request.mutable_clock_time()->set_seconds(seconds);
    runtime::v1::Clock clock;
    const absl::Status status =
        rpc::FromGrpc(stub_->AdvanceClock(Context(authorization).get(), request, &clock));
    if (!status.ok()) return status;
    return clock.clock_time().seconds() * kMicrosPerSecond;
  }

  // A unary call whose request is these very bytes.
  absl::Status RecordBytes(const std::string& bytes) {
    struct Answer {
      std::mutex mutex;
      std::condition_variable done;
      std::optional<grpc::Status> status;
    } answer;
    grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(channel_);
    grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    const auto context = Context();
    stub.UnaryCall(context.get(), "/regulars.ingest.v1.IngestService/RecordTouch",
                   grpc::StubOptions(), &request, &response, [&answer](grpc::Status status) {
                     const std::lock_guard lock(answer.mutex);
                     answer.status = std::move(status);
                     answer.done.notify_all();
                   });
    std::unique_lock lock(answer.mutex);
    answer.done.wait(lock, [&answer] { return answer.status.has_value(); });
    return rpc::FromGrpc(*answer.status);
  }

  IntakeHarness h_;
  metrics::Registry metrics_;
  log::Logger logger_ = log::Logger::Silent();
  rpc::Edge edge_{Keys(), &metrics_, &logger_};
  std::unique_ptr<ClockDesk> desk_ = h_.Desk();
  IngestService service_{&edge_, h_.intake.get(), desk_.get()};
  std::unique_ptr<rpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Stub> stub_;
};

v1::RecordTouchRequest Request(const v1::TouchInput& touch,
                               const std::string& parent = "pools/tea") {
  v1::RecordTouchRequest request;
  request.set_parent(parent);
  *request.mutable_touch() = touch;
  return request;
}

TEST_F(IngestServer, AcknowledgesATouchUnderItsName) {
  v1::RecordTouchResponse response;
  ASSERT_TRUE(RecordTouch(Request(GoodOrder()), &response).ok());
  EXPECT_EQ(response.name(), Cat("pools/tea/touches/", model::TouchId("till:shop7", "n1")));
  EXPECT_FALSE(response.quarantined());
  EXPECT_EQ(h_.Written(kTouchesTopic).size(), 1u);
}

TEST_F(IngestServer, RefusesWithCodeReasonAndFieldAndWritesNothing) {
  v1::TouchInput touch = GoodOrder();
  touch.mutable_body()->mutable_order_paid()->set_amount_minor(-1);
  const absl::Status status = RecordTouch(Request(touch));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), "AMOUNT_NEGATIVE");
  EXPECT_EQ(MetadataOf(status), (ErrorMetadata{{"field", "touch.body.order_paid.amount_minor"}}));
  EXPECT_TRUE(h_.Written(kTouchesTopic).empty());
}

TEST_F(IngestServer, KnowsTheCallerBeforeItSaysAnything) {
  struct Row {
    std::string authorization;
    std::string parent;
    absl::StatusCode code;
    std::string reason;
  };
  const Row rows[] = {
      {"", "pools/tea", absl::StatusCode::kUnauthenticated, "API_KEY_MISSING"},
      {"Bearer nobody", "pools/tea", absl::StatusCode::kUnauthenticated, "API_KEY_INVALID"},
      {"Bearer cafe-key", "pools/tea", absl::StatusCode::kPermissionDenied, "POOL_MISMATCH"},
      {kKeyOfTea, "pools/moon", absl::StatusCode::kPermissionDenied, "POOL_MISMATCH"},
      {kKeyOfTea, "tea", absl::StatusCode::kInvalidArgument, "NAME_MALFORMED"},
      {kKeyOfTea, "pools/tea/members/m", absl::StatusCode::kInvalidArgument, "NAME_MALFORMED"},
  };
  for (const Row& row : rows) {
    const absl::Status status =
        RecordTouch(Request(GoodOrder(), row.parent), nullptr, row.authorization);
    EXPECT_EQ(status.code(), row.code) << row.authorization << " " << row.parent;
    EXPECT_EQ(ReasonOf(status), row.reason) << row.authorization << " " << row.parent;
  }
  EXPECT_TRUE(h_.Written(kTouchesTopic).empty());
}

TEST_F(IngestServer, TellsWrongTextFromBrokenBytes) {
  v1::TouchInput marked = GoodOrder();
  marked.set_shop("QQQQ");
  std::string bytes = Request(marked).SerializeAsString();
  bytes.replace(bytes.find("QQQQ"), 4, "\xFF\xFE\xC0\x80");
  EXPECT_EQ(ReasonOf(RecordBytes(bytes)), "TEXT_INVALID");
  EXPECT_EQ(ReasonOf(RecordBytes("\x0A\xFFnonsense")), "REQUEST_UNREADABLE");
  // A text where a message should stand.
  EXPECT_EQ(ReasonOf(RecordBytes(std::string("\x12\x03\xFF\xFF\xFF", 5))), "REQUEST_UNREADABLE");
  EXPECT_EQ(h_.counts.Read().refused.at("TEXT_INVALID"), 1);
  EXPECT_TRUE(h_.Written(kTouchesTopic).empty());
}

TEST_F(IngestServer, AnswersEveryTouchOfAStreamByItsSequence) {
  const auto context = Context();
  const std::unique_ptr<Stream> stream = stub_->RecordTouches(context.get());
  constexpr int kTouches = 20'000;
  std::set<int64_t> answered;
  int refused = 0;
  std::atomic<int> outstanding{0};
  std::thread reader([&] {
    v1::RecordTouchesResponse response;
    while (stream->Read(&response)) {
      EXPECT_TRUE(answered.insert(response.sequence()).second);
      if (response.status().code() != 0) {
        EXPECT_EQ(response.sequence() % 10, 0) << response.status().message();
        ++refused;
      }
      --outstanding;
    }
  });
  const Micros started = MonotonicMicros();
  for (int i = 0; i < kTouches; ++i) {
    while (outstanding >= 900) std::this_thread::yield();
    ++outstanding;
    v1::RecordTouchesRequest request;
    request.set_sequence(i);
    if (i == 0) request.set_parent("pools/tea");
    *request.mutable_touch() = GoodOrder();
    request.mutable_touch()->set_native_id(Cat("n", i));
    if (i % 10 == 0) request.mutable_touch()->clear_channel();
    ASSERT_TRUE(stream->Write(request));
  }
  stream->WritesDone();
  reader.join();
  EXPECT_TRUE(stream->Finish().ok());
  const double seconds = static_cast<double>(MonotonicMicros() - started) / 1e6;
  RecordProperty("touches_per_s", static_cast<int>(kTouches / seconds));
  std::cout << "touches_per_s " << static_cast<int>(kTouches / seconds) << "\n";
  EXPECT_EQ(answered.size(), static_cast<size_t>(kTouches));
  EXPECT_EQ(refused, kTouches / 10);
  EXPECT_EQ(h_.Written(kTouchesTopic).size(), static_cast<size_t>(kTouches - kTouches / 10));
}

TEST_F(IngestServer, RefusesTheTouchAboveTheWindowAndGoesOn) {
  h_.hold = true;
  const auto context = Context();
  const std::unique_ptr<Stream> stream = stub_->RecordTouches(context.get());
  const auto send = [&](int64_t sequence) {
    v1::RecordTouchesRequest request;
    request.set_sequence(sequence);
    request.set_parent("pools/tea");
    *request.mutable_touch() = GoodOrder();
    ASSERT_TRUE(stream->Write(request));
  };
  const auto max = static_cast<int64_t>(limits::kTouchesOutstandingMax);
  for (int64_t i = 0; i <= max; ++i) send(i);
  v1::RecordTouchesResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.sequence(), max);
  EXPECT_EQ(response.status().code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(response.status().details_size() >= 1 &&
              response.status().details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "WINDOW_EXCEEDED");

  h_.hold = false;
  ASSERT_TRUE(h_.intake->Drain(absl::Seconds(10)).ok());
  for (int64_t i = 0; i < max; ++i) {
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.status().code(), 0);
  }
  send(max + 1);
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.sequence(), max + 1);
  EXPECT_EQ(response.status().code(), 0);
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(IngestServer, KeepsAStreamInThePoolOfItsCredential) {
  const auto context = Context();
  const std::unique_ptr<Stream> stream = stub_->RecordTouches(context.get());
  v1::RecordTouchesRequest request;
  *request.mutable_touch() = GoodOrder();
  v1::RecordTouchesResponse response;
  const struct {
    std::string parent;
    int code;
  } rows[] = {{"", static_cast<int>(absl::StatusCode::kInvalidArgument)},
              {"pools/cafe", static_cast<int>(absl::StatusCode::kPermissionDenied)},
              {"pools/tea", 0},
              {"", 0},
              {"pools/cafe", static_cast<int>(absl::StatusCode::kPermissionDenied)}};
  for (const auto& row : rows) {
    request.set_parent(row.parent);
    ASSERT_TRUE(stream->Write(request));
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.status().code(), row.code) << row.parent;
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(h_.Written(kTouchesTopic).size(), 2u);
}

TEST_F(IngestServer, EndsAStreamWithoutCredentialAndOneThatIsCutOff) {
  const auto anonymous = Context("");
  const std::unique_ptr<Stream> refused = stub_->RecordTouches(anonymous.get());
  v1::RecordTouchesResponse response;
  EXPECT_FALSE(refused->Read(&response));
  EXPECT_EQ(ReasonOf(rpc::FromGrpc(refused->Finish())), "API_KEY_MISSING");

  h_.hold = true;
  const auto context = Context();
  const std::unique_ptr<Stream> cut = stub_->RecordTouches(context.get());
  v1::RecordTouchesRequest request;
  request.set_parent("pools/tea");
  *request.mutable_touch() = GoodOrder();
  ASSERT_TRUE(cut->Write(request));
  const Micros deadline = MonotonicMicros() + 10 * kMicrosPerSecond;
  while (h_.counts.Read().in_flight == 0 && MonotonicMicros() < deadline) {
    std::this_thread::yield();
  }
  context->TryCancel();
  EXPECT_FALSE(cut->Finish().ok());
  h_.hold = false;
  // The touch that was on its way arrives all the same; its answer finds nobody.
  // It counts as in flight before the producer has it, so one Drain may come too early.
  while (h_.counts.Read().in_flight > 0 && MonotonicMicros() < deadline) {
    ASSERT_TRUE(h_.intake->Drain(absl::Seconds(10)).ok());
  }
  EXPECT_EQ(h_.counts.Read().acknowledged, 1);
}

TEST_F(IngestServer, AdvancesTheClockOfAnEventPool) {
  ASSERT_EQ(*AdvanceClock(1000), 1000 * kMicrosPerSecond);
  EXPECT_EQ(ReasonOf(AdvanceClock(999).status()), "CLOCK_BACKWARDS");
  EXPECT_EQ(ReasonOf(AdvanceClock(1, "pools/cafe/clock", "Bearer cafe-key").status()),
            "CLOCK_IS_WALL");
  EXPECT_EQ(ReasonOf(AdvanceClock(1, "pools/tea").status()), "NAME_MALFORMED");
  v1::AdvanceClockRequest without_time;
  without_time.set_name("pools/tea/clock");
  runtime::v1::Clock clock;
  EXPECT_EQ(ReasonOf(rpc::FromGrpc(stub_->AdvanceClock(Context().get(), without_time, &clock))),
            "TIME_MISSING");

  EXPECT_EQ(desk_->Clock("tea"), 1000 * kMicrosPerSecond);
}

}  // namespace
}  // namespace regulars::ingest
