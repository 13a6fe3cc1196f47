// gRPC of ingest.
// Thread-safety: gRPC's callback threads; AdvanceClock works on a thread of its own, because a
// promise waits for the log twice. Lifecycle: outlives the server.
#ifndef REGULARS_SERVICES_INGEST_SHELL_INGEST_SERVICE_H_
#define REGULARS_SERVICES_INGEST_SHELL_INGEST_SERVICE_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "libs/rpc/call.h"
#include "regulars/ingest/v1/ingest_service.grpc.pb.h"
#include "services/ingest/shell/clock_desk.h"
#include "services/ingest/shell/intake.h"

namespace regulars::ingest {

// Touches come as bytes (wire.h).
using IngestServiceBase = v1::IngestService::WithRawCallbackMethod_RecordTouch<
    v1::IngestService::WithRawCallbackMethod_RecordTouches<
        v1::IngestService::WithCallbackMethod_AdvanceClock<v1::IngestService::Service>>>;

class IngestService final : public IngestServiceBase {
 public:
  IngestService(rpc::Edge* edge, Intake* intake, ClockDesk* clocks);
  // Ends AdvanceClock calls that wait with UNANSWERED.
  ~IngestService() override;

  grpc::ServerUnaryReactor* RecordTouch(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* RecordTouches(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* AdvanceClock(grpc::CallbackServerContext* context,
                                         const v1::AdvanceClockRequest* request,
                                         runtime::v1::Clock* response) override;

 private:
  using AdvanceCall = rpc::UnaryCall<v1::AdvanceClockRequest, runtime::v1::Clock>;
  void Advance(const AdvanceCall& call);
  void WorkOnPromises();

  rpc::Edge* const edge_;
  Intake* const intake_;
  ClockDesk* const clocks_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<AdvanceCall> promises_;
  bool stopping_ = false;
  std::thread promiser_;
};

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_SHELL_INGEST_SERVICE_H_
