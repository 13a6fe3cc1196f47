#include "libs/seal/seal.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "libs/base/assert.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::seal {
namespace {

bool IsKeyId(absl::string_view id) {
  return !id.empty() && id.size() <= kKeyIdMax &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (file.good() && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file.is_open() || file.bad()) {
    return absl::NotFoundError(Cat("cannot read key file ", path));
  }
  return text.str();
}

std::string BoundData(const std::string& key_id, std::string_view aad) {
  return Cat(key_id, std::string_view("\0", 1), aad);
}

}  // namespace

absl::StatusOr<KeyRing> KeyRing::Parse(std::string_view text) {
  KeyRing ring;
  int line_number = 0;
  for (absl::string_view line : absl::StrSplit(AbslView(text), '\n')) {
    ++line_number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line.front() == '#') continue;
    const auto bad = [&](const char* why) {
      return absl::InvalidArgumentError(Cat("key file, line ", line_number, ": ", why));
    };
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    std::string key;
    if (parts.size() != 2 || !IsKeyId(parts[0])) return bad("must be `<key id> <base64>`");
    if (!absl::Base64Unescape(parts[1], &key) || key.size() != kKeyBytes) {
      return bad("the key must be 32 bytes in base64");
    }
    if (std::any_of(ring.keys_.begin(), ring.keys_.end(),
                    [&](const auto& known) { return known.first == parts[0]; })) {
      return bad("the key id is there twice");
    }
    if (ring.keys_.size() == limits::kKeyRingKeysMax) return bad("too many keys");
    ring.keys_.emplace_back(parts[0], std::move(key));
  }
  if (ring.keys_.empty()) return absl::InvalidArgumentError("key file: no key");
  return ring;
}

absl::StatusOr<KeyRing> KeyRing::Load(const std::string& path) {
  REGULARS_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  return Parse(text);
}

std::vector<std::string> KeyRing::ids() const {
  std::vector<std::string> ids;
  for (const auto& [id, key] : keys_) ids.push_back(id);
  return ids;
}

const std::string* KeyRing::Find(std::string_view id) const {
  const auto found = std::find_if(keys_.begin(), keys_.end(),
                                  [&](const auto& known) { return known.first == id; });
  return found == keys_.end() ? nullptr : &found->second;
}

NonceSource RandomNonces() {
  return [] { return RandomBytes(kNonceBytes); };
}

Sealer::Sealer(KeyRing ring, NonceSource nonces)
    : ring_(std::move(ring)), nonces_(std::move(nonces)) {}

absl::StatusOr<Box> Sealer::Seal(std::string_view plaintext, std::string_view aad) const {
  if (plaintext.size() > kPlaintextMax) {
    return DomainError(absl::StatusCode::kInvalidArgument, "TOO_LARGE",
                       "personal data is larger than a sealed field may be",
                       {{"limit_bytes", Cat(kPlaintextMax)}});
  }
  const auto& [key_id, key] = ring_.keys_.back();
  Box box;
  box.key_id = key_id;
  box.nonce = nonces_();
  box.ciphertext = AesGcmEncrypt(key, box.nonce, BoundData(key_id, aad), plaintext);
  return box;
}

absl::StatusOr<std::string> Sealer::Open(const Box& box, std::string_view aad) const {
  const std::string* key = ring_.Find(box.key_id);
  if (key == nullptr) {
    return DomainError(absl::StatusCode::kNotFound, "SEAL_KEY_UNKNOWN",
                       "the key of this field is not in the ring");
  }
  std::optional<std::string> plaintext;
  if (box.nonce.size() == kNonceBytes) {
    plaintext = AesGcmDecrypt(*key, box.nonce, BoundData(box.key_id, aad), box.ciphertext);
  }
  if (!plaintext.has_value()) {
    return DomainError(absl::StatusCode::kDataLoss, "SEAL_BROKEN",
                       "the sealed field was altered or belongs elsewhere");
  }
  return *std::move(plaintext);
}

absl::StatusOr<Pepper> Pepper::Parse(std::string_view text, std::string_view pool) {
  REGULARS_ASSIGN_OR_RETURN(KeyRing ring, KeyRing::Parse(text));
  if (ring.size() != 1) return absl::InvalidArgumentError("a pepper file must have one key");
  Pepper pepper;
  pepper.key_ = std::move(ring.keys_.front().second);
  pepper.pool_ = std::string(pool);
  return pepper;
}

absl::StatusOr<Pepper> Pepper::Load(const std::string& path, std::string_view pool) {
  REGULARS_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  return Parse(text, pool);
}

std::string Pepper::Hmac(std::string_view type, std::string_view scope,
                         std::string_view normalised) const {
  std::string text;
  for (const std::string_view part : {std::string_view(pool_), type, scope}) {
    REGULARS_ASSERT(part.find('\0') == std::string_view::npos, "a zero byte in a pepper's domain");
    text.append(part);
    text.push_back('\0');
  }
  text.append(normalised);
  return HmacSha256(key_, text);
}

}  // namespace regulars::seal
