// A local store against the fold: at its @position it must hold exactly what the changelog says up
// to there. A store may be behind the log (its process runs on, or another one owns the shard now),
// never ahead of it.
//
// Compaction: of a key that was written again after the store's position the old value may be gone
// from the log, so such a difference is not held against the store. Stores of another log are
// worthless, not wrong: the next owner discards them. An entry of the expiry index may outlive its
// value. Figures: stores, stores_at_end, stores_behind, stores_foreign, store_keys,
// store_mismatches.
#ifndef REGULARS_TOOLS_REGULARSCTL_AUDIT_STORE_AUDIT_H_
#define REGULARS_TOOLS_REGULARSCTL_AUDIT_STORE_AUDIT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/store/store.h"
#include "tools/regularsctl/audit/changelog_fold.h"
#include "tools/regularsctl/audit/findings.h"

namespace regulars::ctl {

class StoreAudit {
 public:
  // Reads position and identity. `name` is for sentences. Errors are the store's.
  static absl::StatusOr<std::unique_ptr<StoreAudit>> Open(std::string name,
                                                          std::unique_ptr<store::ReadView> view);

  // Before each record of the changelog is folded, and once after the last with `end` = the
  // partition's end: compares when the fold has come to the store's position.
  absl::Status Before(const Fold& fold, int64_t offset);
  // A record with this key follows after the position.
  void Touched(std::string_view key);
  // After the last record.
  void Finish(const Fold& fold, Findings* findings);

  [[nodiscard]] bool compared() const { return compared_; }
  [[nodiscard]] int64_t position() const { return position_; }

 private:
  StoreAudit(std::string name, std::unique_ptr<store::ReadView> view)
      : name_(std::move(name)), view_(std::move(view)) {}
  absl::Status Compare(const Fold& fold);
  absl::Status CompareValues(const Fold& fold);
  absl::Status CompareIndexes(const Fold& fold);
  void Doubt(const std::string& key, std::string_view what);

  const std::string name_;
  const std::unique_ptr<store::ReadView> view_;
  int64_t position_ = 0;
  std::string log_id_;
  int64_t sequence_ = 0;
  bool compared_ = false;
  int64_t keys_ = 0;
  std::string books_wrong_;
  std::map<std::string, std::string, std::less<>> doubts_;  // changelog key -> what is wrong
};

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_AUDIT_STORE_AUDIT_H_
