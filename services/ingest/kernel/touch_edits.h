// Touches to spoil, part by part, for the tests of validation.
#ifndef REGULARS_SERVICES_INGEST_KERNEL_TOUCH_EDITS_H_
#define REGULARS_SERVICES_INGEST_KERNEL_TOUCH_EDITS_H_

#include <cstddef>
#include <string>

#include "libs/base/time.h"
#include "services/ingest/kernel/good_touches.h"

namespace regulars::ingest {

using Touch = v1::TouchInput;
inline constexpr Micros kNow = kGoodSeconds * kMicrosPerSecond;

inline std::string Long(size_t bytes) { return std::string(bytes, 'x'); }

inline types::v1::ClearIdentifier* Card(Touch* t) { return t->mutable_identifiers(0); }
// The value of a further identifier, or of the only one.
inline std::string* Name(Touch* t, const std::string& type) {
  types::v1::ClearIdentifier* id = t->add_identifiers();
  id->set_type(type);
  return id->mutable_value();
}
inline std::string* Only(Touch* t, const std::string& type) {
  t->clear_identifiers();
  return Name(t, type);
}
inline v1::OrderPaid* Order(Touch* t) { return t->mutable_body()->mutable_order_paid(); }
inline v1::OrderRefunded* Refund(Touch* t) {
  *t = GoodRefund();
  return t->mutable_body()->mutable_order_refunded();
}
inline v1::OrderLine* Line(Touch* t) { return Order(t)->mutable_lines(0); }
inline void PadTo(Touch* t, size_t bytes) {
  // A field that validation would refuse later, so that only the size can be named.
  t->set_text(Long(bytes));
  t->set_text(Long(2 * bytes - t->ByteSizeLong()));
}

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_KERNEL_TOUCH_EDITS_H_
