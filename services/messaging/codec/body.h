// What Decode makes of a payload. Internal to the codec.
#ifndef REGULARS_SERVICES_MESSAGING_CODEC_BODY_H_
#define REGULARS_SERVICES_MESSAGING_CODEC_BODY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "libs/handoff/inbound.h"
#include "libs/shard/kernel.h"
#include "regulars/messaging/v1/messaging_events.pb.h"
#include "services/messaging/kernel/kernel.h"

namespace regulars::messaging {

// The sender's report, as it came.
struct Reported {
  v1::DeliveryReported event;
};
// A provider's own report; its origin is the member whose name the caller used.
struct ProviderReport {
  Report report;
};
struct Lookup {
  std::string send_id;
  std::string member;  // whose name the caller used
};
struct Listing {
  int64_t sequence = 0;
  size_t page_size = 0;
};
// A merge, a split, or a message of another member's owner. `record`: the body (Body) of the record
// that a message carries, if it is of use; `named`: the member that it is about.
struct Handoff {
  handoff::Inbound inbound;
  std::shared_ptr<const void> record;
  std::string named{};
};
using Body = std::variant<Entry, Reported, ProviderReport, Lookup, Listing, Handoff>;

[[nodiscard]] const Body& BodyOf(const shard::Input& input);
// The member that a record is about.
[[nodiscard]] std::string NamedBy(const Body& record);

// Errors: see codec/program.h.
[[nodiscard]] absl::Status DecodeRecord(shard::Input* input, bool* skip);
[[nodiscard]] absl::Status DecodeCommand(shard::Input* input);
[[nodiscard]] absl::Status DecodeQuery(shard::Input* input);

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_CODEC_BODY_H_
