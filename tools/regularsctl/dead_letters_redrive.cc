// `regularsctl dlq redrive`: asks the owner of a shard to apply letters again, in order of their
// offsets. What a letter is redriven for is mended before; one that fails again is a letter again.
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "regulars/runtime/v1/runtime_service.grpc.pb.h"
#include "tools/regularsctl/dead_letters.h"
#include "tools/regularsctl/service_calls.h"

namespace regulars::ctl {
namespace {

using runtime::v1::DeadLetter;
using runtime::v1::RuntimeService;

constexpr char kUsage[] =
    "dlq redrive TOPIC PARTITION OFFSET..., or --reason=R for all of a reason";

// The pool that its headers name: it may not have been configured when the letter was written.
std::string PoolOf(const DeadLetter& letter) {
  kafka::Record record;
  for (const auto& header : letter.headers()) {
    record.headers.emplace_back(header.key(), header.value());
  }
  const auto event = events::FromHeaders(record.headers);
  return event.ok() ? std::string(event->pool) : letter.pool();
}

// Offset -> pool, of the letters that are asked for.
absl::StatusOr<std::map<int64_t, std::string>> Chosen(Context* context,
                                                      const kafka::TopicPartition& place) {
  std::map<int64_t, std::string> chosen;
  const auto reason = context->line().Last("reason");
  if (!reason) {
    const auto& words = context->line().words();
    for (size_t i = 4; i < words.size(); ++i) {
      int64_t offset = 0;
      if (!ParseOffset(words[i], &offset)) return absl::InvalidArgumentError(kUsage);
      REGULARS_ASSIGN_OR_RETURN(const DeadLetter letter, FindLetter(context, place, offset));
      chosen[offset] = PoolOf(letter);
    }
    return chosen;
  }
  REGULARS_ASSIGN_OR_RETURN(const auto ends, context->reader()->Ends(place));
  REGULARS_RETURN_IF_ERROR(
      context->reader()->Read(place, ends.low, ends.stable, [&](const kafka::Record& record) {
        DeadLetter letter;
        if (ParseLetter(record, &letter) && letter.part() == 0 && letter.reason() == *reason) {
          chosen[record.offset] = PoolOf(letter);
        }
        return true;
      }));
  return chosen;
}

absl::StatusOr<std::string> ServiceOf(Context* context, const std::string& topic) {
  REGULARS_ASSIGN_OR_RETURN(const auto services, context->Services());
  for (const std::string& service : services) {
    if (context->reader()->Topic(service, events::kDeadLettersKind) == topic) return service;
  }
  return absl::NotFoundError(Cat(topic, " is not the dead-letter topic of a service"));
}

// Calls to the owner of one shard, for whatever pool.
class Owner {
 public:
  Owner(Context* context, std::string service, int32_t shard)
      : context_(context), service_(std::move(service)), shard_(shard) {}

  absl::Status Redrive(const std::string& pool, int64_t offset,
                       runtime::v1::RedriveLetterResponse* response) {
    auto& calls = calls_[pool];
    if (!calls) {
      REGULARS_ASSIGN_OR_RETURN(calls, ServiceCalls::Make(context_, pool));
    }
    REGULARS_ASSIGN_OR_RETURN(const auto address, calls->AddressOfShard(service_, shard_));
    // Not tried again by itself: an input that crashes takes the owner down.
    REGULARS_ASSIGN_OR_RETURN(const auto channel, calls->ChannelAt(address, /*retry=*/false));
    const auto stub = RuntimeService::NewStub(channel);
    runtime::v1::RedriveLetterRequest request;
    request.set_parent(Cat("pools/", pool));
    request.set_shard(shard_);
    request.set_offset(offset);
    return calls->Call(*stub, &RuntimeService::Stub::RedriveLetter, request, response);
  }

 private:
  Context* const context_;
  const std::string service_;
  const int32_t shard_;
  std::map<std::string, std::unique_ptr<ServiceCalls>> calls_;
};

// It says something about this letter, not about the service.
bool IsOfLetter(const absl::Status& status) {
  return status.code() == absl::StatusCode::kFailedPrecondition ||
         ReasonOf(status) == "LETTER_UNKNOWN";
}

}  // namespace

absl::StatusOr<Answer> RedriveLetters(Context* context) {
  const auto& words = context->line().words();
  if ((words.size() > 4) == context->line().Has("reason")) {
    return absl::InvalidArgumentError(kUsage);
  }
  REGULARS_ASSIGN_OR_RETURN(const auto place, OpenPartition(context));
  REGULARS_ASSIGN_OR_RETURN(const auto service, ServiceOf(context, place.topic));
  REGULARS_ASSIGN_OR_RETURN(const auto chosen, Chosen(context, place));
  Owner owner(context, service, place.partition);
  std::vector<std::vector<std::string>> rows = {{"OFFSET", "POOL", "OUTCOME"}};
  Answer answer;
  answer.json = {{"letters", nlohmann::json::array()}};
  int64_t applied = 0;
  for (const auto& [offset, pool] : chosen) {
    runtime::v1::RedriveLetterResponse response;
    const absl::Status called = owner.Redrive(pool, offset, &response);
    if (!called.ok() && !IsOfLetter(called)) {
      const std::string reason = ReasonOf(called);
      return absl::UnavailableError(Cat("stopped before offset ", offset, ", ", applied,
                                        " applied: ", reason, reason.empty() ? "" : ": ",
                                        StdView(called.message())));
    }
    const std::string reason = called.ok() ? response.reason() : ReasonOf(called);
    const std::string outcome = !called.ok()     ? Cat("refused ", reason)
                                : reason.empty() ? "applied"
                                                 : Cat("set aside again ", reason);
    applied += called.ok() && reason.empty() ? 1 : 0;
    rows.push_back({Cat(offset), pool, outcome});
    answer.json["letters"].push_back(
        {{"offset", offset}, {"pool", pool}, {"called", called.ok()}, {"reason", reason}});
  }
  const auto total = static_cast<int64_t>(chosen.size());
  answer.json["applied"] = applied;
  answer.text = Cat(total > 0 ? Table(rows) : "", Grouped(applied), " of ", Grouped(total),
                    " letters applied\n");
  answer.exit_code = applied == total ? kExitOk : kExitWrong;
  return answer;
}

}  // namespace regulars::ctl
