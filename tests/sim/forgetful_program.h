// For the self-test of the simulation: a program that does not find what it remembers of touches
// and orders, so that every repeat looks new. Thread-safety: as shard::Program.
#ifndef REGULARS_TESTS_SIM_FORGETFUL_PROGRAM_H_
#define REGULARS_TESTS_SIM_FORGETFUL_PROGRAM_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/shard/kernel.h"

namespace regulars::sim {

class ForgetfulProgram : public shard::Program {
 public:
  explicit ForgetfulProgram(std::unique_ptr<shard::Program> program)
      : program_(std::move(program)) {}

  std::string service() const override { return program_->service(); }
  std::vector<shard::InputTopic> inputs() const override { return program_->inputs(); }
  std::vector<std::string> clock_outputs() const override { return program_->clock_outputs(); }
  absl::Status Decode(shard::Input* input, bool* skip) const override {
    return program_->Decode(input, skip);
  }
  shard::Effects Apply(const shard::EntityState& state, const shard::Input& input) const override {
    if (input.kind != shard::InputKind::kRecord) return program_->Apply(state, input);
    return program_->Apply(Forgetful(state), input);
  }
  shard::Reply Query(const shard::EntityState& state, const shard::Input& input) const override {
    return program_->Query(state, input);
  }
  // The auditor must notice, not an assertion of the program before it.
  std::string CheckInvariants(const shard::EntityState&) const override { return ""; }
  bool InView(std::string_view sub) const override { return program_->InView(sub); }

 private:
  class Forgetful : public shard::EntityState {
   public:
    explicit Forgetful(const shard::EntityState& state) : state_(state) {}
    std::optional<std::string> Get(std::string_view sub) const override {
      if (sub.starts_with("seen/") || sub.starts_with("order/")) return std::nullopt;
      return state_.Get(sub);
    }
    std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                            std::string_view from) const override {
      return state_.Next(prefix, from);
    }
    std::optional<int64_t> Timer(std::string_view name) const override {
      return state_.Timer(name);
    }

   private:
    const shard::EntityState& state_;
  };

  const std::unique_ptr<shard::Program> program_;
};

}  // namespace regulars::sim

#endif  // REGULARS_TESTS_SIM_FORGETFUL_PROGRAM_H_
