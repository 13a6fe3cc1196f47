// Strong ids: a MemberId is not a ShopId, although both are strings. StrongId<Tag, T> wraps one
// value, compares and hashes like it, and converts only when asked. Thread-safety: a plain value.
//
// Example: using MemberId = StrongId<struct MemberIdTag>;  MemberId id("m_7h2k");  id.value();
#ifndef REGULARS_LIBS_BASE_STRONG_ID_H_
#define REGULARS_LIBS_BASE_STRONG_ID_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <utility>

namespace regulars {

template <typename Tag, typename T = std::string>
class StrongId {
 public:
  using ValueType = T;

  StrongId() = default;
  explicit StrongId(T value) : value_(std::move(value)) {}

  [[nodiscard]] const T& value() const { return value_; }

  friend auto operator<=>(const StrongId&, const StrongId&) = default;
  friend bool operator==(const StrongId&, const StrongId&) = default;
  friend std::ostream& operator<<(std::ostream& out, const StrongId& id) {
    return out << id.value_;
  }
  template <typename H>
  friend H AbslHashValue(H h, const StrongId& id) {
    return H::combine(std::move(h), id.value_);
  }

 private:
  T value_{};
};

// An id that counts, e.g. a fragment's birth order.
template <typename Tag>
using StrongInt = StrongId<Tag, int64_t>;

}  // namespace regulars

template <typename Tag, typename T>
struct std::hash<regulars::StrongId<Tag, T>> {
  std::size_t operator()(const regulars::StrongId<Tag, T>& id) const {
    return std::hash<T>()(id.value());
  }
};

#endif  // REGULARS_LIBS_BASE_STRONG_ID_H_
