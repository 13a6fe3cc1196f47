// `regularsctl dlq list|show`: what was set aside inside a service, why, and where it came from.
// The original stays sealed unless the key file of its pool is given. `redrive` is in
// dead_letters_redrive.cc.
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/time.h"
#include "libs/events/types.h"
#include "libs/seal/seal.h"
#include "regulars/runtime/v1/runtime_events.pb.h"
#include "tools/regularsctl/answer.h"
#include "tools/regularsctl/audit/findings.h"
#include "tools/regularsctl/dead_letters.h"

namespace regulars::ctl {
namespace {

using runtime::v1::DeadLetter;

// Letters shown by `list`: the newest of each partition; all are counted.
constexpr int64_t kLimit = 20;

std::string ClassOf(const DeadLetter& letter) {
  constexpr std::string_view kPrefix = "DEAD_LETTER_CLASS_";
  const std::string name = runtime::v1::DeadLetterClass_Name(letter.error_class());
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : Cat(letter.error_class());
}

absl::StatusOr<Answer> List(Context* context) {
  REGULARS_ASSIGN_OR_RETURN(const auto services, context->Services());
  int64_t limit = kLimit;
  if (const auto text = context->line().Last("limit");
      text && (!absl::SimpleAtoi(*text, &limit) || limit < 0)) {
    return absl::InvalidArgumentError("--limit must be a number");
  }
  REGULARS_RETURN_IF_ERROR(context->OpenLog());
  LogReader* const log = context->reader();
  REGULARS_ASSIGN_OR_RETURN(const auto topics, log->Topics());
  std::vector<std::vector<std::string>> rows = {
      {"TOPIC", "PARTITION", "OFFSET", "TIME", "CLASS", "REASON", "POOL", "INPUT"}};
  nlohmann::json letters = nlohmann::json::array();
  std::map<std::string, int64_t> reasons;
  int64_t total = 0;
  for (const std::string& service : services) {
    const auto topic = topics.find(log->Topic(service, events::kDeadLettersKind));
    if (topic == topics.end()) continue;
    for (int32_t partition = 0; partition < topic->second; ++partition) {
      REGULARS_ASSIGN_OR_RETURN(const auto ends, log->Ends({topic->first, partition}));
      std::vector<std::pair<std::vector<std::string>, nlohmann::json>> newest;
      REGULARS_RETURN_IF_ERROR(log->Read(
          {topic->first, partition}, ends.low, ends.stable, [&](const kafka::Record& record) {
            DeadLetter letter;
            const bool readable = ParseLetter(record, &letter);
            if (letter.part() > 0) return true;
            ++total;
            ++reasons[readable ? letter.reason() : "UNREADABLE_LETTER"];
            const std::string input =
                Cat(letter.topic(), "/", letter.partition(), "@", letter.offset());
            const std::string time = FormatRfc3339(letter.time_us());
            newest.push_back({{topic->first, Cat(partition), Cat(record.offset), time,
                               ClassOf(letter), letter.reason(), letter.pool(), input},
                              {{"topic", topic->first},
                               {"partition", partition},
                               {"offset", record.offset},
                               {"time", time},
                               {"class", ClassOf(letter)},
                               {"reason", letter.reason()},
                               {"pool", letter.pool()},
                               {"input", input}}});
            if (static_cast<int64_t>(newest.size()) > limit) newest.erase(newest.begin());
            return true;
          }));
      for (auto& [row, json] : newest) {
        rows.push_back(std::move(row));
        letters.push_back(std::move(json));
      }
    }
  }
  Answer answer;
  answer.text = rows.size() > 1 ? Table(rows) : "";
  for (const auto& [reason, count] : reasons) {
    Append(&answer.text, Grouped(count), " ", reason, "\n");
  }
  Append(&answer.text, Grouped(total), " dead letters\n");
  answer.json = {{"total", total}, {"reasons", reasons}, {"letters", std::move(letters)}};
  return answer;
}

absl::StatusOr<std::string> Unseal(const DeadLetter& letter, const std::string& key_file) {
  REGULARS_ASSIGN_OR_RETURN(seal::KeyRing ring, seal::KeyRing::Load(key_file));
  const seal::Sealer sealer(std::move(ring), seal::RandomNonces());
  return sealer.Open(
      {letter.original().key_id(), letter.original().nonce(), letter.original().ciphertext()},
      Cat("set-aside/", letter.pool()));
}

absl::StatusOr<Answer> Show(Context* context) {
  const auto& words = context->line().words();
  int64_t offset = 0;
  if (words.size() != 5 || !ParseOffset(words[4], &offset)) {
    return absl::InvalidArgumentError("dlq show TOPIC PARTITION OFFSET");
  }
  REGULARS_ASSIGN_OR_RETURN(const auto place, OpenPartition(context));
  REGULARS_ASSIGN_OR_RETURN(const DeadLetter letter, FindLetter(context, place, offset));
  Answer answer;
  std::vector<std::vector<std::string>> rows = {
      {"reason", letter.reason()},
      {"class", ClassOf(letter)},
      {"detail", letter.detail()},
      {"pool", letter.pool()},
      {"input", Cat(letter.topic(), "/", letter.partition(), "@", letter.offset())},
      {"key", Shown(letter.key())},
      {"set aside", FormatRfc3339(letter.time_us())},
      {"code version", letter.code_version()},
      {"log", letter.log_id()},
      {"sealed under", letter.original().key_id()}};
  nlohmann::json headers = nlohmann::json::object();
  for (const auto& header : letter.headers()) {
    rows.push_back({Cat("header ", Shown(header.key())), Shown(header.value())});
    headers[Shown(header.key())] = Shown(header.value());
  }
  for (const auto& row : rows) answer.json[row[0]] = row[1];
  answer.json["headers"] = std::move(headers);
  if (const auto key_file = context->line().Last("unseal-key-file")) {
    REGULARS_ASSIGN_OR_RETURN(const std::string original, Unseal(letter, *key_file));
    rows.push_back({"original", Shown(original)});
    answer.json["original_base64"] = absl::Base64Escape(original);
  }
  answer.text = Table(rows);
  return answer;
}

}  // namespace

bool ParseLetter(const kafka::Record& record, DeadLetter* letter) {
  return letter->ParseFromArray(record.value.data(), static_cast<int>(record.value.size()));
}

bool ParseOffset(const std::string& word, int64_t* offset) {
  return absl::SimpleAtoi(word, offset) && *offset >= 0;
}

absl::StatusOr<kafka::TopicPartition> OpenPartition(Context* context) {
  const auto& words = context->line().words();
  int32_t partition = 0;
  if (words.size() < 4 || !absl::SimpleAtoi(words[3], &partition) || partition < 0) {
    return absl::InvalidArgumentError(
        Cat("dlq ", words.size() > 1 ? words[1] : "show", " TOPIC PARTITION OFFSET"));
  }
  REGULARS_RETURN_IF_ERROR(context->OpenLog());
  REGULARS_ASSIGN_OR_RETURN(const auto topics, context->reader()->Topics());
  const auto topic = topics.find(words[2]);
  if (topic == topics.end() || partition >= topic->second) {
    return absl::NotFoundError(Cat("there is no ", words[2], "/", partition));
  }
  return kafka::TopicPartition{words[2], partition};
}

absl::StatusOr<DeadLetter> FindLetter(Context* context, const kafka::TopicPartition& place,
                                      int64_t offset) {
  REGULARS_ASSIGN_OR_RETURN(const auto ends, context->reader()->Ends(place));
  bool found = false, readable = false;
  DeadLetter letter;
  if (offset >= ends.low && offset < ends.stable) {
    REGULARS_RETURN_IF_ERROR(
        context->reader()->Read(place, offset, offset + 1, [&](const kafka::Record& record) {
          found = record.offset == offset;
          readable = found && ParseLetter(record, &letter);
          return false;
        }));
  }
  if (!found) return absl::NotFoundError(Cat("no record at offset ", offset));
  if (!readable) return absl::DataLossError("the record is no dead letter");
  return letter;
}

absl::StatusOr<Answer> RunDeadLetters(Context* context) {
  const auto& words = context->line().words();
  const std::string verb = words.size() > 1 ? words[1] : "";
  if (verb == "list" && words.size() == 2) return List(context);
  if (verb == "show") return Show(context);
  if (verb == "redrive") return RedriveLetters(context);
  return absl::InvalidArgumentError("dlq list, or dlq show|redrive TOPIC PARTITION OFFSET");
}

}  // namespace regulars::ctl
