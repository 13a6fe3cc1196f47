// The ids that identity mints. Each is a pure function of the input that caused it, so a replay of
// the log mints the same ids (libs/model/hashed_id.h). The touch of birth is one of the parts: an
// identifier that comes back after its member was erased gets an id that does not lead to the
// erased one. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_IDS_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_IDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace regulars::identity {

// What an anchor is made of: the identifier's key in its pool, its epoch (a recycled identifier
// starts another one) and the touch that named it first.
struct AnchorFacts {
  std::string_view pool;
  std::string_view identifier_key;
  uint32_t anchor_epoch = 0;
  std::string_view touch_id;
};

inline constexpr size_t kMintedIdBytes = 28;  // two for the prefix, 26 of base 32

// "m_..." and "f_...".
std::string MintMemberId(const AnchorFacts& facts);
std::string MintFragmentId(const AnchorFacts& facts);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_IDS_H_
