// `regularsctl points explain`: why a balance is what it is, line by line: the entries with the
// lots they touched and the business facts that caused them.
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/model/names.h"
#include "regulars/points/v1/points_service.grpc.pb.h"
#include "tools/regularsctl/answer.h"
#include "tools/regularsctl/json_text.h"
#include "tools/regularsctl/service_calls.h"

namespace regulars::ctl {
namespace {

constexpr char kUsage[] = "points explain POOL MEMBER [--limit=20]";
constexpr int64_t kLimit = 20;
constexpr int64_t kLimitMax = 1'000;
constexpr int kLotsShown = 4;

std::string Sentence(const points::v1::Entry& entry) {
  switch (entry.kind()) {
    case points::v1::ENTRY_KIND_EARNED:
      return "earned";
    case points::v1::ENTRY_KIND_REDEEMED:
      return "redeemed";
    case points::v1::ENTRY_KIND_REVERSED:
      return "taken back by a refund";
    case points::v1::ENTRY_KIND_REDEMPTION_REVERSED:
      return "redemption undone";
    case points::v1::ENTRY_KIND_EXPIRED:
      return "expired";
    default:
      return "unknown kind";
  }
}

std::string LotsOf(const points::v1::Entry& entry) {
  std::vector<std::string> lots;
  for (const auto& lot : entry.lots()) {
    if (static_cast<int>(lots.size()) == kLotsShown) {
      lots.push_back(Cat("and ", entry.lots_size() - kLotsShown, " more"));
      break;
    }
    lots.push_back(Cat(Grouped(lot.points()), " of lot ", lot.lot_id(), " (until ",
                       TextOf(lot.expire_time()), ")"));
  }
  return absl::StrJoin(lots, ", ");
}

absl::StatusOr<int64_t> LimitOf(const CommandLine& line) {
  int64_t limit = kLimit;
  const auto text = line.Last("limit");
  if (text && (!absl::SimpleAtoi(*text, &limit) || limit < 1 || limit > kLimitMax)) {
    return absl::InvalidArgumentError(Cat("--limit must be 1 to ", kLimitMax));
  }
  return limit;
}

}  // namespace

absl::StatusOr<Answer> RunPoints(Context* context) {
  const auto& words = context->line().words();
  if (words.size() != 4 || words[1] != "explain") return absl::InvalidArgumentError(kUsage);
  if (!model::IsValidMemberId(words[3])) {
    return absl::InvalidArgumentError(Cat("'", words[3], "' is no member id"));
  }
  REGULARS_ASSIGN_OR_RETURN(const int64_t limit, LimitOf(context->line()));
  REGULARS_ASSIGN_OR_RETURN(const auto calls, ServiceCalls::Make(context, words[2]));
  REGULARS_ASSIGN_OR_RETURN(const std::string program, calls->PointsProgram());
  const std::string name = Cat("pools/", words[2], "/members/", words[3], "/balances/", program);
  REGULARS_ASSIGN_OR_RETURN(auto stub, calls->Stub<points::v1::PointsService>("points"));

  points::v1::GetBalanceRequest get;
  get.set_name(name);
  points::v1::Balance balance;
  REGULARS_RETURN_IF_ERROR(
      calls->Call(*stub, &points::v1::PointsService::Stub::GetBalance, get, &balance));
  points::v1::ListEntriesRequest list;
  list.set_parent(name);
  list.set_page_size(static_cast<int32_t>(limit));
  points::v1::ListEntriesResponse entries;
  REGULARS_RETURN_IF_ERROR(
      calls->Call(*stub, &points::v1::PointsService::Stub::ListEntries, list, &entries));

  Answer answer;
  answer.json = {{"balance", JsonOf(balance)}, {"entries", JsonOf(entries)["entries"]}};
  std::vector<std::vector<std::string>> rows = {
      {"WHEN", "POINTS", "BALANCE", "WHAT", "CAUSE", "LOTS"}};
  for (const auto& entry : entries.entries()) {
    rows.push_back({TextOf(entry.effective_time()),
                    Cat(entry.points() > 0 ? "+" : "", Grouped(entry.points())),
                    Grouped(entry.balance_after()), Sentence(entry), entry.natural_id(),
                    LotsOf(entry)});
  }
  answer.text =
      Cat(name, ": ", Grouped(balance.points()), " points = ", Grouped(balance.issued_points()),
          " issued - ", Grouped(balance.redeemed_points()), " redeemed - ",
          Grouped(balance.expired_points()), " expired - ", Grouped(balance.reversed_points()),
          " reversed",
          balance.debt_points() > 0 ? Cat("; ", Grouped(balance.debt_points()), " owed") : "", "\n",
          Table(rows));
  if (balance.entry_count() > entries.entries_size()) {
    Append(&answer.text, "the newest ", entries.entries_size(), " of ",
           Grouped(balance.entry_count()), " entries\n");
  }
  return answer;
}

}  // namespace regulars::ctl
