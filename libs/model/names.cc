#include "libs/model/names.h"

#include <algorithm>
#include <cstddef>

#include "libs/base/assert.h"
#include "libs/base/base32.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::model {
namespace {

constexpr std::string_view kMemberPrefix = "m_";
constexpr std::size_t kMintedBytes = 16;

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

std::vector<std::string_view> SplitSlashes(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t slash = text.find('/'); slash != std::string_view::npos;
       slash = text.find('/')) {
    out.push_back(text.substr(0, slash));
    text.remove_prefix(slash + 1);
  }
  out.push_back(text);
  return out;
}

bool IsVariable(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool IsValidId(std::string_view variable, std::string_view id) {
  if (variable == "{pool}") return IsValidPoolName(id);
  if (variable == "{member}") return IsValidMemberId(id);
  for (const std::string_view chosen :
       {"{program}", "{segment}", "{campaign}", "{shop}", "{brand}"}) {
    if (variable == chosen) return IsValidResourceId(id);
  }
  return IsValidOperationId(id);
}

absl::Status Malformed(std::string_view pattern) {
  return DomainError(absl::StatusCode::kInvalidArgument, "NAME_MALFORMED",
                     Cat("the resource name must be ", pattern),
                     {{"pattern", std::string(pattern)}});
}

}  // namespace

bool IsValidPoolName(std::string_view text) {
  if (text.empty() || text.size() > limits::kPoolNameMax) return false;
  if (text.front() == '-' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLowerOrDigit(c) || c == '-'; });
}

bool IsValidMemberId(std::string_view text) {
  if (text.size() > limits::kMemberIdMax || text.size() <= kMemberPrefix.size()) return false;
  if (text.substr(0, kMemberPrefix.size()) != kMemberPrefix) return false;
  text.remove_prefix(kMemberPrefix.size());
  return std::all_of(text.begin(), text.end(), IsLowerOrDigit);
}

bool IsValidResourceId(std::string_view text) {
  if (text.empty() || text.size() > limits::kResourceIdMax) return false;
  if (!IsLowerOrDigit(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLowerOrDigit(c) || c == '-' || c == '_'; });
}

bool IsValidOperationId(std::string_view text) {
  if (text.empty() || text.size() > limits::kOperationIdMax) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != '/'; });
}

MemberId MintMemberId(std::string_view seed) {
  REGULARS_ASSERT(seed.size() >= kMintedBytes, "a member id needs 16 bytes of seed");
  return MemberId(Cat(kMemberPrefix, Base32Encode(seed.substr(0, kMintedBytes))));
}

absl::StatusOr<std::vector<std::string>> ParseName(std::string_view name,
                                                   std::string_view pattern) {
  const std::vector<std::string_view> want = SplitSlashes(pattern);
  const std::vector<std::string_view> have = SplitSlashes(name);
  if (want.size() != have.size()) return Malformed(pattern);
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (!IsVariable(want[i])) {
      if (have[i] != want[i]) return Malformed(pattern);
      continue;
    }
    if (!IsValidId(want[i], have[i])) return Malformed(pattern);
    ids.emplace_back(have[i]);
  }
  return ids;
}

std::string FormatName(std::string_view pattern, const std::vector<std::string>& ids) {
  std::string out;
  std::size_t used = 0;
  for (const std::string_view segment : SplitSlashes(pattern)) {
    if (!out.empty()) out.push_back('/');
    if (IsVariable(segment)) {
      REGULARS_ASSERT(used < ids.size(), "a resource name has fewer ids than variables");
      out.append(ids[used++]);
    } else {
      out.append(segment);
    }
  }
  REGULARS_ASSERT(used == ids.size(), "a resource name has more ids than variables");
  return out;
}

absl::StatusOr<PoolName> PoolOfName(std::string_view name) {
  const std::vector<std::string_view> segments = SplitSlashes(name);
  if (segments.size() < 2 || segments[0] != "pools" || !IsValidPoolName(segments[1])) {
    return Malformed("pools/{pool}/...");
  }
  return PoolName(std::string(segments[1]));
}

absl::StatusOr<MemberName> ParseMemberName(std::string_view name) {
  REGULARS_ASSIGN_OR_RETURN(std::vector<std::string> ids,
                            ParseName(name, "pools/{pool}/members/{member}"));
  return MemberName{PoolName(std::move(ids[0])), MemberId(std::move(ids[1]))};
}

std::string FormatMemberName(const MemberName& name) {
  return FormatName("pools/{pool}/members/{member}", {name.pool.value(), name.member.value()});
}

}  // namespace regulars::model
