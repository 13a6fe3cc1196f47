// Key files, and boxes that somebody altered.
#include "libs/seal/seal.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/status.h"
#include "tests/fuzz/target.h"

namespace regulars::fuzz {
namespace {

constexpr std::string_view kKeys =
    "# two generations\nk1 MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n"
    "k2 YWJjZGVmZ2hpamFiY2RlZmdoaWphYmNkZWZnaGlqYWI=\n";

const seal::Sealer& Sealer() {
  static const auto* const sealer =
      new seal::Sealer(*seal::KeyRing::Parse(kKeys), [] { return std::string(12, 'n'); });
  return *sealer;
}

void Files(std::string_view text) {
  const auto ring = seal::KeyRing::Parse(text);
  if (ring.ok()) {
    FUZZ_CHECK(ring->size() >= 1 && !ring->sealing_key_id().empty() &&
               ring->sealing_key_id().size() <= seal::kKeyIdMax);
  } else {
    FUZZ_CHECK(IsValidReason(ReasonOf(ring.status())) || ReasonOf(ring.status()).empty());
  }
  const auto pepper = seal::Pepper::Parse(text, "tea");
  if (pepper.ok()) FUZZ_CHECK(pepper->Hmac("card", "", "1").size() == 32);
}

// Nothing opens but what was sealed, in its place.
void Open(Bytes bytes) {
  const std::string aad(bytes.Text()), text(bytes.Text());
  const auto sealed = Sealer().Seal(text, aad);
  if (!sealed.ok()) return;
  FUZZ_CHECK(Sealer().Open(*sealed, aad).value() == text);
  seal::Box box = *sealed;
  const int what = bytes.Byte() % 5;
  const std::string_view other = bytes.Rest();
  if (what == 0) box.key_id = other;
  if (what == 1) box.nonce = other;
  if (what == 2) box.ciphertext = other;
  if (what == 3) box.ciphertext += other;
  const std::string other_aad = what == 4 ? std::string(other) : aad;
  const bool same = box.key_id == sealed->key_id && box.nonce == sealed->nonce &&
                    box.ciphertext == sealed->ciphertext && other_aad == aad;
  FUZZ_CHECK(Sealer().Open(box, other_aad).ok() == same);
}

}  // namespace

void One(std::string_view input) {
  Bytes bytes(input);
  if (bytes.Byte() % 2 == 0) return Files(bytes.Rest());
  Open(bytes);
}

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = {Input().Byte(0).Rest(kKeys),
                                    Input().Byte(0).Rest(kKeys.substr(18, 48))};
  for (int what = 0; what < 5; ++what) {
    seeds.push_back(
        Input().Byte(1).Text("tea/contact").Text("ann@example.org").Byte(what).Rest("k1"));
  }
  return seeds;
}

}  // namespace regulars::fuzz
