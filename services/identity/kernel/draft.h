// An entity's state while one input is applied: reads see the changes made so far, and at the end
// they become effects. Thread-safety: none; lives for one input. Limits: a value of at most
// shard::kStateBytesMax (asserted).
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_DRAFT_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_DRAFT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/assert.h"
#include "libs/shard/kernel.h"

namespace regulars::identity {

class Draft final : public shard::EntityState {
 public:
  explicit Draft(const shard::EntityState& base) : base_(base) {}

  std::optional<std::string> Get(std::string_view sub) const override;
  std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                          std::string_view from) const override;
  std::optional<int64_t> Timer(std::string_view name) const override { return base_.Timer(name); }

  void Put(std::string_view sub, std::string value, int64_t expires_at_us = 0);
  void Delete(std::string_view sub);

  template <typename Message>
  std::optional<Message> Read(std::string_view sub) const {
    const std::optional<std::string> bytes = Get(sub);
    if (!bytes.has_value()) return std::nullopt;
    Message message;
    REGULARS_ASSERT(message.ParseFromString(*bytes), "identity state does not parse");
    return message;
  }
  template <typename Message>
  void Write(std::string_view sub, const Message& message) {
    Put(sub, message.SerializeAsString());
  }
  // Every value under the prefix, in byte order of the keys.
  template <typename Message>
  std::vector<Message> All(std::string_view prefix) const {
    std::vector<Message> all;
    std::string from(prefix);
    while (auto found = Next(prefix, from)) {
      REGULARS_ASSERT(all.emplace_back().ParseFromString(found->second),
                      "identity state does not parse");
      from = found->first + '\x01';
    }
    return all;
  }
  bool Has(std::string_view sub) const { return Get(sub).has_value(); }
  void DeleteAll(std::string_view prefix);

  // Moves the changes out, in byte order of the keys.
  void Flush(shard::Effects* effects);

 private:
  struct Change {
    std::optional<std::string> value;  // nullopt: deleted
    int64_t expires_at_us = 0;
  };
  const shard::EntityState& base_;
  std::map<std::string, Change, std::less<>> changes_;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_DRAFT_H_
