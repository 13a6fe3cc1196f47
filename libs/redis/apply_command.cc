#include "libs/redis/apply_command.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/redis/connection.h"

namespace regulars::redis {
namespace {

// The ops in effect: sets, then deletes. A set followed by a set of the same key may stay (Redis
// does them in order), so only deletes make a look at the keys necessary.
std::vector<const ViewOp*> InEffect(const std::vector<ViewOp>& ops, size_t* sets) {
  std::vector<const ViewOp*> out;
  out.reserve(ops.size());
  const bool deletes =
      std::any_of(ops.begin(), ops.end(), [](const ViewOp& op) { return !op.value.has_value(); });
  if (!deletes) {
    for (const ViewOp& op : ops) out.push_back(&op);
  } else {
    std::unordered_set<std::string_view> seen;
    for (auto op = ops.rbegin(); op != ops.rend(); ++op) {
      if (seen.insert(op->key).second) out.push_back(&*op);
    }
  }
  const auto middle = std::stable_partition(out.begin(), out.end(),
                                            [](const ViewOp* op) { return op->value.has_value(); });
  *sets = static_cast<size_t>(middle - out.begin());
  return out;
}

}  // namespace

void AppendApply(std::string* out, std::string_view prefix, const ApplyRequest& request,
                 int64_t member_ttl_s) {
  size_t sets = 0;
  const std::vector<const ViewOp*> ops = InEffect(request.ops, &sets);
  AppendHeader(out, 3 + 1 + ops.size() + 5 + sets);
  AppendArgument(out, "FCALL");
  AppendArgument(out, "regulars_r1_apply");
  AppendArgument(out, static_cast<int64_t>(1 + ops.size()));
  std::string key(prefix);
  AppendArgument(out, key + "meta");
  absl::StrAppend(&key, request.generation, ":");
  const size_t prefix_size = key.size();
  for (const ViewOp* op : ops) {
    key.resize(prefix_size);
    key.append(op->key);
    AppendArgument(out, key);
  }
  for (const int64_t number :
       {request.epoch, request.generation, request.from, request.to, member_ttl_s}) {
    AppendArgument(out, number);
  }
  for (size_t i = 0; i < sets; ++i) AppendArgument(out, *ops[i]->value);
}

}  // namespace regulars::redis
