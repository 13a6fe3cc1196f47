#include "tests/sim_identity/broken_program.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "libs/base/assert.h"
#include "libs/events/types.h"
#include "regulars/identity/v1/identity_links.pb.h"
#include "regulars/identity/v1/identity_state.pb.h"

namespace regulars::sim_identity {
namespace {

namespace v1 = identity::v1;

constexpr std::array<std::string_view, 8> kGuards = {
    "park",          "monotone",    "own_defer",   "ids_in_propose",
    "propose_defer", "do_not_link", "split_epoch", "object_dedupe"};

// The state with something hidden.
class Hiding final : public shard::EntityState {
 public:
  Hiding(const shard::EntityState& state, std::string_view guard) : state_(state), guard_(guard) {}
  std::optional<std::string> Get(std::string_view sub) const override {
    if (guard_ == "do_not_link" && sub.starts_with("dnl/")) return std::nullopt;
    if (guard_ == "object_dedupe" && (sub.starts_with("order/") || sub.starts_with("seen/"))) {
      return std::nullopt;
    }
    std::optional<std::string> value = state_.Get(sub);
    if (sub != "member" || !value.has_value() || !guard_.ends_with("_defer")) return value;
    v1::MemberState root;
    REGULARS_ASSERT(root.ParseFromString(*value), "member state does not parse");
    root.clear_proposing_to();
    return root.SerializeAsString();
  }
  std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                          std::string_view from) const override {
    if (guard_ == "do_not_link" && prefix.starts_with("dnl/")) return std::nullopt;
    return state_.Next(prefix, from);
  }
  std::optional<int64_t> Timer(std::string_view name) const override { return state_.Timer(name); }

 private:
  const shard::EntityState& state_;
  const std::string_view guard_;
};

class BrokenProgram final : public shard::Program {
 public:
  BrokenProgram(std::string_view guard, std::unique_ptr<shard::Program> program)
      : guard_(guard), program_(std::move(program)) {}

  std::string service() const override { return program_->service(); }
  std::vector<shard::InputTopic> inputs() const override { return program_->inputs(); }
  absl::Status Decode(shard::Input* input, bool* skip) const override {
    return program_->Decode(input, skip);
  }
  shard::Effects Apply(const shard::EntityState& state, const shard::Input& input) const override {
    v1::LinkMessage message;
    const bool is_link = input.type == events::kLinkMessage;
    if (is_link) REGULARS_ASSERT(message.ParseFromString(input.payload), "not a LinkMessage");
    if (guard_ == "park" && is_link && input.entity.starts_with("m_") && !message.has_revive() &&
        !state.Get("member").has_value()) {
      return {};
    }
    const bool own = guard_ == "own_defer" && message.has_own();
    const bool propose = guard_ == "propose_defer" && message.has_propose();
    if (own || propose) return Restored(state, program_->Apply(Hiding(state, guard_), input));
    if (guard_ == "do_not_link" || guard_ == "object_dedupe") {
      return program_->Apply(Hiding(state, guard_), input);
    }
    if (guard_ == "ids_in_propose" && message.has_propose()) {
      message.mutable_propose()->clear_fragments();
      return Other(state, input, message);
    }
    if (message.has_reanchor() && (guard_ == "monotone" || guard_ == "split_epoch")) {
      v1::IdentifierState anchor;
      anchor.ParseFromString(state.Get("anchor").value_or(""));
      message.mutable_reanchor()->set_link_epoch(guard_ == "monotone" ? anchor.link_epoch() + 1
                                                                      : anchor.link_epoch());
      return Other(state, input, message);
    }
    return program_->Apply(state, input);
  }
  shard::Reply Query(const shard::EntityState& state, const shard::Input& input) const override {
    return program_->Query(state, input);
  }
  std::string CheckInvariants(const shard::EntityState& state) const override {
    return program_->CheckInvariants(state);
  }
  bool InView(std::string_view sub) const override { return program_->InView(sub); }

 private:
  // The same input with another content.
  shard::Effects Other(const shard::EntityState& state, shard::Input input,
                       const v1::LinkMessage& message) const {
    input.payload = message.SerializeAsString();
    bool skip = false;
    REGULARS_ASSERT(program_->Decode(&input, &skip).ok(), "a message does not parse");
    return program_->Apply(state, input);
  }
  // What was hidden is still there.
  static shard::Effects Restored(const shard::EntityState& state, shard::Effects effects) {
    v1::MemberState was;
    was.ParseFromString(state.Get("member").value_or(""));
    for (shard::Put& put : effects.puts) {
      if (put.sub != "member") continue;
      v1::MemberState now;
      now.ParseFromString(put.value);
      now.set_proposing_to(was.proposing_to());
      put.value = now.SerializeAsString();
    }
    return effects;
  }

  const std::string guard_;
  const std::unique_ptr<shard::Program> program_;
};

}  // namespace

std::unique_ptr<shard::Program> TakeOut(std::string_view guard,
                                        std::unique_ptr<shard::Program> program) {
  if (guard.empty()) return program;
  for (const std::string_view known : kGuards) {
    if (known == guard) return std::make_unique<BrokenProgram>(guard, std::move(program));
  }
  return nullptr;
}

}  // namespace regulars::sim_identity
