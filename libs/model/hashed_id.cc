#include "libs/model/hashed_id.h"

#include <openssl/sha.h>

#include "libs/base/base32.h"
#include "libs/base/text.h"

namespace regulars::model {

std::string HashedId(std::initializer_list<std::string_view> parts) {
  constexpr size_t kHashBytes = 16;
  std::string text;
  for (const std::string_view part : parts) Append(&text, part.size(), ":", part);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return Base32Encode({reinterpret_cast<const char*>(digest), kHashBytes});
}

std::string TouchId(std::string_view source, std::string_view native_id) {
  return HashedId({source, native_id});
}

}  // namespace regulars::model
