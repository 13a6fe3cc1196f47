// The data key of a member: made when the first contact data arrives, kept wrapped in `vault/key`,
// gone with an erasure.
//
// It is derived from the transport key of the day on which that data was sealed and from the random
// nonce of the seal (TransportKeys::DeriveSeed): so a replay makes the same key, nobody without the
// day's key can, and nobody at all once that day is destroyed. From then on the wrapped copy in the
// member's state is the only one. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_DATA_KEY_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_DATA_KEY_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/time.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/privacy_state.pb.h"
#include "services/identity/vault/pool_keys.h"

namespace regulars::identity::vault {

inline constexpr std::string_view kKeySub = "vault/key";
// Control sum of the data keys that are wrapped under a KEK: 0 means that the KEK may be dropped.
inline constexpr std::string_view kKeysSum = "vault/keys/";

[[nodiscard]] seal::Box BoxOf(const types::v1::Sealed& sealed);
[[nodiscard]] types::v1::Sealed SealedOf(const seal::Box& box);

// What a wrapped key is bound to.
[[nodiscard]] std::string KeyPlace(std::string_view pool, std::string_view member);

[[nodiscard]] std::optional<v1::VaultKey> ReadVaultKey(const shard::EntityState& state);

// The member's key. NOT_FOUND VAULT_EMPTY (there is none), SEAL_KEY_UNKNOWN (its KEK is gone),
// DATA_LOSS SEAL_BROKEN.
[[nodiscard]] absl::StatusOr<seal::DataKey> OpenDataKey(const shard::EntityState& state,
                                                        std::string_view pool,
                                                        std::string_view member,
                                                        const seal::KeyWrapper& wrapper);

// As OpenDataKey; makes the key from `contact` if there is none, and wraps it again if the pool has
// a newer KEK. NOT_FOUND SEAL_KEY_UNKNOWN also if the transport key of `contact` is gone.
[[nodiscard]] absl::StatusOr<seal::DataKey> EnsureDataKey(
    const shard::EntityState& state, std::string_view pool, std::string_view member,
    const PoolKeys& keys, const seal::Box& contact, Micros now_us, shard::Effects* effects);

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_DATA_KEY_H_
