#include "libs/rpc/api_keys.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "libs/base/assert.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/model/names.h"
#include "libs/seal/crypto.h"

namespace regulars::rpc {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::size_t kDigestHex = 64;

bool IsHexDigest(const std::string& text) {
  return text.size() == kDigestHex && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isxdigit(static_cast<unsigned char>(c));
         });
}

constexpr Right kRights[] = {Right::kResolveContact, Right::kExportMember, Right::kEraseMember,
                             Right::kLinkMembers, Right::kSimulateRules};

// "resolve-contact,erase-member"; false for a word that is no right, or one that is there twice.
bool ReadRights(absl::string_view text, std::vector<Right>* rights) {
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    const auto* found = std::find_if(std::begin(kRights), std::end(kRights), [&](Right right) {
      return AbslView(RightName(right)) == word;
    });
    if (found == std::end(kRights)) return false;
    if (std::find(rights->begin(), rights->end(), *found) != rights->end()) return false;
    rights->push_back(*found);
  }
  return true;
}

}  // namespace

std::string_view RightName(Right right) {
  switch (right) {
    case Right::kResolveContact:
      return "resolve-contact";
    case Right::kExportMember:
      return "export-member";
    case Right::kEraseMember:
      return "erase-member";
    case Right::kLinkMembers:
      return "link-members";
    case Right::kSimulateRules:
      return "simulate-rules";
  }
  REGULARS_ASSERT(false, "unknown right");
}

absl::Status CheckRight(const Caller& caller, Right right) {
  if (std::find(caller.rights.begin(), caller.rights.end(), right) != caller.rights.end()) {
    return absl::OkStatus();
  }
  return DomainError(absl::StatusCode::kPermissionDenied, "RIGHT_MISSING",
                     "the API key has not got the right for this",
                     {{"right", std::string(RightName(right))}});
}

absl::Status ApiKeys::Add(std::string_view text) {
  int line_number = 0;
  for (absl::string_view line : absl::StrSplit(AbslView(text), '\n')) {
    ++line_number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line.front() == '#') continue;
    const auto bad = [&](const char* why) {
      return absl::InvalidArgumentError(Cat("key file, line ", line_number, ": ", why));
    };
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (parts.size() != 3 && parts.size() != 4) {
      return bad("must be `<key id> <pool> <SHA-256 in hex> [<right>,...]`");
    }
    if (!model::IsValidOperationId(parts[0])) return bad("malformed key id");
    if (!model::IsValidPoolName(parts[1])) return bad("malformed pool");
    if (!IsHexDigest(parts[2])) return bad("the digest must be 64 hexadecimal digits");
    std::vector<Right> rights;
    if (parts.size() == 4 && !ReadRights(parts[3], &rights)) return bad("no such right");
    if (by_digest_.size() == limits::kApiKeysMax) return bad("too many keys");
    for (const auto& [digest, entry] : by_digest_) {
      if (entry.key_id == parts[0] && entry.pool == parts[1]) return bad("key id is there twice");
    }
    Entry entry{parts[0], parts[1], std::move(rights)};
    if (!by_digest_.emplace(absl::HexStringToBytes(parts[2]), std::move(entry)).second) {
      return bad("the key is there twice");
    }
  }
  return absl::OkStatus();
}

absl::Status ApiKeys::AddFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (file.good() && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file.is_open() || file.bad()) {
    return absl::NotFoundError(Cat("cannot read API key file ", path));
  }
  return Add(text.str());
}

absl::StatusOr<Caller> ApiKeys::Check(std::string_view authorization) const {
  if (authorization.empty()) {
    return DomainError(absl::StatusCode::kUnauthenticated, "API_KEY_MISSING",
                       "send the header `authorization: Bearer <API key>`");
  }
  if (authorization.starts_with(kBearer) && authorization.size() <= kBearer.size() + kApiKeyMax) {
    const std::string digest = seal::Sha256(authorization.substr(kBearer.size()));
    // What the lookup's time could tell is about the digest, from which no key can be found.
    const auto found = by_digest_.find(digest);
    if (found != by_digest_.end() && seal::ConstantTimeEquals(found->first, digest)) {
      return Caller{found->second.pool, found->second.key_id, std::string(authorization), false,
                    found->second.rights};
    }
  }
  return DomainError(absl::StatusCode::kUnauthenticated, "API_KEY_INVALID",
                     "the API key is not known here");
}

}  // namespace regulars::rpc
