// What looks at all keys of a shard: the sweep of old generations, and the dump for tools and
// tests.
#include <algorithm>
#include <set>
#include <utility>

#include "libs/redis/apply_command.h"
#include "libs/redis/redis_view.h"
#include "libs/redis/reply.h"
#include "libs/redis/view_keys.h"

namespace regulars::redis {
namespace {

constexpr size_t kDumpKeysPerRead = 64;

// SCAN's pattern for everything below `prefix`.
std::string GlobBelow(std::string_view prefix) {
  std::string glob;
  for (const char c : prefix) {
    if (std::string_view("*?[]\\^-").find(c) != std::string_view::npos) glob.push_back('\\');
    glob.push_back(c);
  }
  return glob + "*";
}

}  // namespace

absl::StatusOr<RedisView::ScanPage> RedisView::Scan(int32_t slot, const std::string& prefix,
                                                    const std::string& cursor) {
  ScanPage page;
  const absl::Status status = Call(
      slot,
      Command({"SCAN", cursor, "MATCH", GlobBelow(prefix), "COUNT", std::to_string(kScanCount)}),
      [&](const redisReply& reply) {
        if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 2) return;
        page.cursor = std::string(Text(*reply.element[0]));
        for (size_t i = 0; i < reply.element[1]->elements; ++i) {
          page.keys.emplace_back(Text(*reply.element[1]->element[i]));
        }
      });
  if (!status.ok()) return status;
  if (page.cursor.empty()) return absl::UnavailableError("not an answer to SCAN");
  return page;
}

absl::StatusOr<SweepStep> RedisView::Sweep(const ShardId& shard, int64_t generation,
                                           int64_t limit) {
  if (limit <= 0) return absl::InvalidArgumentError("a sweep needs a positive limit");
  // SCAN names no key and so meets no MOVED: a look at meta finds the node of the slot first.
  if (const auto meta = Meta(shard); !meta.ok()) return meta.status();
  const std::string prefix = KeyPrefix(shard);
  const int32_t slot = HashSlot(prefix);
  SweepPlace& place = sweeps_[prefix];
  const Connection* const node = &NodeOf(slot);
  if (place.generation != generation || place.node != node) {
    place = SweepPlace{.generation = generation, .node = node};
  }
  SweepStep step;
  for (int page_number = 0; page_number < kSweepPagesMax && step.removed < limit && !step.done;
       ++page_number) {
    const absl::StatusOr<ScanPage> page = Scan(slot, prefix, place.cursor);
    if (!page.ok()) return page.status();
    std::vector<std::string_view> old;
    for (const std::string& key : page->keys) {
      const std::optional<int64_t> found = GenerationOf(prefix, key);
      if (found.has_value() && *found < generation) old.push_back(key);
    }
    if (!old.empty()) {
      std::string command;
      AppendHeader(&command, 1 + old.size());
      AppendArgument(&command, "UNLINK");
      for (const std::string_view key : old) AppendArgument(&command, key);
      const absl::Status status =
          Call(slot, command, [&](const redisReply& reply) { step.removed += reply.integer; });
      if (!status.ok()) return status;
    }
    place.cursor = page->cursor;
    step.done = place.cursor == "0";
  }
  if (step.done) sweeps_.erase(prefix);
  return step;
}

absl::StatusOr<std::vector<ViewOp>> RedisView::Dump(const ShardId& shard) {
  const absl::StatusOr<std::optional<ViewMeta>> meta = Meta(shard);
  if (!meta.ok()) return meta.status();
  std::vector<ViewOp> dump;
  if (!meta->has_value()) return dump;
  const std::string prefix = GenerationPrefix(shard, (*meta)->generation);
  const int32_t slot = HashSlot(prefix);
  std::set<std::string> keys;  // SCAN may name a key twice
  std::string cursor = "0";
  do {
    absl::StatusOr<ScanPage> page = Scan(slot, prefix, cursor);
    if (!page.ok()) return page.status();
    cursor = page->cursor;
    keys.insert(std::make_move_iterator(page->keys.begin()),
                std::make_move_iterator(page->keys.end()));
  } while (cursor != "0");
  for (auto it = keys.begin(); it != keys.end();) {
    std::vector<std::string_view> some;
    for (; it != keys.end() && some.size() < kDumpKeysPerRead; ++it) some.push_back(*it);
    std::string command;
    AppendHeader(&command, 1 + some.size());
    AppendArgument(&command, "MGET");
    for (const std::string_view key : some) AppendArgument(&command, key);
    const absl::Status status = Call(slot, command, [&](const redisReply& reply) {
      for (size_t i = 0; i < std::min(reply.elements, some.size()); ++i) {
        if (!IsText(*reply.element[i])) continue;  // gone since the scan
        dump.push_back(ViewOp{.key = std::string(some[i].substr(prefix.size())),
                              .value = std::string(Text(*reply.element[i]))});
      }
    });
    if (!status.ok()) return status;
  }
  return dump;
}

}  // namespace regulars::redis
