#include "tools/regularsctl/audit/view_audit.h"

#include "absl/container/flat_hash_map.h"
#include "libs/base/text.h"
#include "libs/shard/keys.h"

namespace regulars::ctl {

std::string ViewLag(const runtime::v1::ShardRecord& last,
                    const std::optional<redis::ViewMeta>& meta) {
  if (!meta) return "has no meta";
  if (meta->log_id != last.log_id()) return "is of another log";
  if (!meta->whole) return "is not whole";
  if (meta->applied != last.sequence()) {
    return Cat("shows sequence ", meta->applied, " of ", last.sequence());
  }
  return "";
}

void CheckView(const Fold& fold, const shard::Program& program,
               const std::optional<redis::ViewMeta>& meta, const std::vector<redis::ViewOp>& dump,
               Findings* findings) {
  for (const char* name :
       {"view_keys", "view_absent", "view_mismatches", "views_not_whole", "views_behind"}) {
    findings->Count(name, 0);
  }
  if (!fold.last) return;
  if (const std::string lag = ViewLag(*fold.last, meta); !lag.empty()) {
    const bool behind = meta && meta->whole && meta->log_id == fold.last->log_id();
    findings->Wrong(behind ? "views_behind" : "views_not_whole",
                    Cat(fold.Name(), ": the view ", lag));
  } else if (meta->epoch != fold.epoch) {
    findings->Wrong("views_behind", Cat(fold.Name(), ": the view was written under epoch ",
                                        meta->epoch, ", the owner's is ", fold.epoch));
  }
  absl::flat_hash_map<std::string, std::string, TextHash, TextEq> shown;
  for (const redis::ViewOp& op : dump) shown[op.key] = op.value.value_or("");
  findings->Count("view_keys", static_cast<int64_t>(shown.size()));
  const auto wrong = [&](const std::string& key, std::string_view what) {
    findings->Wrong("view_mismatches", Cat(fold.Name(), ": ", Shown(key), " ", what));
  };
  for (const auto& [key, stored] : fold.values) {
    std::string_view pool, entity, sub;
    if (key[0] != shard::kStateKind || !SplitKey(key, &pool, &entity, &sub)) continue;
    if (!program.InView(sub)) continue;
    const std::string name = Cat(pool, "|", entity, "|", sub);
    const auto found = shown.find(name);
    if (found == shown.end()) {
      findings->Count("view_absent");
      continue;
    }
    runtime::v1::StateValue value;
    if (value.ParseFromString(stored) && value.value() != found->second) {
      wrong(name, "is not what the log says");
    }
    shown.erase(found);
  }
  for (const auto& [key, value] : shown) wrong(key, "is not in the log");
}

}  // namespace regulars::ctl
