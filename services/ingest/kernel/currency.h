// ISO 4217 alphabetic codes of currencies in use (list one, amendment 176), without funds, metals
// and test codes: what a shop can be paid in. Thread-safety: pure function.
#ifndef REGULARS_SERVICES_INGEST_KERNEL_CURRENCY_H_
#define REGULARS_SERVICES_INGEST_KERNEL_CURRENCY_H_

#include <string_view>

namespace regulars::ingest {

// Exactly three capital letters of the list; "cny" is none.
bool IsCurrency(std::string_view code);

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_KERNEL_CURRENCY_H_
