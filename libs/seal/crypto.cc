#include "libs/seal/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <memory>

#include "libs/base/assert.h"

namespace regulars::seal {
namespace {

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string* text) { return reinterpret_cast<unsigned char*>(text->data()); }

int Size(std::string_view text) {
  REGULARS_ASSERT(text.size() < (1U << 30), "text is too long for OpenSSL's int sizes");
  return static_cast<int>(text.size());
}

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Cipher NewCipher() {
  Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  REGULARS_ASSERT(cipher != nullptr, "OpenSSL is out of memory");
  return cipher;
}

void Must(int result) { REGULARS_ASSERT(result == 1, "OpenSSL refused a well-formed call"); }

}  // namespace

std::string HmacSha256(std::string_view key, std::string_view text) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  unsigned int size = 0;
  const unsigned char* done =
      HMAC(EVP_sha256(), key.data(), Size(key), Bytes(text), text.size(), Bytes(&out), &size);
  REGULARS_ASSERT(done != nullptr && size == out.size(), "HMAC-SHA-256 failed");
  return out;
}

std::string Sha256(std::string_view text) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  SHA256(Bytes(text), text.size(), Bytes(&out));
  return out;
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string AesGcmEncrypt(std::string_view key, std::string_view nonce, std::string_view aad,
                          std::string_view plaintext) {
  REGULARS_ASSERT(key.size() == kKeyBytes && nonce.size() == kNonceBytes, "key or nonce size");
  const Cipher cipher = NewCipher();
  std::string out(plaintext.size() + kTagBytes, '\0');
  int size = 0;
  Must(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce)));
  Must(EVP_EncryptUpdate(cipher.get(), nullptr, &size, Bytes(aad), Size(aad)));
  Must(EVP_EncryptUpdate(cipher.get(), Bytes(&out), &size, Bytes(plaintext), Size(plaintext)));
  Must(EVP_EncryptFinal_ex(cipher.get(), Bytes(&out) + size, &size));
  Must(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTagBytes),
                           out.data() + plaintext.size()));
  return out;
}

std::optional<std::string> AesGcmDecrypt(std::string_view key, std::string_view nonce,
                                         std::string_view aad, std::string_view ciphertext) {
  REGULARS_ASSERT(key.size() == kKeyBytes && nonce.size() == kNonceBytes, "key or nonce size");
  if (ciphertext.size() < kTagBytes) return std::nullopt;
  const std::string_view body = ciphertext.substr(0, ciphertext.size() - kTagBytes);
  std::string tag(ciphertext.substr(body.size()));
  const Cipher cipher = NewCipher();
  std::string out(body.size(), '\0');
  int size = 0;
  Must(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce)));
  Must(EVP_DecryptUpdate(cipher.get(), nullptr, &size, Bytes(aad), Size(aad)));
  Must(EVP_DecryptUpdate(cipher.get(), Bytes(&out), &size, Bytes(body), Size(body)));
  Must(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTagBytes),
                           tag.data()));
  if (EVP_DecryptFinal_ex(cipher.get(), Bytes(&out) + size, &size) != 1) return std::nullopt;
  return out;
}

std::string RandomBytes(std::size_t count) {
  std::string out(count, '\0');
  Must(RAND_bytes(Bytes(&out), Size(out)));
  return out;
}

}  // namespace regulars::seal
