// What a caller names in the clear, hidden as ingest hides it. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_CLEAR_IDENTIFIER_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_CLEAR_IDENTIFIER_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/normalize/normalize.h"
#include "libs/seal/seal.h"
#include "regulars/types/v1/identifier.pb.h"

namespace regulars::identity {

// The pool's pepper; nullptr if the pool is not served here. Valid as long as the service.
using PepperOf = std::function<const seal::Pepper*(const std::string& pool)>;
// How the pool spells identifiers, as ingest does; nullptr: the defaults.
using SpellingOf = std::function<const normalize::Options*(const std::string& pool)>;

// The HMAC under which ingest writes it. `field`: its name in the request, for the error.
//   INVALID_ARGUMENT  IDENTIFIER_INVALID
//   NOT_FOUND         POOL_UNKNOWN
absl::StatusOr<std::string> HmacOf(const types::v1::ClearIdentifier& id, const std::string& pool,
                                   std::string_view field, const PepperOf& peppers,
                                   const SpellingOf& spellings);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_CLEAR_IDENTIFIER_H_
