// What Decode makes of a payload, and how records become it. Internal to the codec.
#ifndef REGULARS_SERVICES_SEGMENTATION_CODEC_BODY_H_
#define REGULARS_SERVICES_SEGMENTATION_CODEC_BODY_H_

#include <memory>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "libs/handoff/inbound.h"
#include "libs/shard/kernel.h"
#include "services/segmentation/kernel/kernel.h"

namespace regulars::segmentation {

// A merge, a split, or a message of another member's owner. `record`: the body (Body) of the record
// that a message carries, if it is of use; `named`: the member that it names.
struct Handoff {
  handoff::Inbound inbound;
  std::shared_ptr<const void> record;
  std::string named{};
};

using Body = std::variant<Purchase, Refund, Handoff>;

// Any record of the input topics. Errors: see codec/program.h.
[[nodiscard]] absl::Status DecodeRecord(shard::Input* input, bool* skip);

}  // namespace regulars::segmentation

#endif  // REGULARS_SERVICES_SEGMENTATION_CODEC_BODY_H_
