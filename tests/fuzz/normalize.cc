// Identifiers as anybody may write them, of every type, under options of every kind.
#include "libs/normalize/normalize.h"

#include <string>
#include <string_view>
#include <vector>

#include "libs/base/limits.h"
#include "libs/model/identifier.h"
#include "libs/normalize/spelling.h"
#include "tests/fuzz/target.h"

namespace regulars::fuzz {
namespace {

constexpr std::string_view kTypes[] = {"phone",   "virtual_phone", "email", "openid",
                                       "unionid", "ouid",          "oaid",  "card",
                                       "cookie",  "order",         "code",  "customer"};
constexpr std::string_view kRegions[] = {"CN", "HK", "US", "IT", "AR"};

}  // namespace

// A type, a region, a scope, then the value.
void One(std::string_view input) {
  Bytes bytes(input);
  const std::string_view type = kTypes[bytes.Byte() % std::size(kTypes)];
  normalize::Options options;
  options.default_region = kRegions[bytes.Byte() % std::size(kRegions)];
  options.shapes["customer"] = {normalize::Alphabet::kDigits, 2, 20, false};
  options.blocked["*"] = {"12"};
  const std::string_view scope = bytes.Byte() % 2 == 0 ? "s" : "";
  const std::string_view value = bytes.Rest();

  const normalize::Normalized once = normalize::Normalize(type, scope, value, options);
  FUZZ_CHECK(!normalize::IsRefused(once.outcome) || once.value.empty());
  FUZZ_CHECK(once.outcome != normalize::Outcome::kNormal || !once.value.empty());
  if (!once.value.empty()) {
    FUZZ_CHECK(once.value.size() <= limits::kIdentifierValueMax);
    FUZZ_CHECK(model::IsPlainText(once.value));
    const normalize::Normalized twice = normalize::Normalize(type, scope, once.value, options);
    FUZZ_CHECK(twice.value == once.value && twice.outcome == once.outcome);
  }
  const std::string object = normalize::SpellObject(value, limits::kNativeIdMax);
  FUZZ_CHECK(normalize::SpellObject(object, limits::kNativeIdMax) == object);
}

std::vector<std::string> Seeds() {
  const auto of = [](int type, std::string_view value) {
    return std::string(Input().Byte(type).Byte(0).Byte(0).Rest(value));
  };
  return {of(0, "+86 139-1234-5670"),
          of(0, "021-61234567-8001"),
          of(0, "18877771111转123"),
          of(0, "138****8000"),
          of(0, "１３９１２３４５６７０"),
          of(1, "95013345678901"),
          of(2, "Ann@例子.中国"),
          of(2, "a***@example.com"),
          of(3, "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"),
          of(7, "6225 8888 1234"),
          of(9, " 订单４２"),
          of(11, "12-34 56"),
          of(11, "\u202Enull")};
}

}  // namespace regulars::fuzz
