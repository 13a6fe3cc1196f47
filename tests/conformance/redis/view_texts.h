// How the conformance suite writes requests and shows what a view holds.
#ifndef REGULARS_TESTS_CONFORMANCE_REDIS_VIEW_TEXTS_H_
#define REGULARS_TESTS_CONFORMANCE_REDIS_VIEW_TEXTS_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/redis/view.h"

namespace regulars::redis {

inline ViewOp Set(std::string key, std::string value) {
  return {.key = std::move(key), .value = std::move(value)};
}
inline ViewOp Delete(std::string key) { return {.key = std::move(key), .value = std::nullopt}; }

// Epoch 5, generation 1 unless said otherwise.
inline ApplyRequest Move(int64_t from, int64_t to, std::vector<ViewOp> ops = {}) {
  return {.epoch = 5, .generation = 1, .from = from, .to = to, .ops = std::move(ops)};
}
inline ApplyRequest As(int64_t epoch, int64_t generation, ApplyRequest request) {
  request.epoch = epoch;
  request.generation = generation;
  return request;
}

// "log epoch generation applied whole", or "absent".
inline std::string Show(const std::optional<ViewMeta>& meta) {
  if (!meta.has_value()) return "absent";
  return meta->log_id + " " + std::to_string(meta->epoch) + " " + std::to_string(meta->generation) +
         " " + std::to_string(meta->applied) + (meta->whole ? " whole" : " partial");
}

inline std::string MetaText(View& view, const ShardId& shard) {
  const absl::StatusOr<std::optional<ViewMeta>> meta = view.Meta(shard);
  return meta.ok() ? Show(*meta) : std::string(meta.status().message());
}

// "key=value" of everything in the current generation, in order of key.
inline std::vector<std::string> DumpText(View& view, const ShardId& shard) {
  std::vector<std::string> out;
  const absl::StatusOr<std::vector<ViewOp>> dump = view.Dump(shard);
  if (!dump.ok()) return {std::string(dump.status().message())};
  for (const ViewOp& op : *dump) out.push_back(op.key + "=" + op.value.value_or("<deleted>"));
  std::sort(out.begin(), out.end());
  return out;
}

inline ViewOutcome Apply(View& view, const ShardId& shard, const ApplyRequest& request) {
  return view.Apply(shard, {request}).at(0);
}

}  // namespace regulars::redis

#endif  // REGULARS_TESTS_CONFORMANCE_REDIS_VIEW_TEXTS_H_
