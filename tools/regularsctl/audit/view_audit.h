// The view in Redis against the fold: every key that is there equals the fold, none is there that
// the fold does not have, and meta is whole and up to date. A key that is absent is allowed, since
// keys have a time to live and may be evicted; it is counted. Figures: view_keys, view_absent,
// view_mismatches, views_not_whole, views_behind.
#ifndef REGULARS_TOOLS_REGULARSCTL_AUDIT_VIEW_AUDIT_H_
#define REGULARS_TOOLS_REGULARSCTL_AUDIT_VIEW_AUDIT_H_

#include <optional>
#include <string>
#include <vector>

#include "libs/redis/view.h"
#include "libs/shard/kernel.h"
#include "tools/regularsctl/audit/changelog_fold.h"
#include "tools/regularsctl/audit/findings.h"

namespace regulars::ctl {

// "" when the view is whole and shows the last transaction of the chain, else what is missing.
[[nodiscard]] std::string ViewLag(const runtime::v1::ShardRecord& last,
                                  const std::optional<redis::ViewMeta>& meta);

// `dump`: every key of the current generation with its value.
void CheckView(const Fold& fold, const shard::Program& program,
               const std::optional<redis::ViewMeta>& meta, const std::vector<redis::ViewOp>& dump,
               Findings* findings);

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_AUDIT_VIEW_AUDIT_H_
