#include "tools/regularsctl/audit/store_audit.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/shard/keys.h"

namespace regulars::ctl {
namespace {

// Walks the store's range of one kind and `expected` side by side, both in byte order;
// fn(key, expected value or null, found value or null) for every key of either.
template <typename Expected, typename Fn>
absl::Status Merge(const store::ReadView& view, char kind, const Expected& expected, const Fn& fn) {
  const std::string from(1, kind);
  auto it = expected.lower_bound(from);
  const auto end = expected.lower_bound(shard::PrefixEnd(from));
  const absl::Status scanned =
      view.Scan(from, shard::PrefixEnd(from), [&](std::string_view key, std::string_view value) {
        for (; it != end && it->first < key; ++it) fn(it->first, &it->second, nullptr);
        const std::string found(value);
        if (it != end && it->first == key) {
          fn(it->first, &it->second, &found);
          ++it;
        } else {
          fn(std::string(key), nullptr, &found);
        }
        return true;
      });
  for (; it != end; ++it) fn(it->first, &it->second, nullptr);
  return scanned;
}

// d pool 0 instant entity 0 name
bool IsDueKey(std::string_view key) {
  constexpr size_t kInstantBytes = 8;
  const size_t zero = key.find('\0');
  if (key.empty() || key[0] != shard::kDueKind || zero == std::string_view::npos) return false;
  const std::string_view rest = key.substr(zero + 1);
  return rest.size() > kInstantBytes && rest.find('\0', kInstantBytes) != std::string_view::npos;
}

}  // namespace

absl::StatusOr<std::unique_ptr<StoreAudit>> StoreAudit::Open(
    std::string name, std::unique_ptr<store::ReadView> view) {
  std::unique_ptr<StoreAudit> audit(new StoreAudit(std::move(name), std::move(view)));
  REGULARS_ASSIGN_OR_RETURN(const auto position, audit->view_->Get(shard::kPositionKey));
  REGULARS_ASSIGN_OR_RETURN(const auto books, audit->view_->Get(shard::kShardKey));
  if (!position && !books) return audit;  // made, not filled yet
  runtime::v1::ShardRecord record;
  if (!position || !absl::SimpleAtoi(*position, &audit->position_) || !books ||
      !record.ParseFromString(*books)) {
    audit->books_wrong_ = "has no readable @position and @shard";
    return audit;
  }
  audit->log_id_ = record.log_id();
  audit->sequence_ = record.sequence();
  return audit;
}

absl::Status StoreAudit::Before(const Fold& fold, int64_t offset) {
  if (compared_ || offset < position_ || log_id_.empty()) return absl::OkStatus();
  compared_ = true;
  if (!fold.last || fold.last->log_id() != log_id_) return absl::OkStatus();
  // An owner that restored has the ownership record as the last one it saw; live ones write their
  // own, which is the same record with the epoch filled in.
  if (fold.last->sequence() != sequence_ && fold.last_offset + 1 == position_) {
    books_wrong_ =
        Cat("is at sequence ", sequence_, ", the log at its position at ", fold.last->sequence());
  }
  return Compare(fold);
}

absl::Status StoreAudit::Compare(const Fold& fold) {
  REGULARS_RETURN_IF_ERROR(CompareValues(fold));
  return CompareIndexes(fold);
}

void StoreAudit::Doubt(const std::string& key, std::string_view what) {
  doubts_.try_emplace(key, std::string(what));
}

absl::Status StoreAudit::CompareValues(const Fold& fold) {
  const auto compare = [&](const std::string& key, const std::string* expected,
                           const std::string* found) {
    if (found != nullptr) ++keys_;
    if (expected == nullptr) {
      Doubt(key, "is not in the log");
    } else if (found == nullptr) {
      Doubt(key, "is missing");
    } else if (*found != *expected) {
      Doubt(key, "is not what the log says");
    }
  };
  REGULARS_RETURN_IF_ERROR(Merge(*view_, shard::kStateKind, fold.values, compare));
  return Merge(*view_, shard::kTimersKind, fold.values, compare);
}

absl::Status StoreAudit::CompareIndexes(const Fold& fold) {
  // Index key -> the key it was made from.
  std::map<std::string, std::string> indexes;
  for (const auto& [key, stored] : fold.values) {
    std::string_view pool, entity, sub;
    if (!SplitKey(key, &pool, &entity, &sub)) continue;
    if (key[0] == shard::kTimersKind) {
      runtime::v1::EntityTimers timers;
      if (!timers.ParseFromString(stored)) continue;
      for (const auto& timer : timers.timers()) {
        if (timer.at_us() < 0) continue;
        indexes[shard::DueKey(pool, timer.at_us(), entity, timer.name())] = key;
      }
    } else {
      runtime::v1::StateValue value;
      if (!value.ParseFromString(stored) || value.expires_at_us() <= 0) continue;
      indexes[shard::ExpiryKey(pool, value.expires_at_us(), key)] = key;
    }
  }
  const auto compare = [&](const std::string& key, const std::string* made_from,
                           const std::string* found) {
    if (made_from != nullptr && found == nullptr) Doubt(*made_from, "is not in its index");
    if (made_from == nullptr && key[0] == shard::kDueKind && !IsDueKey(key)) {
      Doubt(key, "is no key of the runtime");
    } else if (made_from == nullptr && key[0] == shard::kDueKind) {
      const shard::DueKeyParts parts = shard::ParseDueKey(key);
      Doubt(shard::TimersKey(parts.pool, parts.entity), "has a due entry too much");
    }
  };
  REGULARS_RETURN_IF_ERROR(Merge(*view_, shard::kDueKind, indexes, compare));
  return Merge(*view_, shard::kExpiryKind, indexes, compare);
}

void StoreAudit::Touched(std::string_view key) {
  if (!compared_) return;
  const auto found = doubts_.find(key);
  if (found != doubts_.end()) doubts_.erase(found);
}

void StoreAudit::Finish(const Fold& fold, Findings* findings) {
  for (const char* name : {"stores", "stores_at_end", "stores_behind", "stores_foreign",
                           "store_keys", "store_mismatches"}) {
    findings->Count(name, 0);
  }
  findings->Count("stores");
  findings->Count("store_keys", keys_);
  const auto wrong = [&](const std::string& what) {
    findings->Wrong("store_mismatches", Cat(name_, " ", what));
  };
  if (!books_wrong_.empty()) wrong(books_wrong_);
  if (log_id_.empty()) {
    if (books_wrong_.empty()) findings->Count("stores_behind");
    return;
  }
  if (fold.last && fold.last->log_id() != log_id_) return findings->Count("stores_foreign");
  const int64_t end = fold.last_offset + 1;
  if (position_ > end) return wrong(Cat("is at ", position_, ", the log ends at ", end));
  findings->Count(position_ == end ? "stores_at_end" : "stores_behind");
  for (const auto& [key, what] : doubts_) wrong(Cat(Shown(key), " ", what));
}

}  // namespace regulars::ctl
