// Where std::string_view meets abseil. Debian builds abseil with a string_view type of its own,
// other systems with std's: interfaces here use std::string_view, and these few functions cross
// over. On systems where both are one type they do nothing.
//
// Example: return absl::NotFoundError(Cat("no topic ", topic));  // topic is a std::string_view
//          absl::flat_hash_map<std::string, V, TextHash, TextEq> map;  map.find(a_string_view);
#ifndef REGULARS_LIBS_BASE_TEXT_H_
#define REGULARS_LIBS_BASE_TEXT_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace regulars {

[[nodiscard]] inline absl::string_view AbslView(std::string_view text) {
  return absl::string_view(text.data(), text.size());
}

[[nodiscard]] inline std::string_view StdView(absl::string_view text) {
  return std::string_view(text.data(), text.size());
}

namespace text_internal {
template <typename T>
decltype(auto) ForStrCat(const T& value) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    return AbslView(value);
  } else {
    return (value);
  }
}
}  // namespace text_internal

// absl::StrCat that also takes std::string_view.
template <typename... Parts>
[[nodiscard]] std::string Cat(const Parts&... parts) {
  return absl::StrCat(text_internal::ForStrCat(parts)...);
}

// absl::StrAppend that also takes std::string_view.
template <typename... Parts>
void Append(std::string* out, const Parts&... parts) {
  absl::StrAppend(out, text_internal::ForStrCat(parts)...);
}

// Lookup in a hash map of std::string by std::string_view, without a copy.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
struct TextEq {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};

}  // namespace regulars

#endif  // REGULARS_LIBS_BASE_TEXT_H_
