// The state of one entity in a map, for tests: applies effects the way the runtime does.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_MAP_STATE_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_MAP_STATE_H_

#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "libs/shard/kernel.h"

namespace regulars::identity {

class MapState final : public shard::EntityState {
 public:
  std::optional<std::string> Get(std::string_view sub) const override {
    const auto it = values_.find(std::string(sub));
    if (it == values_.end()) return std::nullopt;
    return it->second.first;
  }
  std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                          std::string_view from) const override {
    const auto it = values_.lower_bound(std::string(from));
    if (it == values_.end() || it->first.rfind(prefix, 0) != 0) return std::nullopt;
    return std::make_pair(it->first, it->second.first);
  }
  std::optional<int64_t> Timer(std::string_view) const override { return std::nullopt; }

  void Apply(const shard::Effects& effects) {
    for (const shard::Put& put : effects.puts) values_[put.sub] = {put.value, put.expires_at_us};
    for (const std::string& sub : effects.deletes) values_.erase(sub);
  }
  void Set(std::string_view sub, std::string value) {
    values_[std::string(sub)] = {std::move(value), 0};
  }
  // What the runtime removes when the pool's clock passes `now_us`.
  void Expire(int64_t now_us) {
    for (auto it = values_.begin(); it != values_.end();) {
      const int64_t at = it->second.second;
      it = at > 0 && at <= now_us ? values_.erase(it) : std::next(it);
    }
  }
  size_t size() const { return values_.size(); }
  // Every key and value in one text: equal states are equal texts.
  std::string Dump() const {
    std::string text;
    for (const auto& [sub, value] : values_) {
      text += sub + "=" + value.first + "@" + std::to_string(value.second) + "\n";
    }
    return text;
  }

 private:
  std::map<std::string, std::pair<std::string, int64_t>> values_;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_MAP_STATE_H_
