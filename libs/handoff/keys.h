// The state keys of the protocol (handoff_state.proto) while one input is applied: reads fall
// through to the entity, writes stay here until Finish. Internal to libs/handoff.
#ifndef REGULARS_LIBS_HANDOFF_KEYS_H_
#define REGULARS_LIBS_HANDOFF_KEYS_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "google/protobuf/message_lite.h"
#include "libs/base/assert.h"
#include "libs/shard/kernel.h"

namespace regulars::handoff {

inline constexpr std::string_view kRootSub = "handoff";
inline constexpr std::string_view kAtPrefix = "handoff/at/";
inline constexpr std::string_view kMovePrefix = "handoff/move/";
inline constexpr std::string_view kNamePrefix = "handoff/name/";
inline constexpr std::string_view kSplitPrefix = "handoff/split/";

class Keys {
 public:
  explicit Keys(const shard::EntityState& state) : state_(state) {}

  template <typename M>
  [[nodiscard]] std::optional<M> Load(std::string_view prefix, std::string_view id) const {
    const std::optional<std::string> bytes = Get(prefix, id);
    if (!bytes.has_value()) return std::nullopt;
    M message;
    REGULARS_ASSERT(message.ParseFromString(*bytes), "a value of the handoff does not parse");
    return message;
  }
  [[nodiscard]] bool Has(std::string_view prefix, std::string_view id) const {
    return Get(prefix, id).has_value();
  }
  void Store(std::string_view prefix, std::string_view id,
             const google::protobuf::MessageLite& message);
  void Remove(std::string_view prefix, std::string_view id);

  // Calls fn(id, bytes) for every key of the prefix, changes of this input included.
  void ForEach(std::string_view prefix,
               const std::function<void(const std::string&, const std::string&)>& fn) const;

  void Finish(shard::Effects* effects);

 private:
  [[nodiscard]] std::optional<std::string> Get(std::string_view prefix, std::string_view id) const;

  const shard::EntityState& state_;
  std::map<std::string, std::string, std::less<>> changes_;  // empty value = removed
};

}  // namespace regulars::handoff

#endif  // REGULARS_LIBS_HANDOFF_KEYS_H_
