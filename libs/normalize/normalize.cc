#include "libs/normalize/normalize.h"

#include <array>
#include <optional>
#include <utility>

#include "libs/base/assert.h"
#include "libs/normalize/email.h"
#include "libs/normalize/phone.h"
#include "libs/normalize/spelling.h"

namespace regulars::normalize {
namespace {

constexpr std::array<std::string_view, kOutcomes> kTexts = {
    "NORMAL",       "PLACEHOLDER", "MASKED",   "CIPHERTEXT", "RELAY_NUMBER",  "SERVICE_NUMBER",
    "POOL_BLOCKED", "NOT_TEXT",    "TOO_LONG", "EMPTY",      "SCOPE_MISSING", "MALFORMED"};

Outcome OutcomeOf(SpellingFault fault) {
  switch (fault) {
    case SpellingFault::kNotText:
      return Outcome::kNotText;
    case SpellingFault::kTooLong:
      return Outcome::kTooLong;
    case SpellingFault::kEmpty:
      return Outcome::kEmpty;
    case SpellingFault::kNone:
      break;
  }
  return Outcome::kNormal;
}

Shape ShapeOf(std::string_view type, const Options& options) {
  const auto own = options.shapes.find(type);
  return own == options.shapes.end() ? DefaultShape(type) : own->second;
}

Normalized NormalizeId(std::string_view type, std::string_view scope, std::string_view spelled,
                       const Options& options) {
  if (IsMasked(spelled)) return {Outcome::kMasked, ""};
  const Shape shape = ShapeOf(type, options);
  if (shape.scoped && scope.empty()) return {Outcome::kScopeMissing, ""};
  std::optional<std::string> fitting = Fit(shape, spelled);
  if (fitting.has_value() && fitting->size() != spelled.size()) {
    // What stood on both sides of a dropped space may be one character now: a letter, its accent.
    fitting = Fit(shape, Spell(*fitting, limits::kIdentifierValueMax).text);
  }
  if (!fitting.has_value()) return {Outcome::kMalformed, ""};
  if (IsMasked(*fitting)) return {Outcome::kMasked, ""};
  const bool nobody = IsPlaceholder(*fitting);
  return {nobody ? Outcome::kPlaceholder : Outcome::kNormal, *std::move(fitting)};
}

Normalized ByType(std::string_view type, std::string_view scope, std::string_view spelled,
                  const Options& options) {
  if (type == "email") return NormalizeEmail(spelled);
  if (type == "phone" || type == "virtual_phone") {
    Normalized phone = NormalizePhone(spelled, options.default_region);
    // There it is what the type is for.
    if (type == "virtual_phone" && phone.outcome == Outcome::kRelayNumber) {
      phone.outcome = Outcome::kNormal;
    }
    return phone;
  }
  return NormalizeId(type, scope, spelled, options);
}

bool IsOnList(std::string_view type, std::string_view list_type, std::string_view value,
              const Options& options) {
  const auto list = options.blocked.find(list_type);
  if (list == options.blocked.end()) return false;
  if (list->second.contains(value)) return true;
  const size_t at = type == "email" ? value.rfind('@') : std::string_view::npos;
  return at != std::string_view::npos && list->second.contains(value.substr(at));
}

}  // namespace

std::string_view OutcomeText(Outcome outcome) {
  const auto index = static_cast<size_t>(outcome);
  REGULARS_ASSERT(index < kTexts.size(), "unknown outcome");
  return kTexts[index];
}

bool IsBlocked(Outcome outcome) {
  return outcome >= Outcome::kPlaceholder && outcome <= Outcome::kPoolBlocked;
}

bool IsRefused(Outcome outcome) { return outcome >= Outcome::kNotText; }

Normalized Normalize(std::string_view type, std::string_view scope, std::string_view value,
                     const Options& options) {
  Spelling spelling = Spell(value, limits::kIdentifierValueMax);
  if (spelling.fault != SpellingFault::kNone) return {OutcomeOf(spelling.fault), ""};
  if (IsPlaceholder(spelling.text)) return {Outcome::kPlaceholder, std::move(spelling.text)};
  Normalized out = ByType(type, scope, spelling.text, options);
  if (out.outcome == Outcome::kNormal && !options.blocked.empty() &&
      (IsOnList(type, type, out.value, options) || IsOnList(type, "*", out.value, options))) {
    out.outcome = Outcome::kPoolBlocked;
  }
  return out;
}

}  // namespace regulars::normalize
