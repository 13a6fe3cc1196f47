#include "libs/seal/transport_keys.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::seal {
namespace {

constexpr std::size_t kDayChars = 10;  // 2026-11-23

absl::CivilDay DayOf(Micros at_us) { return absl::CivilDay(ToCivilUtc(at_us)); }

std::string IdOf(absl::CivilDay day) {
  char text[32];
  std::snprintf(text, sizeof(text), "%04d-%02d-%02d", static_cast<int>(day.year()), day.month(),
                day.day());
  return Cat(kTransportPrefix, std::string_view(text));
}

// The day of a key id; ids compare as their days do.
std::optional<absl::CivilDay> DayOfId(std::string_view id) {
  if (id.size() != kTransportPrefix.size() + kDayChars || !id.starts_with(kTransportPrefix)) {
    return std::nullopt;
  }
  const absl::StatusOr<Micros> at =
      ParseRfc3339(Cat(id.substr(kTransportPrefix.size()), "T00:00:00Z"));
  if (!at.ok()) return std::nullopt;
  return DayOf(*at);
}

absl::Status CheckIds(const KeyRing& ring) {
  for (const std::string& id : ring.ids()) {
    if (!DayOfId(id).has_value()) {
      return absl::InvalidArgumentError(
          Cat("transport key file: the key id ", id, " is not transport/<YYYY-MM-DD>"));
    }
  }
  return absl::OkStatus();
}

// The newest id whose day is not after that of `now_us`; "" if there is none.
std::string SealingId(const std::vector<std::string>& ids, Micros now_us) {
  const std::string today = IdOf(DayOf(now_us));
  std::string newest;
  for (const std::string& id : ids) {
    if (id <= today && id > newest) newest = id;
  }
  return newest;
}

absl::Status Unknown() {
  return DomainError(absl::StatusCode::kNotFound, "SEAL_KEY_UNKNOWN",
                     "the transport key of this field was destroyed or never here");
}

}  // namespace

std::string TransportKeyId(Micros at_us) { return IdOf(DayOf(at_us)); }

TransportKeys::TransportKeys(KeyRing ring)
    : ring_(std::make_shared<const KeyRing>(std::move(ring))) {}

absl::StatusOr<std::unique_ptr<TransportKeys>> TransportKeys::Parse(std::string_view text) {
  REGULARS_ASSIGN_OR_RETURN(KeyRing ring, KeyRing::Parse(text));
  REGULARS_RETURN_IF_ERROR(CheckIds(ring));
  return std::unique_ptr<TransportKeys>(new TransportKeys(std::move(ring)));
}

absl::StatusOr<std::unique_ptr<TransportKeys>> TransportKeys::Load(const std::string& path) {
  REGULARS_ASSIGN_OR_RETURN(KeyRing ring, KeyRing::Load(path));
  REGULARS_RETURN_IF_ERROR(CheckIds(ring));
  auto keys = std::unique_ptr<TransportKeys>(new TransportKeys(std::move(ring)));
  keys->path_ = path;
  return keys;
}

absl::Status TransportKeys::Refresh() {
  REGULARS_ASSIGN_OR_RETURN(KeyRing ring, KeyRing::Load(path_));
  REGULARS_RETURN_IF_ERROR(CheckIds(ring));
  auto fresh = std::make_shared<const KeyRing>(std::move(ring));
  const std::lock_guard<std::mutex> lock(mutex_);
  ring_ = std::move(fresh);
  return absl::OkStatus();
}

std::shared_ptr<const KeyRing> TransportKeys::Ring() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ring_;
}

absl::StatusOr<Box> TransportKeys::Seal(std::string_view text, std::string_view place,
                                        Micros now_us) const {
  const std::shared_ptr<const KeyRing> ring = Ring();
  const std::string id = SealingId(ring->ids(), now_us);
  if (id.empty()) {
    return DomainError(absl::StatusCode::kFailedPrecondition, "TRANSPORT_KEY_MISSING",
                       "there is no transport key for today");
  }
  if (text.size() > kPlaintextMax) {
    return DomainError(absl::StatusCode::kInvalidArgument, "TOO_LARGE",
                       "personal data is larger than a sealed field may be",
                       {{"limit_bytes", Cat(kPlaintextMax)}});
  }
  Box box;
  box.key_id = id;
  box.nonce = RandomBytes(kNonceBytes);
  box.ciphertext =
      AesGcmEncrypt(*ring->Find(id), box.nonce, Cat(id, std::string_view("\0", 1), place), text);
  return box;
}

absl::StatusOr<std::string> TransportKeys::Open(const Box& box, std::string_view place) const {
  const std::shared_ptr<const KeyRing> ring = Ring();
  if (ring->Find(box.key_id) == nullptr) return Unknown();
  return Sealer(*ring, [] { return RandomBytes(kNonceBytes); }).Open(box, place);
}

absl::StatusOr<std::string> TransportKeys::DeriveSeed(const Box& box,
                                                      std::string_view place) const {
  const std::shared_ptr<const KeyRing> ring = Ring();
  const std::string* key = ring->Find(box.key_id);
  if (key == nullptr) return Unknown();
  std::string text("regulars data key of a member");
  text.push_back('\0');
  text.append(box.nonce);
  text.append(place);
  return HmacSha256(*key, text);
}

std::optional<int64_t> TransportKeys::AgeDays(Micros now_us) const {
  const std::string id = SealingId(ids(), now_us);
  if (id.empty()) return std::nullopt;
  return DayOf(now_us) - *DayOfId(id);
}

absl::StatusOr<RotatedKeys> RotateTransportKeys(std::string_view text, Micros now_us,
                                                const TransportRotation& rotation,
                                                const std::function<std::string()>& random_key) {
  if (rotation.retention_days < 1 || rotation.retention_days > kTransportRetentionDaysMax) {
    return absl::InvalidArgumentError(
        Cat("retention must be 1 to ", kTransportRetentionDaysMax, " days"));
  }
  if (rotation.ahead_days < 0 || rotation.ahead_days > kTransportAheadDaysMax) {
    return absl::InvalidArgumentError(
        Cat("keys may be made 0 to ", kTransportAheadDaysMax, " days ahead"));
  }
  const bool is_new = absl::StripAsciiWhitespace(AbslView(text)).empty();
  if (!is_new) REGULARS_RETURN_IF_ERROR(TransportKeys::Parse(text).status());
  const absl::CivilDay today = DayOf(now_us);
  RotatedKeys out;
  std::set<std::string> kept;
  for (const absl::string_view line : absl::StrSplit(AbslView(text), '\n')) {
    const absl::string_view clean = absl::StripAsciiWhitespace(line);
    if (clean.empty()) continue;
    const std::string id(clean.substr(0, clean.find_first_of(" \t")));
    const std::optional<absl::CivilDay> day = DayOfId(id);
    if (day.has_value() && today - *day > rotation.retention_days) {
      out.destroyed.push_back(id);
      continue;
    }
    if (day.has_value()) kept.insert(id);
    Append(&out.text, clean, "\n");
  }
  for (absl::CivilDay day = today; day <= today + rotation.ahead_days; ++day) {
    const std::string id = IdOf(day);
    if (!kept.insert(id).second) continue;
    const std::string key = random_key();
    REGULARS_ASSERT(key.size() == kKeyBytes, "a random key has another size");
    Append(&out.text, id, " ", absl::Base64Escape(key), "\n");
    out.made.push_back(id);
  }
  return out;
}

}  // namespace regulars::seal
