// Ids that are hashes of business facts: the same facts give the same id in every retry and replay.
// First 128 bits of SHA-256 (FIPS 180-4) over length-prefixed parts, 26 characters of base 32.
// The function is part of the data on disk: golden values in hashed_id_test.cc pin it.
// Thread-safety: pure functions.
#ifndef REGULARS_LIBS_MODEL_HASHED_ID_H_
#define REGULARS_LIBS_MODEL_HASHED_ID_H_

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace regulars::model {

inline constexpr size_t kHashedIdBytes = 26;

// The length prefixes keep ("ab", "c") and ("a", "bc") apart.
std::string HashedId(std::initializer_list<std::string_view> parts);

// The id of a touch in its pool: what its source and the source's own id make it.
std::string TouchId(std::string_view source, std::string_view native_id);

}  // namespace regulars::model

#endif  // REGULARS_LIBS_MODEL_HASHED_ID_H_
