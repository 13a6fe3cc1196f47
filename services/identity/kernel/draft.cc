#include "services/identity/kernel/draft.h"

namespace regulars::identity {

std::optional<std::string> Draft::Get(std::string_view sub) const {
  const auto it = changes_.find(sub);
  return it == changes_.end() ? base_.Get(sub) : it->second.value;
}

std::optional<std::pair<std::string, std::string>> Draft::Next(std::string_view prefix,
                                                               std::string_view from) const {
  std::optional<std::pair<std::string, std::string>> below = base_.Next(prefix, from);
  while (below.has_value() && changes_.contains(below->first)) {
    // 0x01 sorts behind the key itself and before every longer key that the project writes.
    below = base_.Next(prefix, below->first + '\x01');
  }
  for (auto it = changes_.lower_bound(from); it != changes_.end(); ++it) {
    if (it->first.compare(0, prefix.size(), prefix) != 0) break;
    if (below.has_value() && below->first < it->first) break;
    if (it->second.value.has_value()) return std::make_pair(it->first, *it->second.value);
  }
  return below;
}

void Draft::Put(std::string_view sub, std::string value, int64_t expires_at_us) {
  REGULARS_ASSERT(value.size() <= shard::kStateBytesMax, "a value of identity is too large");
  changes_[std::string(sub)] = {std::move(value), expires_at_us};
}

void Draft::Delete(std::string_view sub) { changes_[std::string(sub)] = {std::nullopt, 0}; }

void Draft::DeleteAll(std::string_view prefix) {
  std::string from(prefix);
  while (auto found = Next(prefix, from)) {
    Delete(found->first);
    from = found->first + '\x01';
  }
}

void Draft::Flush(shard::Effects* effects) {
  for (auto& [sub, change] : changes_) {
    if (change.value.has_value()) {
      effects->puts.push_back({sub, *std::move(change.value), change.expires_at_us});
    } else if (base_.Get(sub).has_value()) {
      effects->deletes.push_back(sub);
    }
  }
  changes_.clear();
}

}  // namespace regulars::identity
