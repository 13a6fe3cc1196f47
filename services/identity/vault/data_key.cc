#include "services/identity/vault/data_key.h"

#include <utility>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::identity::vault {
namespace {

void Count(const std::string& kek_id, int64_t delta, shard::Effects* effects) {
  effects->sums.push_back({Cat(kKeysSum, kek_id), delta});
}

void Keep(const seal::Box& wrapped, Micros create_us, shard::Effects* effects) {
  v1::VaultKey kept;
  *kept.mutable_wrapped() = SealedOf(wrapped);
  kept.set_create_us(create_us);
  effects->puts.push_back({std::string(kKeySub), kept.SerializeAsString(), 0});
  Count(wrapped.key_id, 1, effects);
}

}  // namespace

seal::Box BoxOf(const types::v1::Sealed& sealed) {
  return {sealed.key_id(), sealed.nonce(), sealed.ciphertext()};
}

types::v1::Sealed SealedOf(const seal::Box& box) {
  types::v1::Sealed sealed;
  sealed.set_key_id(box.key_id);
  sealed.set_nonce(box.nonce);
  sealed.set_ciphertext(box.ciphertext);
  return sealed;
}

std::string KeyPlace(std::string_view pool, std::string_view member) {
  return Cat("member-key/", pool, "/", member);
}

std::optional<v1::VaultKey> ReadVaultKey(const shard::EntityState& state) {
  const std::optional<std::string> bytes = state.Get(kKeySub);
  if (!bytes.has_value()) return std::nullopt;
  v1::VaultKey key;
  REGULARS_ASSERT(key.ParseFromString(*bytes), "the vault's key does not parse");
  return key;
}

absl::StatusOr<seal::DataKey> OpenDataKey(const shard::EntityState& state, std::string_view pool,
                                          std::string_view member,
                                          const seal::KeyWrapper& wrapper) {
  const std::optional<v1::VaultKey> kept = ReadVaultKey(state);
  if (!kept.has_value()) {
    return DomainError(absl::StatusCode::kNotFound, "VAULT_EMPTY", "the member has no data key");
  }
  return wrapper.Unwrap(BoxOf(kept->wrapped()), KeyPlace(pool, member));
}

absl::StatusOr<seal::DataKey> EnsureDataKey(const shard::EntityState& state, std::string_view pool,
                                            std::string_view member, const PoolKeys& keys,
                                            const seal::Box& contact, Micros now_us,
                                            shard::Effects* effects) {
  const std::string place = KeyPlace(pool, member);
  const std::optional<v1::VaultKey> kept = ReadVaultKey(state);
  if (kept.has_value()) {
    const seal::Box wrapped = BoxOf(kept->wrapped());
    REGULARS_ASSIGN_OR_RETURN(seal::DataKey key, keys.wrapper->Unwrap(wrapped, place));
    if (wrapped.key_id != keys.wrapper->WrappingKeyId()) {
      Count(wrapped.key_id, -1, effects);
      Keep(keys.wrapper->Wrap(key, place), kept->create_us(), effects);
    }
    return key;
  }
  REGULARS_ASSIGN_OR_RETURN(std::string seed, keys.transport->DeriveSeed(contact, place));
  seal::DataKey key(std::move(seed));
  Keep(keys.wrapper->Wrap(key, place), now_us, effects);
  return key;
}

}  // namespace regulars::identity::vault
