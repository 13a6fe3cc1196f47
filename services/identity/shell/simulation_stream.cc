#include "services/identity/shell/simulation_stream.h"

#include <utility>

#include "libs/base/assert.h"
#include "libs/base/wall_clock.h"
#include "libs/rpc/status.h"

namespace regulars::identity {
namespace {

constexpr std::string_view kMethod = "/regulars.identity.v1.RuleService/SimulateRules";

}  // namespace

std::shared_ptr<SimulationStream> SimulationStream::Make(rpc::Edge* edge) {
  std::shared_ptr<SimulationStream> stream(new SimulationStream(edge));
  stream->self_ = stream;
  return stream;
}

SimulationStream::SimulationStream(rpc::Edge* edge) : edge_(edge), started_us_(MonotonicMicros()) {}

void SimulationStream::Show(int64_t read, int64_t total) {
  v1::SimulateRulesResponse response;
  response.mutable_progress()->set_offsets_read(read);
  response.mutable_progress()->set_offsets_total(total);
  {
    const std::lock_guard lock(mutex_);
    next_ = std::move(response);
  }
  Move();
}

void SimulationStream::End(absl::StatusOr<v1::RuleSimulation> result) {
  {
    const std::lock_guard lock(mutex_);
    REGULARS_ASSERT(!ended_, "a call is answered once");
    ended_ = true;
    end_status_ = result.status();
    if (result.ok()) *next_.emplace().mutable_result() = *std::move(result);
  }
  Move();
}

bool SimulationStream::gone() {
  const std::lock_guard lock(mutex_);
  return gone_;
}

void SimulationStream::Move() {
  bool write = false;
  bool finish = false;
  {
    const std::lock_guard lock(mutex_);
    if (finished_ || writing_) return;
    if (gone_) next_.reset();
    if (next_.has_value()) {
      outgoing_ = *std::move(next_);
      next_.reset();
      writing_ = write = true;
    } else if (ended_) {
      finished_ = finish = true;
    }
  }
  if (write) StartWrite(&outgoing_);
  if (finish) Finish(rpc::ToGrpc(end_status_));
}

void SimulationStream::OnWriteDone(bool ok) {
  {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    gone_ = gone_ || !ok;
  }
  Move();
}

void SimulationStream::OnCancel() {
  const std::lock_guard lock(mutex_);
  gone_ = true;
}

void SimulationStream::OnDone() {
  edge_->Observe(kMethod, end_status_, MonotonicMicros() - started_us_);
  self_.reset();  // may be the last owner
}

}  // namespace regulars::identity
