#include "services/messaging/shell/campaign_section.h"

#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "libs/base/status.h"
#include "services/messaging/codec/program.h"

namespace regulars::messaging {
namespace {

constexpr size_t kAuthorizationBytesMax = 4096;
constexpr char kGroup[] = "webhook";

absl::StatusOr<std::string> ReadAuthorization(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!text.empty() && text.back() == '\n') text.pop_back();
  // Control characters would end the header and begin another.
  bool printable = !text.empty() && text.size() <= kAuthorizationBytesMax;
  for (const char c : text) printable = printable && c >= 0x20 && c < 0x7f;
  if (file.bad() || !printable) {
    return DomainError(absl::StatusCode::kInvalidArgument, "AUTHORIZATION_FILE_INVALID",
                       "webhook_authorization_file cannot be read or is no line of ASCII");
  }
  return text;
}

}  // namespace

std::vector<Campaign> ReadCampaigns(config::Section* pool) {
  std::vector<Campaign> campaigns;
  std::optional<config::Section> section = pool->Child("messaging");
  if (!section) return campaigns;
  for (config::Section& entry : section->Children("campaigns")) {
    Campaign campaign;
    campaign.id = entry.Text("id");
    campaign.segment = entry.Text("segment");
    campaign.channel = entry.Choice("channel", {"webhook"}, "webhook");
    campaign.template_name = entry.Text("template", "");
    entry.Finish();
    campaigns.push_back(std::move(campaign));
  }
  if (const absl::Status valid = CheckCampaigns(campaigns); !valid.ok()) {
    section->Problem("campaigns", std::string(valid.message()));
    campaigns.clear();
  }
  section->Finish();
  return campaigns;
}

void SenderSettings::Declare(config::Options* options) {
  options->Add(config::TextOption{.name = "webhook_url",
                                  .group = kGroup,
                                  .fallback = "",
                                  .sentence = "Where messages are POSTed, http or https; empty: "
                                              "sends are decided but not delivered."},
               &url_);
  options->Add(config::TextOption{.name = "webhook_authorization_file",
                                  .group = kGroup,
                                  .fallback = "",
                                  .sentence = "File with the value of the Authorization header."},
               &authorization_file_);
  const auto number = [options](const char* name, const char* unit, int64_t fallback, int64_t min,
                                int64_t max, const char* sentence, int64_t* out) {
    options->Add(config::IntOption{.name = name,
                                   .group = kGroup,
                                   .unit = unit,
                                   .fallback = fallback,
                                   .min = min,
                                   .max = max,
                                   .sentence = sentence},
                 out);
  };
  number("webhook_timeout_ms", "ms", 5000, 1, 120'000, "Time one attempt may take.", &timeout_ms_);
  number("webhook_in_flight", "requests", 64, 1, kInFlightMax,
         "Requests at the same time, each on a connection.", &in_flight_);
  number("webhook_attempts", "attempts", 8, 1, kAttemptsMax,
         "Attempts before a send is given up as ATTEMPTS_EXHAUSTED.", &attempts_);
  number("webhook_backoff_first_ms", "ms", 200, 1, 60'000,
         "Pause after the first attempt; doubles with each further one.", &backoff_first_ms_);
  number("webhook_backoff_max_ms", "ms", 10'000, 1, 3'600'000, "Longest pause.", &backoff_max_ms_);
  number("webhook_queue", "sends", 2000, 1, 100'000,
         "Sends held in memory; above, fetching stops until half are done.", &queue_);
}

absl::StatusOr<SenderOptions> SenderSettings::Make(int32_t generation, int32_t slot) const {
  SenderOptions options;
  options.generation = generation;
  options.slot = slot;
  options.http.url = url_;
  options.http.attempt_timeout = absl::Milliseconds(timeout_ms_);
  options.http.in_flight_max = static_cast<size_t>(in_flight_);
  if (!authorization_file_.empty()) {
    REGULARS_ASSIGN_OR_RETURN(options.http.authorization, ReadAuthorization(authorization_file_));
  }
  options.retry = {static_cast<int32_t>(attempts_), backoff_first_ms_ * kMicrosPerMilli,
                   backoff_max_ms_ * kMicrosPerMilli};
  options.queued_max = static_cast<size_t>(queue_);
  options.jitter_seed = static_cast<uint64_t>(slot) + 1;
  return options;
}

}  // namespace regulars::messaging
