#include "services/ingest/shell/touch_stream.h"

#include <utility>

#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "libs/rpc/status.h"
#include "services/ingest/shell/wire.h"

namespace regulars::ingest {
namespace {

constexpr std::string_view kMethod = "/regulars.ingest.v1.IngestService/RecordTouches";
// Answers that wait for a client; above that it is not read any further.
constexpr size_t kAnswersWaitingMax = limits::kTouchesOutstandingMax;

}  // namespace

TouchStream* TouchStream::Start(rpc::Edge* edge, Intake* intake,
                                grpc::CallbackServerContext* context) {
  const std::shared_ptr<TouchStream> stream(new TouchStream(edge, intake, context));
  stream->self_ = stream;
  stream->Move();
  return stream.get();
}

TouchStream::TouchStream(rpc::Edge* edge, Intake* intake, grpc::CallbackServerContext* context)
    : edge_(edge), intake_(intake), started_us_(MonotonicMicros()) {
  absl::StatusOr<rpc::Caller> caller = edge->Identify(*context);
  if (caller.ok()) {
    caller_ = *std::move(caller);
  } else {
    end_status_ = caller.status();
    reads_ended_ = true;
  }
}

void TouchStream::OnReadDone(bool ok) {
  if (ok) {
    grpc::ByteBuffer bytes;
    bytes.Swap(&incoming_);
    Take(bytes);
  }
  {
    const std::lock_guard lock(mutex_);
    reading_ = false;
    reads_ended_ = reads_ended_ || !ok;
  }
  Move();
}

void TouchStream::Take(const grpc::ByteBuffer& bytes) {
  v1::RecordTouchesRequest request;
  if (const absl::Status read = ReadMessage(bytes, &request); !read.ok()) {
    intake_->CountUnreadable(caller_.pool, ReasonOf(read));
    return Answer(SequenceOf(bytes), read, false);
  }
  const int64_t sequence = request.sequence();
  if (const absl::Status frame = CheckFrame(request); !frame.ok()) {
    intake_->CountUnreadable(caller_.pool, ReasonOf(frame));
    return Answer(sequence, frame, false);
  }
  {
    const std::lock_guard lock(mutex_);
    ++outstanding_;
  }
  intake_->Record(caller_.pool, std::move(*request.mutable_touch()), request.quarantine_on_error(),
                  [stream = self_, sequence](absl::StatusOr<Receipt> receipt) {
                    stream->Answer(sequence, receipt, true);
                    stream->Move();
                  });
}

absl::Status TouchStream::CheckFrame(const v1::RecordTouchesRequest& request) {
  if (first_ || !request.parent().empty()) {
    REGULARS_RETURN_IF_ERROR(rpc::Edge::PoolMatches(caller_, request.parent()));
    first_ = false;
  }
  const std::lock_guard lock(mutex_);
  if (outstanding_ + answers_.size() < limits::kTouchesOutstandingMax) return absl::OkStatus();
  return WithRetryAfter(DomainError(absl::StatusCode::kResourceExhausted, "WINDOW_EXCEEDED",
                                    "more than 1,000 touches of this stream wait for an answer"),
                        100 * kMicrosPerMilli);
}

void TouchStream::Answer(int64_t sequence, const absl::StatusOr<Receipt>& receipt,
                         bool was_outstanding) {
  v1::RecordTouchesResponse response;
  response.set_sequence(sequence);
  if (receipt.ok()) {
    response.set_name(Cat("pools/", caller_.pool, "/touches/", receipt->touch_id));
    response.set_quarantined(receipt->quarantined);
  } else {
    // The details of a gRPC status are a google.rpc.Status with ErrorInfo.
    response.mutable_status()->ParseFromString(rpc::ToGrpc(receipt.status()).error_details());
  }
  grpc::ByteBuffer bytes = WriteMessage(response);
  const std::lock_guard lock(mutex_);
  if (was_outstanding) --outstanding_;
  if (!broken_) answers_.push_back(std::move(bytes));
}

void TouchStream::Move() {
  bool write = false;
  bool read = false;
  bool finish = false;
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    if (!writing_ && !answers_.empty()) {
      // Out of the window before it is on its way: the client may be quicker than OnWriteDone.
      outgoing_.Swap(&answers_.front());
      answers_.pop_front();
      writing_ = write = true;
      more = !answers_.empty();
    }
    if (!reading_ && !reads_ended_ && !broken_ && answers_.size() < kAnswersWaitingMax) {
      reading_ = read = true;
    }
    const bool quiet = !writing_ && !reading_ && answers_.empty() && outstanding_ == 0;
    if (quiet && (reads_ended_ || broken_)) finished_ = finish = true;
  }
  if (write) {
    grpc::WriteOptions options;
    if (more) options.set_buffer_hint();
    StartWrite(&outgoing_, options);
  }
  if (read) StartRead(&incoming_);
  if (finish) Finish(rpc::ToGrpc(end_status_));
}

void TouchStream::OnWriteDone(bool ok) {
  {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok) {
      broken_ = true;
      answers_.clear();
    }
  }
  Move();
}

void TouchStream::OnDone() {
  edge_->Observe(kMethod, end_status_, MonotonicMicros() - started_us_);
  self_.reset();  // may be the last owner
}

}  // namespace regulars::ingest
