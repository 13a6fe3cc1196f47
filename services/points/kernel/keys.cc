#include "services/points/kernel/keys.h"

#include <algorithm>
#include <charconv>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/shard/kernel.h"

namespace regulars::points {
namespace {

constexpr size_t kExpiryDigits = 16;
constexpr int kHex = 16;
constexpr size_t kSequenceTextMax = 17;

static_assert(kLotPrefix.size() + kExpiryDigits + 1 + kSequenceTextMax <= shard::kSubBytesMax);
static_assert(std::string_view("refund/").size() + kOrderKeyMax + 1 + kRefundIdMax <=
              shard::kSubBytesMax);

void AppendEscaped(std::string* out, std::string_view text) {
  for (const char c : text) {
    if (c == '/') {
      out->append("%2F");
    } else if (c == '%') {
      out->append("%25");
    } else {
      out->push_back(c);
    }
  }
}

int64_t ParseHex(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, kHex);
  REGULARS_ASSERT(error == std::errc() && end == text.data() + text.size() && value >= 0,
                  "a lot's key is malformed");
  return value;
}

// Hex digits of `value` >= 0, written to `buffer`; their view.
std::string_view Hex(int64_t value, char (&buffer)[16]) {
  const auto result = std::to_chars(std::begin(buffer), std::end(buffer), value, kHex);
  return {buffer, static_cast<size_t>(result.ptr - buffer)};
}

void AppendSequence(std::string* out, int64_t sequence) {
  char buffer[16];
  const std::string_view digits = Hex(sequence, buffer);
  out->push_back("0123456789abcdefg"[digits.size()]);
  out->append(digits);
}

}  // namespace

std::string OrderKey(std::string_view scope, std::string_view order_id) {
  std::string key;
  key.reserve(scope.size() + 1 + order_id.size());
  AppendEscaped(&key, scope);
  key.push_back('/');
  AppendEscaped(&key, order_id);
  return key;
}

std::string OrderSub(std::string_view order_key) { return Cat("order/", order_key); }

std::string RefundSub(std::string_view order_key, std::string_view refund_id) {
  return Cat("refund/", order_key, "/", refund_id);
}

std::string LotSub(const LotKey& lot) {
  REGULARS_ASSERT(lot.expires_at_us >= 0 && lot.sequence > 0, "a lot without expiry or number");
  std::string sub;
  sub.reserve(kLotPrefix.size() + kExpiryDigits + 1 + kSequenceTextMax);
  sub.append(kLotPrefix);
  char buffer[16];
  const std::string_view digits = Hex(lot.expires_at_us, buffer);
  sub.append(kExpiryDigits - digits.size(), '0');
  sub.append(digits);
  sub.push_back('/');
  AppendSequence(&sub, lot.sequence);
  return sub;
}

std::string EntrySub(int64_t sequence) {
  REGULARS_ASSERT(sequence > 0, "entries are numbered from 1");
  std::string sub(kEntryPrefix);
  AppendSequence(&sub, sequence);
  return sub;
}

std::string RedemptionSub(std::string_view redemption_id) {
  return Cat(kRedemptionPrefix, redemption_id);
}

std::string AllocationPageSub(std::string_view redemption_id, int64_t page) {
  return Cat("allocation/", redemption_id, "/", SequenceText(page));
}

LotKey ParseLotSub(std::string_view sub) {
  constexpr size_t kHead = kLotPrefix.size() + kExpiryDigits;
  REGULARS_ASSERT(sub.size() > kHead + 2 && sub.starts_with(kLotPrefix) && sub[kHead] == '/',
                  "a lot's key is malformed");
  return {ParseHex(sub.substr(kLotPrefix.size(), kExpiryDigits)), ParseHex(sub.substr(kHead + 2))};
}

std::string SequenceText(int64_t sequence) {
  std::string text;
  AppendSequence(&text, sequence);
  return text;
}

bool IsRedemptionId(std::string_view id) {
  return !id.empty() && id.size() <= kRedemptionIdMax &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

}  // namespace regulars::points
