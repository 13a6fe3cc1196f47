// Checks fields one after the other and keeps the first refusal. Every method answers true while
// nothing is wrong, so checks chain with &&.
// Thread-safety: one object per touch.
#ifndef REGULARS_SERVICES_INGEST_KERNEL_FIELD_CHECK_H_
#define REGULARS_SERVICES_INGEST_KERNEL_FIELD_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/limits.h"
#include "libs/base/text.h"
#include "libs/model/identifier.h"
#include "services/ingest/kernel/refusal.h"

namespace regulars::ingest {

class FieldCheck {
 public:
  bool ok() const { return !refusal_.has_value(); }
  const std::optional<Refusal>& refusal() const { return refusal_; }

  // Path that the names of the following fields stand under; must outlive them. Answers as every
  // check.
  bool Under(std::string_view path) {
    path_ = path;
    return ok();
  }
  bool Require(bool holds, RefusalReason reason, std::string_view field) {
    if (ok() && !holds)
      refusal_ = Refusal{reason, field.empty() ? Cat(path_) : Cat(path_, ".", field)};
    return ok();
  }
  // 0..max bytes of text without control characters.
  bool Text(std::string_view value, size_t max, std::string_view field) {
    return Require(value.size() <= max, RefusalReason::kFieldTooLong, field) &&
           Require(model::IsPlainText(value), RefusalReason::kTextInvalid, field);
  }
  // As Text, but not empty.
  bool Word(std::string_view value, size_t max, RefusalReason missing, std::string_view field) {
    return Require(!value.empty(), missing, field) && Text(value, max, field);
  }
  // 1..max bytes of text, with one reason for everything that may be wrong.
  bool Name(std::string_view value, size_t max, RefusalReason reason, std::string_view field) {
    return Require(!value.empty() && value.size() <= max && model::IsPlainText(value), reason,
                   field);
  }
  // 0..10^12 minor units.
  bool Amount(int64_t minor, std::string_view field) {
    return Require(minor >= 0, RefusalReason::kAmountNegative, field) &&
           Require(minor <= limits::kAmountMinorMax, RefusalReason::kAmountTooLarge, field);
  }
  bool Quantity(int64_t quantity, std::string_view field) {
    return Require(quantity >= 1 && quantity <= limits::kQuantityMax,
                   RefusalReason::kQuantityInvalid, field);
  }

 private:
  std::string_view path_ = "touch";
  std::optional<Refusal> refusal_;
};

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_KERNEL_FIELD_CHECK_H_
