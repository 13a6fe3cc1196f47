#include "libs/seal/seal.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <set>
#include <string>

#include "absl/strings/escaping.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::seal {
namespace {

std::string Line(const std::string& id, char fill) {
  return Cat(id, " ", absl::Base64Escape(std::string(kKeyBytes, fill)), "\n");
}

Sealer MakeSealer(const std::string& text) {
  int n = 0;
  return Sealer(*KeyRing::Parse(text), [n]() mutable {
    std::string nonce(kNonceBytes, '\0');
    nonce[0] = static_cast<char>(++n);
    return nonce;
  });
}

TEST(SealTest, ABoxOpensWithItsKeyAndPlace) {
  const Sealer sealer = MakeSealer(Line("k1", 'a'));
  for (const std::string& text :
       {std::string(), std::string("13800138000"), std::string("\0\xff", 2)}) {
    const auto box = sealer.Seal(text, "cofco/phone");
    ASSERT_TRUE(box.ok());
    EXPECT_EQ(box->key_id, "k1");
    EXPECT_EQ(box->nonce.size(), kNonceBytes);
    EXPECT_EQ(box->ciphertext.size(), text.size() + kTagBytes);
    EXPECT_TRUE(text.empty() || box->ciphertext.find(text) == std::string::npos);
    EXPECT_EQ(*sealer.Open(*box, "cofco/phone"), text);
  }
  EXPECT_NE(sealer.Seal("x", "")->ciphertext, sealer.Seal("x", "")->ciphertext);
}

TEST(SealTest, Rotation_NewestSeals_AllOpen_DestroyedIsGone) {
  const Sealer before = MakeSealer(Line("k1", 'a'));
  const Box old_box = *before.Seal("text", "p");
  const Sealer after = MakeSealer(Line("k1", 'a') + Line("k2", 'b'));
  EXPECT_EQ(after.Seal("text", "p")->key_id, "k2");
  EXPECT_EQ(*after.Open(old_box, "p"), "text");
  const Sealer erased = MakeSealer(Line("k2", 'b'));
  EXPECT_EQ(ReasonOf(erased.Open(old_box, "p").status()), "SEAL_KEY_UNKNOWN");
}

TEST(SealTest, SpoiledBoxes_AreRefused) {
  const Sealer sealer = MakeSealer(Line("k1", 'a') + Line("k2", 'a'));  // two ids of one key
  const Box good = *sealer.Seal("personal", "cofco/phone");
  struct Row {
    const char* what;
    std::function<void(Box*)> spoil;
    const char* reason;
  };
  const Row rows[] = {
      {"truncated", [](Box* b) { b->ciphertext.pop_back(); }, "SEAL_BROKEN"},
      {"shorter than a tag", [](Box* b) { b->ciphertext.resize(kTagBytes - 1); }, "SEAL_BROKEN"},
      {"empty", [](Box* b) { b->ciphertext.clear(); }, "SEAL_BROKEN"},
      {"longer", [](Box* b) { b->ciphertext.push_back('x'); }, "SEAL_BROKEN"},
      {"a bit of the text", [](Box* b) { b->ciphertext[0] ^= 1; }, "SEAL_BROKEN"},
      {"a bit of the tag", [](Box* b) { b->ciphertext.back() ^= 1; }, "SEAL_BROKEN"},
      {"a bit of the nonce", [](Box* b) { b->nonce[0] ^= 1; }, "SEAL_BROKEN"},
      {"short nonce", [](Box* b) { b->nonce.pop_back(); }, "SEAL_BROKEN"},
      {"no nonce", [](Box* b) { b->nonce.clear(); }, "SEAL_BROKEN"},
      {"another id of the same key", [](Box* b) { b->key_id = "k1"; }, "SEAL_BROKEN"},
      {"unknown key", [](Box* b) { b->key_id = "k9"; }, "SEAL_KEY_UNKNOWN"},
      {"no key id", [](Box* b) { b->key_id.clear(); }, "SEAL_KEY_UNKNOWN"}};
  for (const Row& row : rows) {
    Box box = good;
    row.spoil(&box);
    EXPECT_EQ(ReasonOf(sealer.Open(box, "cofco/phone").status()), row.reason) << row.what;
  }
  EXPECT_EQ(ReasonOf(sealer.Open(good, "cofco/mail").status()), "SEAL_BROKEN") << "other place";
}

TEST(SealTest, PlaintextAtTheLimit_OneAboveIsRefused) {
  const Sealer sealer = MakeSealer(Line("k1", 'a'));
  EXPECT_TRUE(sealer.Seal(std::string(kPlaintextMax, 'x'), "").ok());
  EXPECT_EQ(ReasonOf(sealer.Seal(std::string(kPlaintextMax + 1, 'x'), "").status()), "TOO_LARGE");
}

TEST(KeyRingTest, CommentsAndBlankLines_AreNoKeys) {
  const auto ring = KeyRing::Parse("# rotated in May\n\n" + Line("k1", 'a') + "  \n");
  ASSERT_TRUE(ring.ok()) << ring.status();
  EXPECT_EQ(ring->size(), 1U);
}

TEST(KeyRingTest, BadFiles_AreRefusedWithoutShowingTheKey) {
  const std::string secret = absl::Base64Escape(std::string(kKeyBytes, 'a'));
  std::string many;
  for (std::size_t i = 0; i < limits::kKeyRingKeysMax; ++i) many += Line(Cat("k", i), 'a');
  EXPECT_TRUE(KeyRing::Parse(many).ok());
  const std::string rows[] = {"",
                              "# only a comment\n",
                              secret,
                              "k1",
                              "k1 ",
                              "k1 " + secret + " extra",
                              "k1 not*base64",
                              "k1 " + absl::Base64Escape(std::string(kKeyBytes - 1, 'a')),
                              "k1 " + absl::Base64Escape(std::string(kKeyBytes + 1, 'a')),
                              Line("k1", 'a') + Line("k1", 'b'),
                              Line(std::string(kKeyIdMax + 1, 'k'), 'a'),
                              many + Line("above", 'a')};
  for (const std::string& text : rows) {
    const auto ring = KeyRing::Parse(text);
    ASSERT_FALSE(ring.ok()) << text;
    EXPECT_EQ(StdView(ring.status().message()).find(secret), std::string_view::npos);
  }
  EXPECT_FALSE(KeyRing::Load("/nonexistent").ok());
}

TEST(PepperTest, EveryPartCounts) {
  const Pepper pepper = *Pepper::Parse(Line("p", 'a'), "cofco");
  const Pepper other_pool = *Pepper::Parse(Line("p", 'a'), "mengniu");
  const Pepper other_key = *Pepper::Parse(Line("p", 'b'), "cofco");
  const std::set<std::string> seen = {pepper.Hmac("phone", "", "1"),
                                      pepper.Hmac("phone", "1", ""),
                                      pepper.Hmac("phon", "e", "1"),
                                      pepper.Hmac("phone", "", "2"),
                                      other_pool.Hmac("phone", "", "1"),
                                      other_key.Hmac("phone", "", "1"),
                                      pepper.Hmac("phone", "",
                                                  std::string("\0"
                                                              "1",
                                                              2))};
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_EQ(pepper.Hmac("phone", "", "1"), pepper.Hmac("phone", "", "1"));
  EXPECT_EQ(pepper.Hmac("phone", "", "1"),
            HmacSha256(std::string(kKeyBytes, 'a'), std::string("cofco\0phone\0\0"
                                                                "1",
                                                                14)));
}

TEST(PepperTest, AFileOfTwoKeys_IsRefused) {
  EXPECT_FALSE(Pepper::Parse(Line("a", 'a') + Line("b", 'b'), "cofco").ok());
  const std::string path = testing::TempDir() + "/pepper";
  std::ofstream(path) << Line("p", 'a');
  EXPECT_TRUE(Pepper::Load(path, "cofco").ok());
}

TEST(PepperDeathTest, ZeroByteInTheDomain_Aborts) {
  const Pepper pepper = *Pepper::Parse(Line("p", 'a'), "cofco");
  EXPECT_DEATH((void)pepper.Hmac(std::string_view("a\0b", 3), "", "1"), "zero byte");
}

}  // namespace
}  // namespace regulars::seal
