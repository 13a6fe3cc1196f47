// `regularsctl lag`: how far every shard of every service is, who owns it, and what time it has.
#include <map>
#include <utility>

#include "absl/strings/str_join.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/time.h"
#include "tools/regularsctl/answer.h"

namespace regulars::ctl {
namespace {

struct Rows {
  std::vector<std::vector<std::string>> text = {
      {"SERVICE", "SHARD", "INPUT", "POSITION", "END", "BEHIND", "OWNER", "CLOCK"}};
  nlohmann::json json = nlohmann::json::array();
  int64_t behind = 0;
};

absl::Status AddShard(LogReader* log, const std::string& service, int32_t shard,
                      const std::string& owner, Rows* rows) {
  REGULARS_ASSIGN_OR_RETURN(const ShardHead head, log->LastShard(service, shard));
  if (!head.record) {
    rows->text.push_back({service, Cat(shard), "-", "-", "-", "-", "never owned", ""});
    rows->json.push_back({{"service", service}, {"shard", shard}, {"owned", false}});
    return absl::OkStatus();
  }
  std::vector<std::string> clocks;
  nlohmann::json clocks_json = nlohmann::json::object();
  for (const auto& clock : head.record->pool_clocks()) {
    clocks.push_back(Cat(clock.pool(), " ", FormatRfc3339(clock.now_us())));
    clocks_json[clock.pool()] = FormatRfc3339(clock.now_us());
  }
  for (const auto& input : head.record->inputs()) {
    const kafka::TopicPartition place{input.topic(), shard};
    REGULARS_ASSIGN_OR_RETURN(const auto ends, log->Ends(place));
    REGULARS_ASSIGN_OR_RETURN(const int64_t behind,
                              log->RecordsBehind(place, input.to(), ends.stable));
    rows->behind += behind;
    rows->text.push_back({service, Cat(shard), input.topic(), Cat(input.to()), Cat(ends.stable),
                          Cat(behind), owner, absl::StrJoin(clocks, ", ")});
    rows->json.push_back({{"service", service},
                          {"shard", shard},
                          {"owned", true},
                          {"topic", input.topic()},
                          {"position", input.to()},
                          {"end", ends.stable},
                          {"behind", behind},
                          {"owner", owner},
                          {"epoch", head.epoch},
                          {"sequence", head.record->sequence()},
                          {"clocks", clocks_json}});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Answer> RunLag(Context* context) {
  REGULARS_ASSIGN_OR_RETURN(const auto services, context->Services());
  REGULARS_RETURN_IF_ERROR(context->OpenLog());
  LogReader* const log = context->reader();
  Rows rows;
  for (const std::string& service : services) {
    REGULARS_ASSIGN_OR_RETURN(const int32_t shards, log->ShardsOf(service));
    REGULARS_ASSIGN_OR_RETURN(auto owners, log->Owners(service));
    for (int32_t shard = 0; shard < shards; ++shard) {
      REGULARS_RETURN_IF_ERROR(AddShard(log, service, shard, owners[shard].address(), &rows));
    }
  }
  Answer answer;
  answer.text = Cat(Table(rows.text), "behind: ", Grouped(rows.behind), " records\n");
  answer.json = {{"behind", rows.behind}, {"shards", std::move(rows.json)}};
  return answer;
}

}  // namespace regulars::ctl
