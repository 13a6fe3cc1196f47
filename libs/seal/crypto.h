// The three primitives that seal.h and pepper.h are made of, over OpenSSL: HMAC-SHA-256 (RFC 2104),
// SHA-256 (FIPS 180-4), AES-256-GCM (NIST SP 800-38D) and a comparison whose time does not depend
// on where two texts differ. Pure functions; thread-safe. A failure inside OpenSSL is a broken
// machine and aborts; a tag that does not match is a result.
#ifndef REGULARS_LIBS_SEAL_CRYPTO_H_
#define REGULARS_LIBS_SEAL_CRYPTO_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace regulars::seal {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kNonceBytes = 12;
inline constexpr std::size_t kTagBytes = 16;

[[nodiscard]] std::string HmacSha256(std::string_view key, std::string_view text);  // 32 bytes
[[nodiscard]] std::string Sha256(std::string_view text);                            // 32 bytes

// Lengths are public, contents are not.
[[nodiscard]] bool ConstantTimeEquals(std::string_view a, std::string_view b);

// Ciphertext followed by the tag. Key and nonce must have their exact sizes (asserted); a nonce is
// never used twice with one key.
[[nodiscard]] std::string AesGcmEncrypt(std::string_view key, std::string_view nonce,
                                        std::string_view aad, std::string_view plaintext);
// nullopt when the tag does not match or the text is shorter than a tag.
[[nodiscard]] std::optional<std::string> AesGcmDecrypt(std::string_view key, std::string_view nonce,
                                                       std::string_view aad,
                                                       std::string_view ciphertext);

// From the operating system. For nonces, keys and log ids, in shells only.
[[nodiscard]] std::string RandomBytes(std::size_t count);

}  // namespace regulars::seal

#endif  // REGULARS_LIBS_SEAL_CRYPTO_H_
