// The daily transport keys: ingest seals contact fields and chat text under the key of the day,
// identity opens them. Each day has a random key of its own in the key file, derived from nothing
// that stays: who destroys the line of a day destroys what was sealed on it, in every copy of the
// log. The step that does it is RotateTransportKeys (`regularsctl keys rotate`), run daily with the
// retention of the touches.
//
// Key ids are `transport/<YYYY-MM-DD>` (UTC), in the form of a KeyRing file. A day without a key is
// sealed under the newest earlier one (rotation is late: it is destroyed earlier, never later), so
// keys of a few days ahead make a late rotation harmless, and let every process know a key before
// the first record under it.
//
// Thread-safety: every method from every thread; Refresh swaps the ring for the next calls. It
// keeps the old ring when the file cannot be read: a half-written secret must not stop the door.
// Units: microseconds since the Unix epoch, UTC. Limits: limits::kKeyRingKeysMax keys.
#ifndef REGULARS_LIBS_SEAL_TRANSPORT_KEYS_H_
#define REGULARS_LIBS_SEAL_TRANSPORT_KEYS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/time.h"
#include "libs/seal/seal.h"

namespace regulars::seal {

inline constexpr std::string_view kTransportPrefix = "transport/";

// "transport/2026-11-23" for an instant of that day.
[[nodiscard]] std::string TransportKeyId(Micros at_us);

class TransportKeys {
 public:
  // INVALID_ARGUMENT: as KeyRing::Parse, or an id that names no day.
  static absl::StatusOr<std::unique_ptr<TransportKeys>> Parse(std::string_view text);
  static absl::StatusOr<std::unique_ptr<TransportKeys>> Load(const std::string& path);

  // Reads the file again. An error leaves the keys as they were.
  absl::Status Refresh();

  // Under the newest key whose day has begun at `now_us`, with a random nonce. FAILED_PRECONDITION
  // TRANSPORT_KEY_MISSING: there is none; INVALID_ARGUMENT TOO_LARGE.
  [[nodiscard]] absl::StatusOr<Box> Seal(std::string_view text, std::string_view place,
                                         Micros now_us) const;
  // NOT_FOUND SEAL_KEY_UNKNOWN (the day was destroyed), DATA_LOSS SEAL_BROKEN.
  [[nodiscard]] absl::StatusOr<std::string> Open(const Box& box, std::string_view place) const;
  // 32 bytes that are the same for the same arguments and that only the holder of the box's day key
  // can compute: the seed of a member's data key. When the day is destroyed they cannot be computed
  // again by anybody. NOT_FOUND SEAL_KEY_UNKNOWN.
  [[nodiscard]] absl::StatusOr<std::string> DeriveSeed(const Box& box,
                                                       std::string_view place) const;

  // Whole days between the day of the key that seals at `now_us` and the day of `now_us`: above 0,
  // rotation is late. nullopt: no key seals.
  [[nodiscard]] std::optional<int64_t> AgeDays(Micros now_us) const;
  [[nodiscard]] std::vector<std::string> ids() const { return Ring()->ids(); }

 private:
  explicit TransportKeys(KeyRing ring);
  [[nodiscard]] std::shared_ptr<const KeyRing> Ring() const;

  std::string path_;
  mutable std::mutex mutex_;  // guards ring_
  std::shared_ptr<const KeyRing> ring_;
};

struct TransportRotation {
  int64_t retention_days = 14;  // a day's key outlives the day by this; as the touches
  int64_t ahead_days = 3;
};
inline constexpr int64_t kTransportRetentionDaysMax = 50;
inline constexpr int64_t kTransportAheadDaysMax = 10;

struct RotatedKeys {
  std::string text;  // the new content of the file
  std::vector<std::string> made;
  std::vector<std::string> destroyed;
};
// Makes the keys that are missing from today to `ahead_days` after it and leaves out those of days
// that ended `retention_days` ago or earlier. `random_key` gives 32 bytes. An empty text is a file
// to be. INVALID_ARGUMENT: the text is no file of transport keys, or a limit is exceeded.
[[nodiscard]] absl::StatusOr<RotatedKeys> RotateTransportKeys(
    std::string_view text, Micros now_us, const TransportRotation& rotation,
    const std::function<std::string()>& random_key);

}  // namespace regulars::seal

#endif  // REGULARS_LIBS_SEAL_TRANSPORT_KEYS_H_
