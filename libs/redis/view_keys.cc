#include "libs/redis/view_keys.h"

#include <array>
#include <charconv>
#include <map>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/assert.h"

namespace regulars::redis {
namespace {

constexpr uint16_t kCrcPolynomial = 0x1021;

constexpr std::array<uint16_t, 256> MakeCrcTable() {
  std::array<uint16_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000u) != 0 ? (crc << 1) ^ kCrcPolynomial : crc << 1;
    }
    table[byte] = static_cast<uint16_t>(crc);
  }
  return table;
}

uint16_t Crc16(uint16_t crc, std::string_view bytes) {
  static constexpr std::array<uint16_t, 256> kTable = MakeCrcTable();
  for (const char c : bytes) {
    const auto index = static_cast<uint8_t>((crc >> 8) ^ static_cast<uint8_t>(c));
    crc = static_cast<uint16_t>((crc << 8) ^ kTable[index]);
  }
  return crc;
}

std::string SearchTag(int32_t shard, int32_t shard_count) {
  static constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  const auto slot = static_cast<int32_t>(int64_t{shard} * kSlotCount / shard_count);
  const std::string head = absl::StrCat(shard, ".", shard_count, ".");
  const uint16_t head_crc = Crc16(0, head);
  // 36^5 candidates for one of 16384 slots: always found, nearly always with three or four digits.
  for (uint64_t n = 0; n < 36ull * 36 * 36 * 36 * 36; ++n) {
    std::string suffix;
    for (uint64_t rest = n; rest > 0; rest /= 36) suffix.push_back(kDigits[rest % 36]);
    if (Crc16(head_crc, suffix) % kSlotCount == slot) return head + suffix;
  }
  AssertionFailed(__FILE__, __LINE__, "false", "no tag text reaches the slot");
}

}  // namespace

int32_t HashSlot(std::string_view key) {
  const size_t open = key.find('{');
  if (open != std::string_view::npos) {
    const size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close != open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  return Crc16(0, key) % kSlotCount;
}

std::string ShardTag(int32_t shard, int32_t shard_count) {
  REGULARS_ASSERT(shard >= 0 && shard < shard_count && shard_count <= kSlotCount,
                  "shard out of range");
  static std::mutex mutex;
  static auto* const tags = new std::map<std::pair<int32_t, int32_t>, std::string>();
  const std::lock_guard lock(mutex);
  std::string& tag = (*tags)[{shard_count, shard}];
  if (tag.empty()) tag = SearchTag(shard, shard_count);
  return tag;
}

std::string KeyPrefix(const ShardId& shard) {
  return absl::StrCat("r1:{", ShardTag(shard.shard, shard.shard_count), "}:", shard.service, ":");
}

std::string MetaKey(const ShardId& shard) { return KeyPrefix(shard).append(kMetaName); }

std::string GenerationPrefix(const ShardId& shard, int64_t generation) {
  return absl::StrCat(KeyPrefix(shard), generation, ":");
}

std::optional<int64_t> GenerationOf(std::string_view prefix, std::string_view full_key) {
  if (!full_key.starts_with(prefix)) return std::nullopt;
  full_key.remove_prefix(prefix.size());
  const char* const end = full_key.data() + full_key.size();
  int64_t generation = 0;
  const auto [next, error] = std::from_chars(full_key.data(), end, generation);
  if (error != std::errc() || next == end || *next != ':') return std::nullopt;
  return generation;
}

bool ValidPosition(int64_t position) { return position >= 0 && position <= kPositionMax; }

bool ValidClaim(std::string_view log_id, int64_t epoch, int64_t generation, int64_t applied) {
  return log_id.size() <= kLogIdBytesMax && ValidPosition(epoch) && ValidPosition(generation) &&
         ValidPosition(applied);
}

bool ValidApply(const std::vector<ApplyRequest>& requests) {
  for (size_t i = 0; i < requests.size(); ++i) {
    const ApplyRequest& request = requests[i];
    if (!ValidPosition(request.epoch) || !ValidPosition(request.generation) ||
        !ValidPosition(request.from) || !ValidPosition(request.to) || request.to < request.from) {
      return false;
    }
    if (i > 0 &&
        (request.epoch != requests[0].epoch || request.generation != requests[0].generation ||
         request.from != requests[i - 1].to)) {
      return false;
    }
    if (request.ops.size() > kApplyKeysMax) return false;
    size_t bytes = 0;
    for (const ViewOp& op : request.ops) bytes += op.key.size() + (op.value ? op.value->size() : 0);
    if (bytes > kApplyBytesMax) return false;
  }
  return true;
}

}  // namespace regulars::redis
