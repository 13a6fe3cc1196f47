// What is compared of a member: its current name, phone and address, out of the vault; as a record
// of the matcher; as the keys of its blocks; and sealed for one neighbour.
//
// Clear values are in memory while an input is applied, and nowhere else. Thread-safety: pure
// functions.
#ifndef REGULARS_SERVICES_IDENTITY_CANDIDATES_COMPARED_H_
#define REGULARS_SERVICES_IDENTITY_CANDIDATES_COMPARED_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/seal/seal.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/candidate_links.pb.h"
#include "regulars/identity/v1/candidate_state.pb.h"
#include "services/identity/match/record.h"
#include "services/identity/vault/pool_keys.h"

namespace regulars::identity::candidates {

// The current values; fields that are not known are empty. Errors as vault::ReadField.
[[nodiscard]] absl::StatusOr<v1::ComparedContact> ReadCompared(const shard::EntityState& state,
                                                               std::string_view pool,
                                                               std::string_view member,
                                                               const vault::PoolKeys& keys);

// A Chinese name is split as match::SplitHanName does, any other at its last space. Of an address
// the last lines are region (two capitals), postal code (a digit and no small letter, at most ten
// bytes) and city, as far as there are more lines than one; the first number of the first line is
// the street number.
[[nodiscard]] match::Record RecordOf(const v1::ComparedContact& contact);

// Entities of the record's blocking keys ("b_..."), distinct, in byte order: HMAC-SHA-256, cut to
// 128 bits, under a key that is derived from the pool's pepper for nothing else.
[[nodiscard]] std::vector<std::string> BlocksOf(const match::Record& record,
                                                const seal::Pepper& pepper);

// Seals for one receiver, under a key that only the holder of the day's transport key can derive
// from the nonce of the touch that `self` names. NOT_FOUND SEAL_KEY_UNKNOWN: that day is destroyed.
[[nodiscard]] absl::StatusOr<v1::Comparison> SealFor(const v1::MatchSelf& self,
                                                     const v1::ComparedContact& contact,
                                                     std::string_view pool, std::string_view from,
                                                     std::string_view to,
                                                     const vault::PoolKeys& keys);
// NOT_FOUND SEAL_KEY_UNKNOWN, DATA_LOSS SEAL_BROKEN (also if it does not parse).
[[nodiscard]] absl::StatusOr<v1::ComparedContact> OpenFrom(const v1::Comparison& comparison,
                                                           std::string_view pool,
                                                           std::string_view to,
                                                           const vault::PoolKeys& keys);

}  // namespace regulars::identity::candidates

#endif  // REGULARS_SERVICES_IDENTITY_CANDIDATES_COMPARED_H_
