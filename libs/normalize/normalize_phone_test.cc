#include <gtest/gtest.h>

#include <string>

#include "libs/normalize/ledger.h"
#include "libs/normalize/phone.h"

namespace regulars::normalize {
namespace {

using enum Outcome;

TEST(Phones, OfChinaHaveOneSpelling) {
  const Row rows[] = {
      {"13912345670", kNormal, "+8613912345670"},
      {"+86 139-1234-5670", kNormal, "+8613912345670"},
      {"0086 139 1234 5670", kNormal, "+8613912345670"},
      {"8613912345670", kNormal, "+8613912345670"},
      {"(+86)139.1234.5670", kNormal, "+8613912345670"},
      {"１３９１２３４５６７０", kNormal, "+8613912345670"},
      {"＋８６　１３９１２３４５６７０", kNormal, "+8613912345670"},
      {"139‑1234–5670", kNormal, "+8613912345670"},                  // typographic dashes
      {"\u202A139\u200B12345670\u202C", kNormal, "+8613912345670"},  // out of an address book
      {" 139 1234 5670 ", kNormal, "+8613912345670"},
      {"1795113912345670", kNormal, "+8613912345670"},  // a carrier's prefix
      {"17012345670", kNormal, "+8617012345670"},       // a virtual operator's: a person's
      {"19912345670", kNormal, "+8619912345670"},
      {"021-61234567", kNormal, "+862161234567"},
      {"(021) 6123 4567", kNormal, "+862161234567"},
      {"0755-82345678", kNormal, "+8675582345678"},
      {"+86 021 61234567", kNormal, "+862161234567"},
      {"0951-6012345", kNormal, "+869516012345"},  // not a hotline of 95...
      {"021-61234567-8001", kNormal, "+862161234567;ext=8001"},
      {"021-61234567 转 8001", kNormal, "+862161234567;ext=8001"},
      {"02161234567,8001", kNormal, "+862161234567;ext=8001"},
  };
  ExpectLedger("phone", "", rows);
}

TEST(Phones, OfOtherCountriesKeepTheirCode) {
  const Row rows[] = {
      {"+852 6123 4567", kNormal, "+85261234567"},
      {"00852 61234567", kNormal, "+85261234567"},
      {"+1 (650) 253-0000", kNormal, "+16502530000"},
      {"+1 650 253 0000 ext. 123", kNormal, "+16502530000;ext=123"},
      {"+44 20 7946 0018", kNormal, "+442079460018"},
      {"+39 06 6982 0000", kNormal, "+390669820000"},  // a zero that belongs to it
      {"+999 12345678", kMalformed},
  };
  ExpectLedger("phone", "", rows);
  Options hong_kong;
  hong_kong.default_region = "HK";
  const Row at_home[] = {{"6123 4567", kNormal, "+85261234567"},
                         {"+86 139 1234 5670", kNormal, "+8613912345670"},
                         {"13912345670", kMalformed}};
  ExpectLedger("phone", "", at_home, hong_kong);
}

TEST(Phones, ThatNameNobodyAreBlocked) {
  const Row rows[] = {
      {"138****8000", kMasked},
      {"138＊＊＊＊8000", kMasked},
      {"138xxxx8000", kMasked},
      {"138XXXX8000", kMasked},
      {"138####8000", kMasked},
      {"1380013••••", kMasked},
      {"138*8000", kMasked},
      {"18877771111-123", kRelayNumber, "+8618877771111;ext=123"},
      {"188-7777-1111-1234", kRelayNumber, "+8618877771111;ext=1234"},
      {"18877771111转123", kRelayNumber, "+8618877771111;ext=123"},
      {"18877771111，123", kRelayNumber, "+8618877771111;ext=123"},
      {"18877771111[0123]", kRelayNumber, "+8618877771111;ext=0123"},
      {"+86 17012345670 ext 9", kRelayNumber, "+8617012345670;ext=9"},
      {"95013345678901", kRelayNumber, "+8695013345678901"},
      {"9501334567,123", kRelayNumber, "+869501334567;ext=123"},
      {"950133456789012", kRelayNumber, "+86950133456789012"},
      {"0950-13345678", kRelayNumber, "+8695013345678"},
      {"95588", kServiceNumber, "+8695588"},
      {"10086", kServiceNumber, "+8610086"},
      {"400-820-8820", kServiceNumber, "+864008208820"},
      {"800-820-8820", kServiceNumber, "+868008208820"},
      {"d9F2aQ/kZ0mXr7Yw3tB1uVc8LpHsN6eGjI4oKxT5yRzAqWbCdEfGhJkLmNpQrStUvWxYz+8=", kCiphertext},
      {"$138$Kf3l0JcXuYBv2d9QeGm1wQ==$1$", kCiphertext},
  };
  ExpectLedger("phone", "", rows);
}

TEST(Phones, ThatFormsAreFilledWithAreBlocked) {
  const Row rows[] = {
      {"00000000000", kPlaceholder, "00000000000"},
      {"11111111111", kPlaceholder, "11111111111"},
      {"88888888", kPlaceholder, "88888888"},
      {"12345678901", kPlaceholder, "12345678901"},
      {"123456", kPlaceholder, "123456"},
      {"13800138000", kPlaceholder, "+8613800138000"},
      {"+86 138-0013-8000", kPlaceholder, "+8613800138000"},
      {"13800000000", kPlaceholder, "+8613800000000"},
      {"13012345678", kPlaceholder, "+8613012345678"},
      {"null", kPlaceholder, "null"},
      {"-", kPlaceholder, "-"},
      {"无", kPlaceholder, "无"},
  };
  ExpectLedger("phone", "", rows);
}

TEST(Phones, ThatNoOneHasAreRefused) {
  const Row rows[] = {
      {"1391234567", kMalformed},    // a digit lost
      {"139123456700", kMalformed},  // a digit too many
      {"29912345670", kMalformed},
      {"021-6123", kMalformed},
      {"hello", kMalformed},
      {"139123x", kMalformed},
      {"+", kMalformed},
      {"++8613912345670", kMalformed},
      {"13912345670/13912345671", kMalformed},  // two of them
      {"139 1234 5670 (mother)", kMalformed},
      {"+86 00139 1234 5670", kMalformed},
      {"9501334567890123", kMalformed},       // 16 digits: longer than any relay
      {"18877771111-123456789", kMalformed},  // an extension of 9 digits
      {"٠١٢٣٤٥٦٧٨٩", kMalformed},             // Arabic digits are no full-width ones
  };
  ExpectLedger("phone", "", rows);
}

TEST(VirtualPhones, AreKeptUnderTheirOwnType) {
  const Row rows[] = {{"18877771111-123", kNormal, "+8618877771111;ext=123"},
                      {"95013345678901", kNormal, "+8695013345678901"},
                      {"138****8000", kMasked},
                      {"400-820-8820", kServiceNumber, "+864008208820"}};
  ExpectLedger("virtual_phone", "", rows);
}

TEST(Phones, RegionsAreThoseWithANumberingPlan) {
  for (const char* region : {"CN", "HK", "US"}) EXPECT_TRUE(IsPhoneRegion(region)) << region;
  for (const char* region : {"", "cn", "XX", "CHN"}) EXPECT_FALSE(IsPhoneRegion(region)) << region;
}

}  // namespace
}  // namespace regulars::normalize
