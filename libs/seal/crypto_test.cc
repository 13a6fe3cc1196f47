#include "libs/seal/crypto.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

namespace regulars::seal {
namespace {

std::string Hex(const char* hex) { return absl::HexStringToBytes(hex); }

TEST(CryptoTest, HmacSha256_Rfc4231) {
  EXPECT_EQ(absl::BytesToHexString(HmacSha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(absl::BytesToHexString(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(
      absl::BytesToHexString(HmacSha256(std::string(131, '\xaa'),
                                        "Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(CryptoTest, Sha256_Fips180) {
  EXPECT_EQ(absl::BytesToHexString(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// The AES-256 vectors of the GCM specification (McGrew, Viega), test cases 13 to 16.
TEST(CryptoTest, AesGcm_TestCases13To16) {
  const char* key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
  const char* zero = "0000000000000000000000000000000000000000000000000000000000000000";
  const char* nonce = "cafebabefacedbaddecaf888";
  const std::string text =
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
  const std::string cipher =
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
  struct Row {
    const char *key, *nonce;
    std::string aad, text, out;
  };
  const Row rows[] = {
      {zero, "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
      {zero, "000000000000000000000000", "", "00000000000000000000000000000000",
       "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
      {key, nonce, "", text, cipher + "b094dac5d93471bdec1a502270e3cc6c"},
      {key, nonce, "feedfacedeadbeeffeedfacedeadbeefabaddad2", text.substr(0, 120),
       cipher.substr(0, 120) + "76fc6ece0f4e1768cddf8853bb2d551b"}};
  for (const Row& row : rows) {
    const std::string aad = Hex(row.aad.c_str());
    const std::string plain = Hex(row.text.c_str());
    const std::string out = AesGcmEncrypt(Hex(row.key), Hex(row.nonce), aad, plain);
    EXPECT_EQ(absl::BytesToHexString(out), row.out);
    EXPECT_EQ(AesGcmDecrypt(Hex(row.key), Hex(row.nonce), aad, out), plain);
  }
}

TEST(CryptoTest, ConstantTimeEquals_IsEquality) {
  EXPECT_TRUE(ConstantTimeEquals("", ""));
  EXPECT_TRUE(ConstantTimeEquals("ab", "ab"));
  EXPECT_FALSE(ConstantTimeEquals("ab", "ac"));
  EXPECT_FALSE(ConstantTimeEquals("ab", "abc"));
}

TEST(CryptoTest, RandomBytes_Differ) {
  EXPECT_EQ(RandomBytes(kNonceBytes).size(), kNonceBytes);
  EXPECT_NE(RandomBytes(16), RandomBytes(16));
}

TEST(CryptoDeathTest, WrongSizes_Abort) {
  EXPECT_DEATH((void)AesGcmEncrypt("", std::string(12, 'n'), "", ""), "key or nonce size");
  EXPECT_DEATH((void)AesGcmDecrypt(std::string(32, 'k'), "", "", ""), "key or nonce size");
}

}  // namespace
}  // namespace regulars::seal
