// Consent as facts: a member granted or withdrew it, for a purpose, on a channel, at an instant.
// The entity is the member. Facts are only ever added; what is in force at an instant is the newest
// fact of that instant or before, a withdrawal before a grant of the same instant. Nothing known =
// no.
//
// State keys: consent/<purpose>/<channel>/<time, inverted, 18 digits>/<0 withdrawal, 1 grant>, so
// that one seek finds what is in force. Thread-safety: pure functions. Units: microseconds since
// the Unix epoch. Limits: kPairsMax pairs of purpose and channel, kGrantsMax grants, kFactsMax
// facts per member; a withdrawal that changes nothing is no fact, so grants come to an end first.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_CONSENT_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_CONSENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/time.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/privacy_events.pb.h"
#include "regulars/identity/v1/privacy_links.pb.h"
#include "regulars/identity/v1/privacy_state.pb.h"

namespace regulars::identity::vault {

inline constexpr std::string_view kConsentsSub = "consents";
inline constexpr std::string_view kConsentPrefix = "consent/";
inline constexpr int kPairsMax = 32;
inline constexpr int64_t kGrantsMax = 100;
inline constexpr int64_t kFactsMax = 1000;
inline constexpr size_t kPurposeMax = 32;  // bytes, also of a channel

// 1..kPurposeMax of [a-z0-9_], a letter first: purposes and channels.
[[nodiscard]] bool IsPurpose(std::string_view text);

struct ConsentReport {
  std::string member;
  std::string purpose;
  std::string channel;
  v1::ConsentFact fact;  // recorded_us is set here
};

// In order of precedence: the first that holds is the outcome.
enum class ConsentOutcome : uint8_t {
  kInFuture,   // said after now
  kUnchanged,  // the same fact is there, or a withdrawal of what was not granted
  kTooMany,    // a limit of this member
  kRecorded,   // ConsentChanged
};
[[nodiscard]] std::string_view OutcomeLabel(ConsentOutcome outcome);

ConsentOutcome RecordConsent(const shard::EntityState& state, ConsentReport report, Micros now_us,
                             shard::Effects* effects);

// Where a withdrawal was said that this member took over.
inline constexpr std::string_view kSplitSource = "split";
// The newest withdrawal of each pair among those that were recorded between the two instants.
[[nodiscard]] std::vector<v1::SharedWithdrawal> WithdrawalsBetween(const shard::EntityState& state,
                                                                   Micros since_us,
                                                                   Micros until_us);
// What was said to `origin` while it and this member were one person holds here, too: a fact with
// the source "split" that names it, at the instant of the original, but never after now. Taken
// above kFactsMax, which new facts then do not pass; of a pair above kPairsMax it is not needed,
// because no grant of it is taken.
void TakeWithdrawals(const shard::EntityState& state, const std::string& member,
                     const v1::WithdrawalsShared& shared, Micros now_us, shard::Effects* effects);

// What is in force at an instant; nullopt: nothing was said until then.
[[nodiscard]] std::optional<v1::ConsentFact> ConsentAt(const shard::EntityState& state,
                                                       std::string_view purpose,
                                                       std::string_view channel, Micros at_us);
[[nodiscard]] bool IsGranted(const shard::EntityState& state, std::string_view purpose,
                             std::string_view channel, Micros at_us);

// Every fact of a pair of an instant or before, newest first.
[[nodiscard]] std::vector<v1::ConsentFact> ConsentFacts(const shard::EntityState& state,
                                                        std::string_view purpose,
                                                        std::string_view channel, Micros at_us);

[[nodiscard]] v1::ConsentIndex ReadConsentIndex(const shard::EntityState& state);

// Empty when the consents are sound, else what is wrong.
[[nodiscard]] std::string CheckConsents(const shard::EntityState& state);

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_CONSENT_H_
