// Who may call: API keys, each of one pool. A key file has lines `<key id> <pool> <SHA-256 of the
// key in hex> [<right>,...]`, blank lines and lines with # ignored: a stolen file opens nothing.
// Every key may call the ordinary methods; what concerns personal data or joins people needs a
// right, and a key has the rights of its line only. Thread-safety: immutable after loading. Errors:
// load: INVALID_ARGUMENT with the line, never its content; check: UNAUTHENTICATED API_KEY_MISSING,
// API_KEY_INVALID; PERMISSION_DENIED RIGHT_MISSING. Limits: limits::kApiKeysMax keys, kApiKeyMax
// bytes.
#ifndef REGULARS_LIBS_RPC_API_KEYS_H_
#define REGULARS_LIBS_RPC_API_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace regulars::rpc {

inline constexpr std::size_t kApiKeyMax = 256;

// What not every key may do.
enum class Right : uint8_t {
  kResolveContact,  // `resolve-contact`: be told contact data
  kExportMember,    // `export-member`
  kEraseMember,     // `erase-member`
  kLinkMembers,     // `link-members`: say who is one person and who is not
  kSimulateRules,   // `simulate-rules`: ask what other linking rules would do
};
[[nodiscard]] std::string_view RightName(Right right);

struct Caller {
  std::string pool;
  std::string key_id;
  std::string authorization;  // as received, to be sent on when a call is forwarded
  bool forwarded = false;     // another process of this service sent it on already
  std::vector<Right> rights{};
  // Set with `forwarded`: who answers, if the name of the request is an alias.
  std::string entity{};
};

// PERMISSION_DENIED RIGHT_MISSING.
[[nodiscard]] absl::Status CheckRight(const Caller& caller, Right right);

class ApiKeys {
 public:
  // Adds the keys of one file; a key that is there already, by id and pool or by digest, is a
  // mistake.
  absl::Status Add(std::string_view text);
  absl::Status AddFile(const std::string& path);

  // `authorization`: value of the header of that name, "Bearer <key>".
  [[nodiscard]] absl::StatusOr<Caller> Check(std::string_view authorization) const;
  [[nodiscard]] std::size_t size() const { return by_digest_.size(); }

 private:
  struct Entry {
    std::string key_id;
    std::string pool;
    std::vector<Right> rights;
  };
  absl::flat_hash_map<std::string, Entry> by_digest_;
};

}  // namespace regulars::rpc

#endif  // REGULARS_LIBS_RPC_API_KEYS_H_
