#include "libs/handoff/keys.h"

#include <utility>

#include "libs/base/text.h"

namespace regulars::handoff {
namespace {

// A message may have no bytes, and a removed key has none: every value begins with this one.
constexpr char kPresent = '\x01';

}  // namespace

std::optional<std::string> Keys::Get(std::string_view prefix, std::string_view id) const {
  const std::string sub = Cat(prefix, id);
  std::optional<std::string> bytes;
  if (const auto change = changes_.find(sub); change != changes_.end()) {
    if (!change->second.empty()) bytes = change->second;
  } else {
    bytes = state_.Get(sub);
  }
  if (bytes.has_value()) bytes->erase(0, 1);
  return bytes;
}

void Keys::Store(std::string_view prefix, std::string_view id,
                 const google::protobuf::MessageLite& message) {
  changes_.insert_or_assign(Cat(prefix, id),
                            std::string(1, kPresent) + message.SerializeAsString());
}

void Keys::Remove(std::string_view prefix, std::string_view id) {
  changes_.insert_or_assign(Cat(prefix, id), "");
}

void Keys::ForEach(std::string_view prefix,
                   const std::function<void(const std::string&, const std::string&)>& fn) const {
  std::map<std::string, std::string> found;
  std::string from(prefix);
  while (auto next = state_.Next(prefix, from)) {
    from = next->first + '\x01';
    found.emplace(std::move(next->first), std::move(next->second));
  }
  for (auto change = changes_.lower_bound(prefix);
       change != changes_.end() && change->first.starts_with(prefix); ++change) {
    found.insert_or_assign(change->first, change->second);
  }
  for (const auto& [sub, bytes] : found) {
    if (!bytes.empty()) fn(sub.substr(prefix.size()), bytes.substr(1));
  }
}

void Keys::Finish(shard::Effects* effects) {
  for (auto& [sub, bytes] : changes_) {
    const std::optional<std::string> before = state_.Get(sub);
    if (bytes.empty()) {
      if (before.has_value()) effects->deletes.push_back(sub);
    } else if (before != bytes) {
      effects->puts.push_back({.sub = sub, .value = std::move(bytes)});
    }
  }
  changes_.clear();
}

}  // namespace regulars::handoff
