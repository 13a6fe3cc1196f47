#include "services/ingest/kernel/identifiers.h"

#include <utility>

#include "libs/normalize/normalize.h"
#include "services/ingest/kernel/validate.h"

namespace regulars::ingest {
namespace {

using R = RefusalReason;
using normalize::Outcome;

bool CheckForm(const types::v1::ClearIdentifier& id, FieldCheck* check) {
  const auto valid = [&](bool holds, std::string_view field) {
    return check->Require(holds, R::kIdentifierInvalid, field);
  };
  const bool time_fits = !id.has_verify_time() || (MicrosOf(id.verify_time()).has_value() &&
                                                   IsValidInstant(*MicrosOf(id.verify_time())));
  return valid(model::IsIdentifierType(id.type()), "identifiers.type") &&
         valid(id.scope().size() <= limits::kIdentifierScopeMax && model::IsPlainText(id.scope()),
               "identifiers.scope") &&
         valid(id.verified_by().size() <= kVerifiedByMax && model::IsPlainText(id.verified_by()) &&
                   (!id.verified() || !id.verified_by().empty()),
               "identifiers.verified_by") &&
         valid(time_fits, "identifiers.verify_time");
}

// True if the identifier is of a person, kept or not.
bool ReadOne(const types::v1::ClearIdentifier& id, int index, const PoolRules& rules,
             NormalIdentifiers* out, FieldCheck* check) {
  const auto found = rules.classes.find(id.type());
  if (!check->Require(found != rules.classes.end(), R::kIdentifierTypeUnknown,
                      "identifiers.type")) {
    return false;
  }
  if (found->second == types::v1::IDENTIFIER_CLASS_BLOCKED) {
    out->dropped.push_back({id.type(), kTypeBlocked});
    return true;
  }
  normalize::Normalized normal =
      normalize::Normalize(id.type(), id.scope(), id.value(), rules.identifiers);
  const bool person = NamesPerson(found->second);
  if (normalize::IsBlocked(normal.outcome)) {
    out->dropped.push_back({id.type(), normalize::OutcomeText(normal.outcome)});
    return person;
  }
  const bool no_scope = normal.outcome == Outcome::kScopeMissing;
  if (check->Require(!normalize::IsRefused(normal.outcome), R::kIdentifierInvalid,
                     no_scope ? "identifiers.scope" : "identifiers.value")) {
    out->kept.push_back({index, found->second, std::move(normal.value)});
  }
  return person;
}

}  // namespace

bool ReadIdentifiers(const v1::TouchInput& touch, const PoolRules& rules, NormalIdentifiers* out,
                     FieldCheck* check) {
  constexpr std::string_view kField = "identifiers";
  if (!check->Require(static_cast<size_t>(touch.identifiers_size()) <= limits::kTouchIdentifiersMax,
                      R::kIdentifiersTooMany, kField)) {
    return false;
  }
  bool named = false;
  for (int i = 0; i < touch.identifiers_size(); ++i) {
    if (!CheckForm(touch.identifiers(i), check)) return false;
    named = ReadOne(touch.identifiers(i), i, rules, out, check) || named;
    if (!check->ok()) return false;
  }
  bool kept = false;
  for (const KeptIdentifier& id : out->kept) kept = kept || NamesPerson(id.identifier_class);
  return check->Require(named, R::kIdentifiersMissing, kField) &&
         check->Require(kept, R::kIdentifiersBlocked, kField);
}

}  // namespace regulars::ingest
