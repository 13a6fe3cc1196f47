// The inputs of a service that concern merges and splits, parsed: two events of identity and the
// messages of the handoff topic. A Program tries ReadInbound first and takes everything else
// itself:
//
//   std::optional<handoff::Inbound> inbound;
//   REGULARS_RETURN_IF_ERROR(handoff::ReadInbound(*input, &inbound));
//   if (inbound.has_value()) { ... }
//
// Pure. Errors: INVALID_ARGUMENT PAYLOAD_MALFORMED (does not parse, or an id is missing, too long
// or has a zero byte) sends the record to the dead letters.
#ifndef REGULARS_LIBS_HANDOFF_INBOUND_H_
#define REGULARS_LIBS_HANDOFF_INBOUND_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "libs/shard/kernel.h"
#include "regulars/handoff/v1/handoff_events.pb.h"

namespace regulars::handoff {

inline constexpr size_t kIdBytesMax = 128;  // merge ids, split ids, members, fragments

// `loser` became part of `survivor`. Epochs of a member count its lives.
struct Merge {
  std::string merge_id;
  std::string loser;
  std::string survivor;
  std::vector<v1::Whereabouts> fragments{};  // with their epochs
  std::vector<v1::MovedName> names{};        // the loser and who was part of it
  uint32_t loser_epoch = 0;
  uint32_t survivor_epoch = 0;
};

struct SplitPart {
  std::string member;
  std::vector<v1::Whereabouts> fragments{};
  std::vector<v1::MovedName> names{};  // the member and who is part of it
  uint32_t epoch = 0;
};

struct Split {
  std::string split_id;
  std::string member;
  std::vector<SplitPart> parts{};
};

using Inbound = std::variant<Merge, Split, v1::HandoffMessage>;

// nullopt: another record. The event of a survivor, who has nothing to do, is a Merge too.
[[nodiscard]] absl::Status ReadInbound(const shard::Input& input, std::optional<Inbound>* inbound);

}  // namespace regulars::handoff

#endif  // REGULARS_LIBS_HANDOFF_INBOUND_H_
