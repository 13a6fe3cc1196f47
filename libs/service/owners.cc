#include "libs/service/owners.h"

#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "regulars/runtime/v1/runtime_events.pb.h"

namespace regulars::service {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(500);
constexpr absl::Duration kPause = absl::Seconds(1);
constexpr absl::Duration kAsk = absl::Seconds(5);

}  // namespace

Owners::Owners(kafka::Log* log, const log::Logger* logger, std::string topic)
    : log_(log), logger_(logger), topic_(std::move(topic)), thread_([this] { Run(); }) {}

Owners::~Owners() {
  stop_ = true;
  thread_.join();
}

std::optional<Owner> Owners::Of(int32_t shard) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = owners_.find(shard);
  if (found == owners_.end()) return std::nullopt;
  return found->second;
}

void Owners::Run() {
  while (!stop_) {
    const absl::Status status = Tail();
    if (stop_ || status.ok()) return;
    logger_->Error("owners topic cannot be read, trying again", status);
    absl::SleepFor(kPause);
  }
}

absl::Status Owners::Tail() {
  REGULARS_ASSIGN_OR_RETURN(const std::unique_ptr<kafka::Reader> reader, log_->NewReader());
  REGULARS_ASSIGN_OR_RETURN(const kafka::Watermarks marks,
                            reader->QueryWatermarks({topic_, 0}, kAsk));
  REGULARS_RETURN_IF_ERROR(reader->Assign({{topic_, 0, marks.low}}));
  while (!stop_) {
    REGULARS_ASSIGN_OR_RETURN(const std::optional<kafka::Record> record, reader->Poll(kPoll));
    if (record.has_value() && record->has_value) Learn(*record);
  }
  return absl::OkStatus();
}

void Owners::Learn(const kafka::Record& record) {
  runtime::v1::OwnerRecord owner;
  if (!owner.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
    logger_->Error("an owner record is garbled", {{"offset", record.offset}});
    return;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  Owner& known = owners_[owner.shard()];
  if (owner.epoch() >= known.epoch) {
    known = Owner{owner.address(), owner.instance(), owner.epoch()};
  }
}

}  // namespace regulars::service
