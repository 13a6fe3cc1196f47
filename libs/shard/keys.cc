#include "libs/shard/keys.h"

#include "libs/base/assert.h"
#include "libs/base/text.h"

namespace regulars::shard {
namespace {

constexpr std::string_view kZero("\0", 1);
constexpr size_t kInstantBytes = 8;

std::string Instant(int64_t at_us) {
  REGULARS_ASSERT(at_us >= 0, "an instant in a key is negative");
  std::string out(kInstantBytes, '\0');
  const auto value = static_cast<uint64_t>(at_us);
  for (size_t i = 0; i < kInstantBytes; ++i) {
    out[i] = static_cast<char>(value >> (8 * (kInstantBytes - 1 - i)));
  }
  return out;
}

int64_t ReadInstant(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = (value << 8) | static_cast<unsigned char>(c);
  return static_cast<int64_t>(value);
}

// Splits off what is before the first zero byte.
std::string_view Take(std::string_view* rest) {
  const size_t zero = rest->find('\0');
  REGULARS_ASSERT(zero != std::string_view::npos, "a key has no separator");
  const std::string_view head = rest->substr(0, zero);
  rest->remove_prefix(zero + 1);
  return head;
}

void CheckPart(std::string_view part) {
  REGULARS_ASSERT(part.find('\0') == std::string_view::npos, "a part of a key holds a zero byte");
}

std::string_view Body(std::string_view key, char kind) {
  REGULARS_ASSERT(!key.empty() && key.front() == kind, "a key of another kind");
  return key.substr(1);
}

}  // namespace

std::string StateKey(std::string_view pool, std::string_view entity, std::string_view sub) {
  CheckPart(pool);
  CheckPart(entity);
  CheckPart(sub);
  return Cat(std::string_view(&kStateKind, 1), pool, kZero, entity, kZero, sub);
}

std::string TimersKey(std::string_view pool, std::string_view entity) {
  CheckPart(pool);
  CheckPart(entity);
  return Cat(std::string_view(&kTimersKind, 1), pool, kZero, entity);
}

std::string DueKey(std::string_view pool, int64_t at_us, std::string_view entity,
                   std::string_view name) {
  return Cat(IndexBound(kDueKind, pool, at_us), entity, kZero, name);
}

std::string ExpiryKey(std::string_view pool, int64_t at_us, std::string_view state_key) {
  return Cat(IndexBound(kExpiryKind, pool, at_us), state_key);
}

std::string IndexBound(char kind, std::string_view pool, int64_t at_us) {
  return Cat(std::string_view(&kind, 1), pool, kZero, Instant(at_us));
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

StateKeyParts ParseStateKey(std::string_view key) {
  std::string_view rest = Body(key, kStateKind);
  StateKeyParts parts;
  parts.pool = Take(&rest);
  parts.entity = Take(&rest);
  parts.sub = rest;
  return parts;
}

TimersKeyParts ParseTimersKey(std::string_view key) {
  std::string_view rest = Body(key, kTimersKind);
  TimersKeyParts parts;
  parts.pool = Take(&rest);
  parts.entity = rest;
  return parts;
}

DueKeyParts ParseDueKey(std::string_view key) {
  std::string_view rest = Body(key, kDueKind);
  DueKeyParts parts;
  parts.pool = Take(&rest);
  REGULARS_ASSERT(rest.size() >= kInstantBytes, "a due key is short");
  parts.at_us = ReadInstant(rest.substr(0, kInstantBytes));
  rest.remove_prefix(kInstantBytes);
  parts.entity = Take(&rest);
  parts.name = rest;
  return parts;
}

ExpiryKeyParts ParseExpiryKey(std::string_view key) {
  std::string_view rest = Body(key, kExpiryKind);
  ExpiryKeyParts parts;
  parts.pool = Take(&rest);
  REGULARS_ASSERT(rest.size() >= kInstantBytes, "an expiry key is short");
  parts.at_us = ReadInstant(rest.substr(0, kInstantBytes));
  parts.state_key = rest.substr(kInstantBytes);
  return parts;
}

}  // namespace regulars::shard
