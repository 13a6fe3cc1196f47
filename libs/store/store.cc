#include "libs/store/store.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace regulars::store {

absl::Status CheckName(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a store's name has 1 to ", kNameBytesMax, " bytes"));
  }
  for (const char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-') {
      return absl::InvalidArgumentError("a store's name has only letters, digits and '-'");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckBatch(const std::vector<Op>& batch) {
  for (const Op& op : batch) {
    if (op.key.size() > kKeyBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat("key above ", kKeyBytesMax, " bytes"));
    }
    if (op.value.has_value() && op.value->size() > kValueBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat("value above ", kValueBytesMax, " bytes"));
    }
  }
  return absl::OkStatus();
}

}  // namespace regulars::store
