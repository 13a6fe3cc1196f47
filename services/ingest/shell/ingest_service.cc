#include "services/ingest/shell/ingest_service.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "libs/model/names.h"
#include "services/ingest/kernel/validate.h"
#include "services/ingest/shell/touch_stream.h"
#include "services/ingest/shell/wire.h"

namespace regulars::ingest {
namespace {

constexpr std::string_view kClockPattern = "pools/{pool}/clock";
constexpr std::string_view kPoolPattern = "pools/{pool}";
// Of a promise whose caller sets no deadline.
constexpr Micros kAdvanceTimeoutUs = 10 * kMicrosPerSecond;
constexpr size_t kPromisesWaitingMax = 100;

void SetTime(Micros time_us, google::protobuf::Timestamp* out) {
  out->set_seconds(time_us / kMicrosPerSecond);
  out->set_nanos(static_cast<int32_t>(time_us % kMicrosPerSecond * 1000));
}

}  // namespace

IngestService::IngestService(rpc::Edge* edge, Intake* intake, ClockDesk* clocks)
    : edge_(edge), intake_(intake), clocks_(clocks), promiser_([this] { WorkOnPromises(); }) {}

IngestService::~IngestService() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  promiser_.join();
}

grpc::ServerUnaryReactor* IngestService::RecordTouch(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  auto touch = std::make_shared<v1::RecordTouchRequest>();
  const absl::Status read = ReadMessage(*request, touch.get());
  std::string name = touch->parent();
  if (!read.ok()) {
    // The caller is told what is wrong only after it has shown who it is.
    const absl::StatusOr<rpc::Caller> caller = edge_->Identify(*context);
    name = caller.ok() ? Cat("pools/", caller->pool) : "";
  }
  return rpc::Handle(
      edge_, "/regulars.ingest.v1.IngestService/RecordTouch", context, request, name, response,
      [this, touch, read](rpc::UnaryCall<grpc::ByteBuffer, grpc::ByteBuffer> call) {
        const std::string pool = call.caller().pool;
        absl::Status bad = read;
        if (bad.ok()) bad = model::ParseName(touch->parent(), kPoolPattern).status();
        if (!bad.ok()) {
          intake_->CountUnreadable(pool, ReasonOf(bad));
          return call.Finish(bad);
        }
        intake_->Record(pool, std::move(*touch->mutable_touch()), touch->quarantine_on_error(),
                        [call, pool](absl::StatusOr<Receipt> receipt) {
                          if (!receipt.ok()) return call.Finish(receipt.status());
                          v1::RecordTouchResponse answer;
                          answer.set_name(Cat("pools/", pool, "/touches/", receipt->touch_id));
                          answer.set_quarantined(receipt->quarantined);
                          call.response() = WriteMessage(answer);
                          call.Finish(absl::OkStatus());
                        });
      });
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* IngestService::RecordTouches(
    grpc::CallbackServerContext* context) {
  return TouchStream::Start(edge_, intake_, context);
}

grpc::ServerUnaryReactor* IngestService::AdvanceClock(grpc::CallbackServerContext* context,
                                                      const v1::AdvanceClockRequest* request,
                                                      runtime::v1::Clock* response) {
  return rpc::Handle(
      edge_, "/regulars.ingest.v1.IngestService/AdvanceClock", context, request, request->name(),
      response, [this](AdvanceCall call) {
        {
          const std::lock_guard lock(mutex_);
          if (promises_.size() < kPromisesWaitingMax) {
            promises_.push_back(std::move(call));
            wake_.notify_one();
            return;
          }
        }
        call.Finish(WithRetryAfter(DomainError(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                                               "too many promises wait"),
                                   kMicrosPerSecond));
      });
}

void IngestService::WorkOnPromises() {
  for (;;) {
    std::optional<AdvanceCall> call;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !promises_.empty(); });
      if (stopping_) return promises_.clear();
      call = std::move(promises_.front());
      promises_.pop_front();
    }
    Advance(*call);
  }
}

void IngestService::Advance(const AdvanceCall& call) {
  const auto parsed = model::ParseName(call.request().name(), kClockPattern);
  if (!parsed.ok()) return call.Finish(parsed.status());
  const PoolDoor* door = intake_->Find(call.caller().pool);
  if (door == nullptr) {
    return call.Finish(
        DomainError(absl::StatusCode::kNotFound, "POOL_UNKNOWN", "this service has no such pool"));
  }
  if (!call.request().has_clock_time()) {
    return call.Finish(DomainError(absl::StatusCode::kInvalidArgument, "TIME_MISSING",
                                   "the promise names no time"));
  }
  // A timestamp out of its range is an instant that Advance refuses.
  const Micros clock_us = MicrosOf(call.request().clock_time()).value_or(-1);
  Micros timeout_us = kAdvanceTimeoutUs;
  if (call.deadline_us() > 0) timeout_us = std::min(timeout_us, call.deadline_us() - WallMicros());
  if (call.cancelled() || timeout_us <= 0) {
    return call.Finish(DomainError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_OVER",
                                   "the deadline was over before the promise was written"));
  }
  const absl::StatusOr<Micros> clock =
      clocks_->Advance(door->rules, clock_us, absl::Microseconds(timeout_us));
  if (!clock.ok()) return call.Finish(clock.status());
  call.response().set_name(call.request().name());
  SetTime(*clock, call.response().mutable_clock_time());
  call.Finish(absl::OkStatus());
}

}  // namespace regulars::ingest
