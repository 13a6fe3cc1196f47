#include "services/identity/match/metrics.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "libs/base/assert.h"

namespace regulars::identity::match {
namespace {

constexpr size_t kPrefixMax = 4;
constexpr int64_t kPrefixShare = 10;  // a tenth of what is missing, per letter

// Jaro's pairing is greedy from the first argument; a fixed order makes it symmetric.
void Order(Letters* a, Letters* b) {
  if (a->size() > b->size() || (a->size() == b->size() && *a > *b)) std::swap(*a, *b);
}

struct Paired {
  uint64_t in_a = 0, in_b = 0;  // bit i: letter i has a partner
};

Paired Pair(Letters a, Letters b) {
  const size_t reach = b.size() < 4 ? 0 : b.size() / 2 - 1;
  Paired out;
  for (size_t i = 0; i < a.size(); ++i) {
    const size_t first = i > reach ? i - reach : 0;
    const size_t end = std::min(b.size(), i + reach + 1);
    for (size_t j = first; j < end; ++j) {
      if (a[i] != b[j] || (out.in_b >> j & 1) != 0) continue;
      out.in_a |= uint64_t{1} << i;
      out.in_b |= uint64_t{1} << j;
      break;
    }
  }
  return out;
}

int64_t OutOfOrder(Letters a, Letters b, Paired paired) {
  int64_t count = 0;
  while (paired.in_a != 0) {
    const auto i = static_cast<size_t>(std::countr_zero(paired.in_a));
    const auto j = static_cast<size_t>(std::countr_zero(paired.in_b));
    if (a[i] != b[j]) ++count;
    paired.in_a &= paired.in_a - 1;
    paired.in_b &= paired.in_b - 1;
  }
  return count;
}

size_t CommonPrefix(Letters a, Letters b) {
  const size_t size = std::min(a.size(), b.size());
  size_t same = 0;
  while (same < size && a[same] == b[same]) ++same;
  return same;
}

// `matched` letters paired, `moved` pairs out of order.
int32_t WithPrefix(Letters a, Letters b, int64_t matched, int64_t moved) {
  const auto size_a = static_cast<int64_t>(a.size()), size_b = static_cast<int64_t>(b.size());
  const int64_t sum = matched * matched * (size_a + size_b) + (matched - moved) * size_a * size_b;
  const int64_t jaro = kMillion * sum / (3 * size_a * size_b * matched);
  const auto prefix = static_cast<int64_t>(std::min(kPrefixMax, CommonPrefix(a, b)));
  return static_cast<int32_t>(jaro + prefix * (kMillion - jaro) / kPrefixShare);
}

}  // namespace

int32_t JaroWinkler(Letters a, Letters b) {
  REGULARS_ASSERT(a.size() <= kLettersMax && b.size() <= kLettersMax, "not a folded value");
  if (a == b) return a.empty() ? 0 : kMillion;
  Order(&a, &b);
  const Paired paired = Pair(a, b);
  const int64_t matched = std::popcount(paired.in_a);
  if (matched == 0) return 0;
  return WithPrefix(a, b, matched, OutOfOrder(a, b, paired) / 2);
}

uint64_t LetterSet(Letters letters) {
  uint64_t out = 0;
  for (const char32_t letter : letters) out |= uint64_t{1} << (letter % 64);
  return out;
}

size_t EditDistanceMin(uint64_t set_a, uint64_t set_b) {
  // An edit brings in at most one missing letter.
  return static_cast<size_t>(
      std::max(std::popcount(set_a & ~set_b), std::popcount(set_b & ~set_a)));
}

int32_t JaroWinklerMax(Letters a, uint64_t set_a, Letters b, uint64_t set_b) {
  const auto alone = [](uint64_t mine, uint64_t other) {
    return static_cast<int64_t>(std::popcount(mine & ~other));
  };
  const int64_t matched = std::min(static_cast<int64_t>(a.size()) - alone(set_a, set_b),
                                   static_cast<int64_t>(b.size()) - alone(set_b, set_a));
  return matched <= 0 ? 0 : WithPrefix(a, b, matched, 0);
}
size_t EditDistance(Letters a, Letters b, size_t most) {
  REGULARS_ASSERT(a.size() <= kLettersMax && b.size() <= kLettersMax, "not a folded value");
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > most) return most + 1;
  const size_t head = CommonPrefix(a, b);
  a.remove_prefix(head), b.remove_prefix(head);
  while (!a.empty() && a.back() == b.back()) a.remove_suffix(1), b.remove_suffix(1);
  if (a.empty()) return b.size();

  // Only cells up to `most` off the diagonal can count; those around them hold `far`.
  const auto far = static_cast<uint8_t>(std::min(most, kLettersMax) + 1);
  using Row = std::array<uint8_t, kLettersMax + 2>;
  std::array<Row, 3> rows;
  Row* before = &rows[0];  // two letters of `a` ago
  Row* last = &rows[1];
  Row* row = &rows[2];
  for (size_t j = 0; j <= std::min(b.size(), size_t{far}); ++j) {
    (*last)[j] = static_cast<uint8_t>(j);
  }
  (*last)[std::min(b.size(), size_t{far}) + 1] = far;
  uint8_t least_before = 0;
  for (size_t i = 1; i <= a.size(); ++i) {
    const size_t first = i > most ? i - most : 1;
    const size_t end = std::min(b.size(), i + most);
    uint8_t least = (*row)[first - 1] =
        first == 1 ? static_cast<uint8_t>(std::min<size_t>(i, far)) : far;
    for (size_t j = first; j <= end; ++j) {
      const int substituted = (*last)[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      int cost = std::min({substituted, (*last)[j] + 1, (*row)[j - 1] + 1, int{far}});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost = std::min(cost, (*before)[j - 2] + 1);
      }
      (*row)[j] = static_cast<uint8_t>(cost);
      least = std::min(least, (*row)[j]);
    }
    (*row)[end + 1] = far;
    // A swap reaches back two rows, so two rows must be far before all that follow are.
    if (least >= far && least_before >= far) return most + 1;
    least_before = least;
    Row* const spare = before;
    before = last, last = row, row = spare;
  }
  return std::min<size_t>((*last)[b.size()], most + 1);
}

uint32_t Soundex(Letters letters) {
  //                              abcdefghijklmnopqrstuvwxyz
  static constexpr char kCodes[] = "01230120022455012623010202";
  uint32_t code = 0;
  int size = 0;
  char last = '0';
  for (const char32_t letter : letters) {
    if (letter < U'a' || letter > U'z') continue;
    const char digit = kCodes[letter - U'a'];
    if (size == 0) {
      code = static_cast<uint32_t>(letter), size = 1;
    } else if (digit != '0' && digit != last) {
      code = code << 8 | static_cast<uint32_t>(digit), ++size;
    }
    if (size == 4) return code;
    if (letter != U'h' && letter != U'w') last = digit;
  }
  for (; size > 0 && size < 4; ++size) code = code << 8 | static_cast<uint32_t>('0');
  return code;
}

}  // namespace regulars::identity::match
