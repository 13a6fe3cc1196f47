// Envelope encryption: a data key per member seals that member's fields, a key-encryption key (KEK)
// wraps the data key. Destroying the wrapped data key destroys everything under it; destroying a
// KEK destroys every data key it wraps.
//
// Everything here is deterministic, because kernels are pure: no nonce is drawn, each is computed
// from what is sealed.
//   nonce = first 96 bits of HMAC-SHA-256(nonce key, len(place) place len(occasion) occasion text)
// Proof that a nonce never meets another plaintext under its key: place (the associated data),
// occasion and text are all inputs of the HMAC, in an encoding that can be read back, so other
// inputs give the same nonce only if HMAC-SHA-256, cut to 96 bits, collides: at most n^2 / 2^97 for
// n seals under one key, 10^-19 for a member with 10^5 of them. The same three inputs give the same
// box byte for byte, which tells nobody more than a copy would (the construction of RFC 5297, SIV,
// with GCM behind it). The nonce key and the encryption key are two derivations of one seed.
// A KEK may wrap kWrapsPerKekMax data keys by the same bound (2^-33).
//
// Thread-safety: immutable after construction. Errors: those of Sealer
// (seal.h). Secrets are in no error, log line or metric.
#ifndef REGULARS_LIBS_SEAL_ENVELOPE_H_
#define REGULARS_LIBS_SEAL_ENVELOPE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/seal/seal.h"

namespace regulars::seal {

inline constexpr std::string_view kDataKeyId = "member";  // Box::key_id of what a data key sealed
inline constexpr int64_t kWrapsPerKekMax = int64_t{1} << 32;

class DataKey {
 public:
  // 32 bytes that nobody can guess (size asserted).
  explicit DataKey(std::string seed);

  // What a KeyWrapper wraps.
  [[nodiscard]] const std::string& seed() const { return seed_; }

  // `place` binds the box to where it belongs (pool, member, field): it opens only with the same.
  // `occasion` tells two seals of one text apart (a touch id). Texts of at most kPlaintextMax bytes
  // (asserted).
  [[nodiscard]] Box Seal(std::string_view text, std::string_view place,
                         std::string_view occasion) const;
  [[nodiscard]] absl::StatusOr<std::string> Open(const Box& box, std::string_view place) const;

 private:
  std::string seed_;
  std::string encryption_key_;
  std::string nonce_key_;
};

// Wraps data keys. An implementation must be pure and quick: it is called inside a kernel. A key
// management service therefore guards the KEKs, not the data keys: its implementation fetches the
// KEKs while the process starts, keeps them in memory only, and wraps as KeyFileWrapper does.
class KeyWrapper {
 public:
  virtual ~KeyWrapper() = default;
  // The KEK that wraps now: the newest.
  [[nodiscard]] virtual std::string WrappingKeyId() const = 0;
  // The same seed and place give the same box under the same KEK.
  [[nodiscard]] virtual Box Wrap(const DataKey& key, std::string_view place) const = 0;
  // NOT_FOUND SEAL_KEY_UNKNOWN, DATA_LOSS SEAL_BROKEN.
  [[nodiscard]] virtual absl::StatusOr<DataKey> Unwrap(const Box& box,
                                                       std::string_view place) const = 0;
};

// KEKs from a file or a mounted Kubernetes secret, in the form of KeyRing: the last line wraps, all
// of them unwrap. Rotation: append a line, and drop an old one only when nothing is wrapped under
// it any more. Thread-safety: immutable.
class KeyFileWrapper final : public KeyWrapper {
 public:
  explicit KeyFileWrapper(KeyRing ring) : ring_(std::move(ring)) {}

  [[nodiscard]] std::string WrappingKeyId() const override { return ring_.sealing_key_id(); }
  [[nodiscard]] Box Wrap(const DataKey& key, std::string_view place) const override;
  [[nodiscard]] absl::StatusOr<DataKey> Unwrap(const Box& box,
                                               std::string_view place) const override;

 private:
  const KeyRing ring_;
};

}  // namespace regulars::seal

#endif  // REGULARS_LIBS_SEAL_ENVELOPE_H_
