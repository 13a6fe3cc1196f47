// Where an identifier remembers what was applied: one state key per business fact, kept for ever,
// or one expiring key per ordinary touch (law 4).
//   order/<scope>/<order id>
//   refund/<scope>/<order id>/<refund id>
//   code/<base 32 of the code's HMAC>
//   seen/<touch id>
// Parts are escaped ('%', '/' and '#' as %25, %2F and %23), so two facts never share a key. A key
// that would be longer than kFactKeyMax becomes <kind>/#<hash of the parts>. Thread-safety: pure
// functions and plain values.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_FACTS_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_FACTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/shard/kernel.h"

namespace regulars::identity {

inline constexpr size_t kFactKeyMax = 400;  // bytes
static_assert(kFactKeyMax < shard::kSubBytesMax, "a fact's key fits into a state key");

// A business fact that counts once for ever, whatever touches report it.
struct Fact {
  std::string key;  // empty: the touch reports none
  int64_t amount_minor = 0;
  std::string currency_code;
  bool whole_order = false;
};

std::string OrderKey(std::string_view scope, std::string_view order_id);
std::string RefundKey(std::string_view scope, std::string_view order_id,
                      std::string_view refund_id);
std::string CodeKey(std::string_view code_hmac);
std::string SeenKey(std::string_view touch_id);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_FACTS_H_
