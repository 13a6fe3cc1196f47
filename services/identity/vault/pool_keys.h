// The keys of a pool that the vault works with. They are a parameter of the kernel like its rules:
// a key never changes under its id, so the same keys give the same effects. What may change while
// the process runs is that a day's transport key is gone; then the outcome says so.
// Thread-safety: a plain value; what it points to is thread-safe and outlives the program.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_POOL_KEYS_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_POOL_KEYS_H_

#include "libs/normalize/normalize.h"
#include "libs/seal/envelope.h"
#include "libs/seal/seal.h"
#include "libs/seal/transport_keys.h"

namespace regulars::identity::vault {

struct PoolKeys {
  const seal::TransportKeys* transport = nullptr;
  const seal::KeyWrapper* wrapper = nullptr;
  const seal::Pepper* pepper = nullptr;
  const normalize::Options* spelling = nullptr;  // of phones and e-mails; null: the defaults

  // Without all three the pool keeps no contact data.
  [[nodiscard]] bool on() const {
    return transport != nullptr && wrapper != nullptr && pepper != nullptr;
  }
};

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_POOL_KEYS_H_
