// Messages of PrivacyService from what the vault keeps. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_MESSAGES_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_MESSAGES_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/timestamp.pb.h"
#include "libs/base/time.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/identity_state.pb.h"
#include "regulars/identity/v1/privacy_service.pb.h"
#include "regulars/identity/v1/privacy_state.pb.h"
#include "services/identity/vault/pool_keys.h"

namespace regulars::identity::vault {

void SetTime(Micros time_us, google::protobuf::Timestamp* out);

// "pools/tea/members/m_1".
[[nodiscard]] std::string NameOf(std::string_view pool, std::string_view member);

// A fact as one of a list; `kept_at` is the name of the member that keeps it.
[[nodiscard]] v1::ConsentHistoryEntry EntryOf(std::string_view kept_at,
                                              const v1::ConsentFact& fact);

// The consent of a pair, kept at the member itself; of "nothing was said" if `fact` is nullptr.
[[nodiscard]] v1::Consent ConsentOf(std::string_view member_name, std::string_view purpose,
                                    std::string_view channel, const v1::ConsentFact* fact);

// All pairs, what is in force at an instant, with the older facts if they are asked for.
[[nodiscard]] v1::ListConsentsResponse ConsentsOf(const shard::EntityState& state,
                                                  std::string_view member_name, Micros at_us,
                                                  bool history);

// Everything identity knows of a member. Errors as ReadField.
[[nodiscard]] absl::StatusOr<v1::MemberExport> ExportOf(const shard::EntityState& state,
                                                        std::string_view pool,
                                                        std::string_view member,
                                                        const v1::MemberState& known,
                                                        const PoolKeys& keys, Micros now_us);
[[nodiscard]] std::string JsonOf(const v1::MemberExport& everything);

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_MESSAGES_H_
