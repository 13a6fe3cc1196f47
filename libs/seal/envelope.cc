#include "libs/seal/envelope.h"

#include <optional>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::seal {
namespace {

// Eight bytes of length, then the text: what follows cannot be mistaken for a part of it.
void AppendSized(std::string* out, std::string_view text) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(static_cast<uint64_t>(text.size()) >> shift & 0xff));
  }
  out->append(text);
}

std::string NonceOf(std::string_view nonce_key, std::string_view place, std::string_view occasion,
                    std::string_view text) {
  std::string all;
  AppendSized(&all, place);
  AppendSized(&all, occasion);
  all.append(text);
  return HmacSha256(nonce_key, all).substr(0, kNonceBytes);
}

// The key id is bound, too, as in Sealer.
std::string BoundTo(std::string_view key_id, std::string_view place) {
  return Cat(key_id, std::string_view("\0", 1), place);
}

absl::Status Broken() {
  return DomainError(absl::StatusCode::kDataLoss, "SEAL_BROKEN",
                     "the sealed field was altered or belongs elsewhere");
}

absl::StatusOr<std::string> OpenWith(std::string_view key, const Box& box, std::string_view place) {
  if (box.nonce.size() != kNonceBytes) return Broken();
  std::optional<std::string> text =
      AesGcmDecrypt(key, box.nonce, BoundTo(box.key_id, place), box.ciphertext);
  if (!text.has_value()) return Broken();
  return *std::move(text);
}

Box SealWith(std::string_view key, std::string_view nonce_key, std::string_view key_id,
             std::string_view text, std::string_view place, std::string_view occasion) {
  REGULARS_ASSERT(text.size() <= kPlaintextMax, "a field is above the limit of a box");
  Box box;
  box.key_id = std::string(key_id);
  box.nonce = NonceOf(nonce_key, place, occasion, text);
  box.ciphertext = AesGcmEncrypt(key, box.nonce, BoundTo(key_id, place), text);
  return box;
}

}  // namespace

DataKey::DataKey(std::string seed) : seed_(std::move(seed)) {
  REGULARS_ASSERT(seed_.size() == kKeyBytes, "a data key has another size");
  encryption_key_ = HmacSha256(seed_, "regulars data key: encryption");
  nonce_key_ = HmacSha256(seed_, "regulars data key: nonces");
}

Box DataKey::Seal(std::string_view text, std::string_view place, std::string_view occasion) const {
  return SealWith(encryption_key_, nonce_key_, kDataKeyId, text, place, occasion);
}

absl::StatusOr<std::string> DataKey::Open(const Box& box, std::string_view place) const {
  if (box.key_id != kDataKeyId) return Broken();
  return OpenWith(encryption_key_, box, place);
}

Box KeyFileWrapper::Wrap(const DataKey& key, std::string_view place) const {
  const std::string& kek = ring_.SealingKey();
  return SealWith(HmacSha256(kek, "regulars KEK: encryption"),
                  HmacSha256(kek, "regulars KEK: nonces"), ring_.sealing_key_id(), key.seed(),
                  place, "");
}

absl::StatusOr<DataKey> KeyFileWrapper::Unwrap(const Box& box, std::string_view place) const {
  const std::string* kek = ring_.Find(box.key_id);
  if (kek == nullptr) {
    return DomainError(absl::StatusCode::kNotFound, "SEAL_KEY_UNKNOWN",
                       "the key of this field is not in the ring");
  }
  REGULARS_ASSIGN_OR_RETURN(std::string seed,
                            OpenWith(HmacSha256(*kek, "regulars KEK: encryption"), box, place));
  if (seed.size() != kKeyBytes) return Broken();
  return DataKey(std::move(seed));
}

}  // namespace regulars::seal
