#include "services/identity/kernel/facts.h"

#include <initializer_list>

#include "absl/strings/str_replace.h"
#include "libs/base/base32.h"
#include "libs/base/text.h"
#include "libs/model/hashed_id.h"

namespace regulars::identity {
namespace {

std::string FactKey(std::string_view kind, std::initializer_list<std::string_view> parts) {
  std::string key(kind);
  for (const std::string_view part : parts) {
    Append(&key, "/",
           absl::StrReplaceAll(AbslView(part), {{"%", "%25"}, {"/", "%2F"}, {"#", "%23"}}));
  }
  if (key.size() <= kFactKeyMax) return key;
  return Cat(kind, "/#", model::HashedId(parts));
}

}  // namespace

std::string OrderKey(std::string_view scope, std::string_view order_id) {
  return FactKey("order", {scope, order_id});
}

std::string RefundKey(std::string_view scope, std::string_view order_id,
                      std::string_view refund_id) {
  return FactKey("refund", {scope, order_id, refund_id});
}

std::string CodeKey(std::string_view code_hmac) {
  return FactKey("code", {Base32Encode(code_hmac)});
}

std::string SeenKey(std::string_view touch_id) { return FactKey("seen", {touch_id}); }

}  // namespace regulars::identity
