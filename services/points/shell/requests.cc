#include "services/points/shell/requests.h"

#include <cctype>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/model/names.h"
#include "services/points/codec/inputs.h"

namespace regulars::points {
namespace {

constexpr std::string_view kUuidForm = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";

absl::StatusOr<std::string> MemberOf(std::string_view name, std::string_view pattern) {
  REGULARS_ASSIGN_OR_RETURN(std::vector<std::string> ids, model::ParseName(name, pattern));
  return std::move(ids[1]);
}

// +1 for what came in, -1 for where it is, 0 for sums that are not part of the equation.
int SideOf(std::string_view sum) {
  if (sum == "issued" || sum == "moved_in") return 1;
  if (sum == "outstanding" || sum == "redeemed" || sum == "expired" || sum == "reversed" ||
      sum == "moved_out") {
    return -1;
  }
  return 0;
}

}  // namespace

absl::StatusOr<std::string> MemberOfBalance(std::string_view name) {
  return MemberOf(name, kBalancePattern);
}

absl::StatusOr<std::string> MemberOfRedemption(std::string_view name) {
  return MemberOf(name, kRedemptionPattern);
}

absl::Status CheckRequestId(std::string_view request_id) {
  bool valid = request_id.empty() || request_id.size() == kUuidForm.size();
  for (size_t i = 0; valid && i < request_id.size(); ++i) {
    const auto c = static_cast<unsigned char>(request_id[i]);
    valid = kUuidForm[i] == '-' ? c == '-' : std::isxdigit(c) != 0;
  }
  if (valid) return absl::OkStatus();
  return DomainError(absl::StatusCode::kInvalidArgument, "REQUEST_ID_INVALID",
                     "request_id must be a UUID or empty");
}

int64_t LedgerImbalance(const ShardSums& sums) {
  std::map<std::pair<std::string, std::string>, int64_t> programs;
  for (const auto& [key, value] : sums) {
    const auto& [pool, name] = key;
    const size_t slash = name.find('/');
    if (slash == std::string::npos) continue;
    programs[{pool, name.substr(0, slash)}] +=
        SideOf(std::string_view(name).substr(slash + 1)) * value;
  }
  int64_t imbalance = 0;
  for (const auto& [program, difference] : programs) {
    imbalance += difference < 0 ? -difference : difference;
  }
  return imbalance;
}

}  // namespace regulars::points
