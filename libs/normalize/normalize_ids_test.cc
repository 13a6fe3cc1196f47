// Ids of platforms and shops: alphabet, length, scope; a table per type.
#include <gtest/gtest.h>

#include <string>

#include "libs/normalize/ledger.h"

namespace regulars::normalize {
namespace {

using enum Outcome;

const std::string k64(64, 'A');
const std::string k65(65, 'A');
const std::string k320(320, 'A');

TEST(Ids, OpenidIsOfOneWeChatApp) {
  const Row rows[] = {
      {"o6_bmjrPTlm6_2sgVt7hMZOPfL2M", kNormal, "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"},
      {" o6_bmjrPTlm6_2sgVt7hMZOPfL2M ", kNormal, "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"},
      {"ｏ6_bmjrPTlm6_2sgVt7hMZOPfL2M", kNormal, "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"},
      {"O6_BMJRPTLM6_2SGVT7HMZOPFL2M", kNormal, "O6_BMJRPTLM6_2SGVT7HMZOPFL2M"},  // another one
      {"o6_bmjrPTlm6_2sgVt7hMZOPfL2", kMalformed},
      {"o6_bmjrPTlm6_2sgVt7hMZOPfL2M1", kMalformed},
      {"o6_bmjrPTlm6 2sgVt7hMZOPfL2M", kMalformed},
      {"o6_bmjrPTlm6_2sgVt7hMZOPfL2你", kMalformed},
      {"o6_b***************MZOPfL2M", kMasked},
      {"undefined", kPlaceholder, "undefined"},
  };
  ExpectLedger("openid", "wx:app7", rows);
  const Row without_app[] = {{"o6_bmjrPTlm6_2sgVt7hMZOPfL2M", kScopeMissing},
                             {"null", kPlaceholder, "null"}};
  ExpectLedger("openid", "", without_app);
}

TEST(Ids, UnionidIsOfOneOpenPlatformAccount) {
  const Row rows[] = {
      {"o6_bmasdasdsad6_2sgVt7hMZOPfL", kNormal, "o6_bmasdasdsad6_2sgVt7hMZOPfL"},
      {"o6_bmasdasdsad6_2sgVt7hMZOPf", kNormal, "o6_bmasdasdsad6_2sgVt7hMZOPf"},
      {"o6_bmasdasdsad6_2sgVt7hMZOP", kMalformed},
      {"o6_bmasdasdsad6_2sgVt7hMZOPfLL", kMalformed},
      {"o6/bmasdasdsad6_2sgVt7hMZOPfL", kMalformed},
      {"(null)", kPlaceholder, "(null)"},
  };
  ExpectLedger("unionid", "", rows);
}

TEST(Ids, OuidIsOfOneSeller) {
  const Row rows[] = {
      {"AAHm5d-EAAeGwJedwSHpg8bT", kNormal, "AAHm5d-EAAeGwJedwSHpg8bT"},
      {"aahm5d-eaaegwjedwshpg8bt", kNormal, "aahm5d-eaaegwjedwshpg8bt"},
      {"AAHm5d+EAA/eGw==", kNormal, "AAHm5d+EAA/eGw=="},
      {k64, kNormal, k64},
      {k65, kMalformed},
      {"AAHm5d EAAe", kMalformed},
      {"0", kPlaceholder, "0"},
  };
  ExpectLedger("ouid", "taobao:seller:91", rows);
  const Row without_seller[] = {{"AAHm5d-EAAeGwJedwSHpg8bT", kScopeMissing}};
  ExpectLedger("ouid", "", without_seller);
}

TEST(Ids, OpenUidIsOfOneAppKey) {
  const Row rows[] = {
      {"AAGRWgR6ANRUd4PyoTRKdWbN", kNormal, "AAGRWgR6ANRUd4PyoTRKdWbN"},
      {"ＡＡGRWgR6ANRUd4PyoTRKdWbN", kNormal, "AAGRWgR6ANRUd4PyoTRKdWbN"},
      {"AAGRWgR6\u200BANRUd4PyoTRKdWbN", kNormal, "AAGRWgR6ANRUd4PyoTRKdWbN"},
      {k64, kNormal, k64},
      {k65, kMalformed},
      {"t**3", kMasked},  // a masked nick in the wrong field
      {"nan", kPlaceholder, "nan"},
  };
  ExpectLedger("open_uid", "taobao:app:12", rows);
  const Row without_key[] = {{"AAGRWgR6ANRUd4PyoTRKdWbN", kScopeMissing}};
  ExpectLedger("open_uid", "", without_key);
}

TEST(Ids, OmidIsOfOneBrandGroup) {
  const Row rows[] = {
      {"AAE-8xKZ0mXr7Yw3tB1uVc8L", kNormal, "AAE-8xKZ0mXr7Yw3tB1uVc8L"},
      {" AAE-8xKZ0mXr7Yw3tB1uVc8L", kNormal, "AAE-8xKZ0mXr7Yw3tB1uVc8L"},
      {k64, kNormal, k64},
      {k65, kMalformed},
      {"AAE 8xKZ", kMalformed},
      {"-1", kPlaceholder, "-1"},
  };
  ExpectLedger("omid", "", rows);
}

TEST(Ids, OaidIsOfOneReceiverAtOneSellerForAWeek) {
  const Row rows[] = {
      {"1kdzd8uIqzL2wgibvAicULNwXvBSlcA9UUQDiaG4=", kNormal,
       "1kdzd8uIqzL2wgibvAicULNwXvBSlcA9UUQDiaG4="},
      {k320, kNormal, k320},
      {"AAAAAAAAAAAAAAAA", kNormal, "AAAAAAAAAAAAAAAA"},
      {"AAAAAAAAAAAAAAA", kMalformed},
      {"00000000-0000-0000-0000-000000000000", kPlaceholder,
       "00000000-0000-0000-0000-000000000000"},  // what devices that say nothing send
      {"1kdzd8uIqzL2 wgibvAic", kMalformed},
  };
  ExpectLedger("oaid", "91:12", rows);
  const Row without_seller[] = {{k64, kScopeMissing}};
  ExpectLedger("oaid", "", without_seller);
}

TEST(Ids, CardsAreWrittenInGroups) {
  const Row rows[] = {
      {"6225 8888 1234", kNormal, "622588881234"},
      {"６２２５８８８８１２３４", kNormal, "622588881234"},
      {"VIP-0042", kNormal, "VIP-0042"},
      {"vip-0042", kNormal, "vip-0042"},  // another card
      {"A 1", kNormal, "A1"},
      {"A \u0308", kNormal, "\u00C4"},  // the accent meets its letter
      {"会员42", kNormal, "会员42"},
      {"6225 **** 1234", kMasked},
      {"0000", kPlaceholder, "0000"},
      {"0 0 0 0", kPlaceholder, "0000"},
      {"test", kPlaceholder, "test"},
      {k320, kNormal, k320},
  };
  ExpectLedger("card", "", rows);
}

TEST(Ids, CookiesAreVisibleAscii) {
  const std::string longest(256, 'c'), too_long(257, 'c');
  const Row rows[] = {
      {"GA1.2.1234567890.1700000000", kNormal, "GA1.2.1234567890.1700000000"},
      {"a/b+c=", kNormal, "a/b+c="},
      {longest, kNormal, longest},
      {too_long, kMalformed},
      {"a b", kMalformed},
      {"[object Object]", kPlaceholder, "[object Object]"},
      {"undefined", kPlaceholder, "undefined"},
  };
  ExpectLedger("cookie", "", rows);
}

TEST(Ids, OfOrdersKeepEverythingButTheirEdges) {
  const std::string longest(256, '7'), too_long(257, '7');
  const Row rows[] = {
      {"2026112300042", kNormal, "2026112300042"},
      {" 2026112300042", kNormal, "2026112300042"},
      {"E20261123-000 42", kNormal, "E20261123-000 42"},
      {"订单４２", kNormal, "订单42"},
      {longest, kNormal, longest},
      {too_long, kMalformed},
      {"0", kPlaceholder, "0"},
  };
  for (const char* type : {"order", "serial", "code"}) ExpectLedger(type, "", rows);
}

TEST(Ids, OfOtherTypesAreAnyText) {
  const Row rows[] = {
      {"00042", kNormal, "00042"},  // zeros in front mean something
      {"张伟", kNormal, "张伟"},
      {"  Ann  Lee ", kNormal, "Ann  Lee"},
      {"ﬁve №１", kNormal, "five No1"},
      {"e\u0301", kNormal, "\u00E9"},
      {"张**", kMasked},
      {"NULL", kPlaceholder, "NULL"},
  };
  for (const char* type : {"customer", "vip_card", "horoscope"}) ExpectLedger(type, "till", rows);
}

TEST(Shapes, OfAPoolReplaceTheDefaults) {
  Options options;
  options.shapes["card"] = *ParseShape("digits:10..16");
  options.shapes["openid"] = *ParseShape("key:6..64");
  const Row cards[] = {{"6225-8888 1234", kNormal, "622588881234"},
                       {"622588881", kMalformed},
                       {"VIP-0042", kMalformed}};
  ExpectLedger("card", "", cards, options);
  const Row openids[] = {{"douyin_1", kNormal, "douyin_1"}, {"short", kMalformed}};
  ExpectLedger("openid", "", openids, options);
}

TEST(Shapes, AreReadOrRefused) {
  EXPECT_EQ(ParseShape("key:28")->min, 28u);
  EXPECT_EQ(ParseShape("key:28")->max, 28u);
  EXPECT_TRUE(ParseShape("token:1..64:scoped")->scoped);
  EXPECT_EQ(ParseShape("text:1..320")->max, 320u);
  for (const char* bad : {"", "key", "key:", "key:0", "key:5..4", "key:1..321", "key:1..2..3",
                          "keys:1", "key:1:global", "key:1:scoped:x", "key:-1", "key:a..b"}) {
    EXPECT_FALSE(ParseShape(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace regulars::normalize
