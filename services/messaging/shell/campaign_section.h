// The campaigns of a pool as the shared configuration file writes them:
//
//   pools:
//     - name: cofco
//       messaging:
//         campaigns:
//           - id: win-back         # part of every send's id; never give it to another campaign
//             segment: lapsed      # who enters it gets one message per entry
//             channel: webhook     # the only one
//             template: we-miss-you
//
// No map, or no campaigns: nothing is sent.
// Errors go to the section's list of problems; used while starting.
#ifndef REGULARS_SERVICES_MESSAGING_SHELL_CAMPAIGN_SECTION_H_
#define REGULARS_SERVICES_MESSAGING_SHELL_CAMPAIGN_SECTION_H_

#include <vector>

#include "libs/config/options.h"
#include "libs/config/section.h"
#include "services/messaging/kernel/kernel.h"
#include "services/messaging/sender/sender.h"

namespace regulars::messaging {

// Reads the field `messaging` of a pool's map.
[[nodiscard]] std::vector<Campaign> ReadCampaigns(config::Section* pool);

// The flat options of the sender: webhook_url, webhook_timeout_ms, webhook_in_flight,
// webhook_attempts, webhook_backoff_first_ms, webhook_backoff_max_ms, webhook_queue, and
// webhook_authorization_file. Bound to this object, which must outlive Parse.
class SenderSettings {
 public:
  void Declare(config::Options* options);
  // Whether there is a provider at all; without one nothing is sent, and sends stay decided.
  [[nodiscard]] bool enabled() const { return !url_.empty(); }
  // INVALID_ARGUMENT AUTHORIZATION_FILE_INVALID: the file cannot be read, or is no single line.
  [[nodiscard]] absl::StatusOr<SenderOptions> Make(int32_t generation, int32_t slot) const;

 private:
  std::string url_;
  std::string authorization_file_;
  int64_t timeout_ms_ = 0;
  int64_t in_flight_ = 0;
  int64_t attempts_ = 0;
  int64_t backoff_first_ms_ = 0;
  int64_t backoff_max_ms_ = 0;
  int64_t queue_ = 0;
};

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_SHELL_CAMPAIGN_SECTION_H_
