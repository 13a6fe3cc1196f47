// Personal data at rest and on Kafka (law 8): a Pepper turns identifiers into HMACs, a KeyRing
// seals contact fields and texts so that destroying a key erases them.
//
// Key files: one key per line, `<key id> <32 bytes in base64>`, blank lines and lines with #
// ignored. The LAST key seals, all of them open (rotation: append a line; erase: delete one). A
// pepper file has exactly one key: changing a pepper changes every identifier. Thread-safety: both
// are immutable after loading. Errors: load: INVALID_ARGUMENT with the line but never its content.
// Open: NOT_FOUND SEAL_KEY_UNKNOWN (the key was destroyed or never here), DATA_LOSS SEAL_BROKEN
// (truncated, altered, other AAD). Limits: key id 1..64 bytes of visible ASCII,
// limits::kKeyRingKeysMax keys, kPlaintextMax bytes.
#ifndef REGULARS_LIBS_SEAL_SEAL_H_
#define REGULARS_LIBS_SEAL_SEAL_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/seal/crypto.h"

namespace regulars::seal {

inline constexpr std::size_t kKeyIdMax = 64;
inline constexpr std::size_t kPlaintextMax = 64 * 1024 - kTagBytes;

class KeyRing {
 public:
  static absl::StatusOr<KeyRing> Parse(std::string_view text);
  static absl::StatusOr<KeyRing> Load(const std::string& path);

  [[nodiscard]] const std::string& sealing_key_id() const { return keys_.back().first; }
  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  // In the order of the file.
  [[nodiscard]] std::vector<std::string> ids() const;

 private:
  friend class KeyFileWrapper;
  friend class Pepper;
  friend class Sealer;
  friend class TransportKeys;
  [[nodiscard]] const std::string& SealingKey() const { return keys_.back().second; }
  // nullptr: the key was destroyed or never here.
  [[nodiscard]] const std::string* Find(std::string_view id) const;
  KeyRing() = default;
  std::vector<std::pair<std::string, std::string>> keys_;  // id, 32 bytes; never empty
};

// As types.v1.Sealed.
struct Box {
  std::string key_id;
  std::string nonce;
  std::string ciphertext;
};

// 12 bytes that were never returned before. Random in shells, counted in tests.
using NonceSource = std::function<std::string()>;
[[nodiscard]] NonceSource RandomNonces();

class Sealer {
 public:
  Sealer(KeyRing ring, NonceSource nonces);

  // `aad` binds the box to its place (pool and field): it opens only with the same. The key id is
  // bound, too. INVALID_ARGUMENT TOO_LARGE above kPlaintextMax.
  [[nodiscard]] absl::StatusOr<Box> Seal(std::string_view plaintext, std::string_view aad) const;
  [[nodiscard]] absl::StatusOr<std::string> Open(const Box& box, std::string_view aad) const;

 private:
  KeyRing ring_;
  NonceSource nonces_;
};

// Names an identifier without showing it: HMAC-SHA-256 over pool, type, scope and the NORMALISED
// value, each but the last followed by one zero byte. Pool, type and scope must not hold a zero
// byte (asserted): so no two of these texts are equal unless all their parts are.
class Pepper {
 public:
  static absl::StatusOr<Pepper> Parse(std::string_view text, std::string_view pool);
  static absl::StatusOr<Pepper> Load(const std::string& path, std::string_view pool);

  // 32 bytes.
  [[nodiscard]] std::string Hmac(std::string_view type, std::string_view scope,
                                 std::string_view normalised) const;

 private:
  Pepper() = default;
  std::string key_;
  std::string pool_;
};

}  // namespace regulars::seal

#endif  // REGULARS_LIBS_SEAL_SEAL_H_
