// One RecordTouches stream: reads touches, hands them to the intake, answers each by its sequence
// number when the log has it, in whatever order that happens.
//
// Bounds: at most limits::kTouchesOutstandingMax touches without an answer; one above is refused
// WINDOW_EXCEEDED. A client that does not read its answers is not read any further.
// Lifecycle: made by Start, keeps itself alive until the stream and its last touch have ended.
// Thread-safety: reactions of gRPC and answers of the log come from different threads; everything
// shared is guarded by one mutex, which is never held while gRPC or the intake is called.
#ifndef REGULARS_SERVICES_INGEST_SHELL_TOUCH_STREAM_H_
#define REGULARS_SERVICES_INGEST_SHELL_TOUCH_STREAM_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "libs/rpc/call.h"
#include "regulars/ingest/v1/ingest_service.pb.h"
#include "services/ingest/shell/intake.h"

namespace regulars::ingest {

class TouchStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // The reactor for a call; gRPC owns nothing of it.
  static TouchStream* Start(rpc::Edge* edge, Intake* intake, grpc::CallbackServerContext* context);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  TouchStream(rpc::Edge* edge, Intake* intake, grpc::CallbackServerContext* context);

  void Take(const grpc::ByteBuffer& bytes);
  // What is wrong with the frame around a touch.
  absl::Status CheckFrame(const v1::RecordTouchesRequest& request);
  void Answer(int64_t sequence, const absl::StatusOr<Receipt>& receipt, bool was_outstanding);
  // Starts what may be started now: a write, a read that was held back, the end.
  void Move();

  rpc::Edge* const edge_;
  Intake* const intake_;
  const Micros started_us_;
  absl::Status end_status_;  // set before the first reaction only
  rpc::Caller caller_;
  std::shared_ptr<TouchStream> self_;  // shared: with the answers that are still to come
  grpc::ByteBuffer incoming_;
  bool first_ = true;  // read side only

  std::mutex mutex_;
  std::deque<grpc::ByteBuffer> answers_;
  grpc::ByteBuffer outgoing_;
  size_t outstanding_ = 0;  // taken and without an answer in answers_ or further
  bool reading_ = false;
  bool writing_ = false;
  bool reads_ended_ = false;
  bool broken_ = false;  // a write failed: nobody reads any more
  bool finished_ = false;
};

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_SHELL_TOUCH_STREAM_H_
