#include "libs/seal/envelope.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>

#include "absl/strings/escaping.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::seal {
namespace {

std::string Line(const std::string& id, char fill) {
  return Cat(id, " ", absl::Base64Escape(std::string(kKeyBytes, fill)), "\n");
}

KeyFileWrapper Wrapper(const std::string& text) { return KeyFileWrapper(*KeyRing::Parse(text)); }

TEST(DataKeyTest, ABoxOpensWithItsKeyAndPlaceOnly) {
  const DataKey key(std::string(kKeyBytes, 'a'));
  const DataKey other(std::string(kKeyBytes, 'b'));
  const Box box = key.Seal("13800138000", "tea/m_1/phone", "touch 1");
  EXPECT_EQ(box.key_id, kDataKeyId);
  EXPECT_EQ(box.ciphertext.find("138"), std::string::npos);
  EXPECT_EQ(*key.Open(box, "tea/m_1/phone"), "13800138000");
  EXPECT_EQ(ReasonOf(key.Open(box, "tea/m_2/phone").status()), "SEAL_BROKEN");
  EXPECT_EQ(ReasonOf(key.Open(box, "tea/m_1/email").status()), "SEAL_BROKEN");
  EXPECT_EQ(ReasonOf(other.Open(box, "tea/m_1/phone").status()), "SEAL_BROKEN");
  Box foreign = box;
  foreign.key_id = "transport/2026-11-23";
  EXPECT_EQ(ReasonOf(key.Open(foreign, "tea/m_1/phone").status()), "SEAL_BROKEN");
}

TEST(DataKeyTest, TheSameInputIsTheSameBox_AReplayWritesTheSameBytes) {
  const auto seal = [] {
    return DataKey(std::string(kKeyBytes, 'a')).Seal("text", "place", "occasion");
  };
  EXPECT_EQ(seal().nonce, seal().nonce);
  EXPECT_EQ(seal().ciphertext, seal().ciphertext);
}

TEST(DataKeyTest, NoNonceMeetsAnotherPlaintextPlaceOrOccasion) {
  const DataKey key(std::string(kKeyBytes, 'a'));
  std::set<std::string> nonces;
  // Parts that would run into each other without their lengths are among them.
  const std::tuple<const char*, const char*, const char*> rows[] = {
      {"1", "phone", "t1"}, {"2", "phone", "t1"}, {"1", "email", "t1"}, {"1", "phone", "t2"},
      {"", "phonet1", ""},  {"1", "phonet", "1"}, {"", "phone", "t11"}, {"t11", "phone", ""},
      {"11", "phone", "t"}, {"1", "", "phonet1"}};
  for (const auto& [text, place, occasion] : rows) {
    EXPECT_TRUE(nonces.insert(key.Seal(text, place, occasion).nonce).second)
        << text << " " << place << " " << occasion;
  }
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_TRUE(nonces.insert(key.Seal(Cat("text ", i), "phone", "t").nonce).second);
  }
}

TEST(DataKeyTest, SpoiledBoxes_AreRefused) {
  const DataKey key(std::string(kKeyBytes, 'a'));
  const Box good = key.Seal("personal", "p", "o");
  for (int row = 0; row < 5; ++row) {
    Box bad = good;
    if (row == 0) bad.ciphertext.pop_back();
    if (row == 1) bad.ciphertext[0] ^= 1;
    if (row == 2) bad.nonce[0] ^= 1;
    if (row == 3) bad.nonce.pop_back();
    if (row == 4) bad.ciphertext.clear();
    EXPECT_EQ(ReasonOf(key.Open(bad, "p").status()), "SEAL_BROKEN") << row;
  }
}

TEST(KeyWrapperTest, WrapsUnderTheNewest_UnwrapsUnderAll) {
  const DataKey key(std::string(kKeyBytes, 'd'));
  const Box old_box = Wrapper(Line("kek1", 'a')).Wrap(key, "tea/m_1");
  EXPECT_EQ(old_box.key_id, "kek1");
  const KeyFileWrapper both = Wrapper(Line("kek1", 'a') + Line("kek2", 'b'));
  EXPECT_EQ(both.WrappingKeyId(), "kek2");
  EXPECT_EQ(both.Wrap(key, "tea/m_1").key_id, "kek2");
  EXPECT_EQ(both.Unwrap(old_box, "tea/m_1")->seed(), key.seed());
  EXPECT_EQ(both.Unwrap(both.Wrap(key, "tea/m_1"), "tea/m_1")->seed(), key.seed());
}

TEST(KeyWrapperTest, ADestroyedKekOpensNothing) {
  const DataKey key(std::string(kKeyBytes, 'd'));
  const Box box = Wrapper(Line("kek1", 'a')).Wrap(key, "tea/m_1");
  EXPECT_EQ(ReasonOf(Wrapper(Line("kek2", 'b')).Unwrap(box, "tea/m_1").status()),
            "SEAL_KEY_UNKNOWN");
  EXPECT_EQ(ReasonOf(Wrapper(Line("kek1", 'b')).Unwrap(box, "tea/m_1").status()), "SEAL_BROKEN");
}

TEST(KeyWrapperTest, AWrappedKeyBelongsToItsPlace) {
  const DataKey key(std::string(kKeyBytes, 'd'));
  const KeyFileWrapper wrapper = Wrapper(Line("kek1", 'a'));
  const Box box = wrapper.Wrap(key, "tea/m_1");
  EXPECT_EQ(ReasonOf(wrapper.Unwrap(box, "tea/m_2").status()), "SEAL_BROKEN");
  EXPECT_EQ(wrapper.Wrap(key, "tea/m_1").ciphertext, box.ciphertext);
  EXPECT_NE(wrapper.Wrap(key, "tea/m_2").nonce, box.nonce);
  EXPECT_EQ(box.ciphertext.find(key.seed()), std::string::npos);
}

TEST(DataKeyDeathTest, AnotherSize_Aborts) {
  EXPECT_DEATH(DataKey(std::string(kKeyBytes - 1, 'a')), "size");
}

}  // namespace
}  // namespace regulars::seal
