#include "services/identity/shell/clear_identifier.h"

#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/model/identifier.h"

namespace regulars::identity {
namespace {

absl::Status Invalid(std::string_view message, std::string field) {
  return DomainError(absl::StatusCode::kInvalidArgument, "IDENTIFIER_INVALID", message,
                     {{"field", std::move(field)}});
}

}  // namespace

absl::StatusOr<std::string> HmacOf(const types::v1::ClearIdentifier& id, const std::string& pool,
                                   std::string_view field, const PepperOf& peppers,
                                   const SpellingOf& spellings) {
  if (!model::IsIdentifierType(id.type())) {
    return Invalid("the type of the identifier is malformed", Cat(field, ".type"));
  }
  if (id.scope().size() > limits::kIdentifierScopeMax || !model::IsPlainText(id.scope())) {
    return Invalid("the scope of the identifier is malformed", Cat(field, ".scope"));
  }
  static const normalize::Options kDefaults;
  const normalize::Options* const options = spellings(pool);
  // Also a value that is blocked now may have been recorded before.
  const normalize::Normalized normal = normalize::Normalize(
      id.type(), id.scope(), id.value(), options == nullptr ? kDefaults : *options);
  if (normal.value.empty()) {
    return Invalid("the value of the identifier is malformed, masked or needs a scope",
                   Cat(field, ".value"));
  }
  const seal::Pepper* pepper = peppers(pool);
  if (pepper == nullptr) {
    return DomainError(absl::StatusCode::kNotFound, "POOL_UNKNOWN",
                       "this service has no such pool");
  }
  return pepper->Hmac(id.type(), id.scope(), normal.value);
}

}  // namespace regulars::identity
