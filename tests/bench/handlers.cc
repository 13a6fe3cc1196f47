// Identity in process: no Kafka, no store, no network. Every input is decoded and applied by the
// real program; what it sends to itself is applied next. Counted is the processor time of the
// thread, so neighbours do not count, and the map that stands for the store does.
//
// Two phases: `join`, in which people are first seen under a card and under an openid and then
// under both, so that every third touch is a merge with all its messages; `warm`, in which touches
// name what is known.
#include <ctime>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/kernel/map_state.h"
#include "tests/bench/person_touches.h"
#include "tests/bench/verbs.h"

namespace regulars::bench {
namespace {

constexpr int64_t kNowUs = int64_t{20'000} * 86'400 * 1'000'000;
constexpr char kPool[] = "bench";

identity::IdentityOptions Linking() {
  identity::IdentityOptions options;
  options.links.enabled = true;
  return options;
}

int64_t ThreadCpuNanos() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class Town {
 public:
  // Applies the touches, each with everything that it leads to.
  void Observe(const std::vector<PersonTouch>& touches) {
    std::vector<shard::Input> inputs;
    for (const PersonTouch& touch : touches) {
      inputs.push_back(InputOf(touch.pivot, events::kTouchReceived,
                               touch.received.touch().touch_id(),
                               touch.received.SerializeAsString()));
    }
    const int64_t begin_ns = ThreadCpuNanos();
    for (shard::Input& input : inputs) Follow(std::move(input));
    busy_ns_ += ThreadCpuNanos() - begin_ns;
  }

  int64_t inputs() const { return inputs_; }
  int64_t merges() const { return merges_; }
  double PerSecond() const {
    return static_cast<double>(inputs_) * 1e9 / static_cast<double>(busy_ns_);
  }
  void Reset() { inputs_ = busy_ns_ = 0; }

 private:
  void Follow(shard::Input touch) {
    Apply(std::move(touch));
    while (!queue_.empty()) {
      shard::Input next = std::move(queue_.front());
      queue_.pop_front();
      Apply(std::move(next));
    }
  }

  shard::Input InputOf(std::string entity, std::string_view type, std::string id,
                       std::string payload) {
    shard::Input input;
    input.pool = kPool;
    input.entity = std::move(entity);
    input.type = std::string(type);
    input.id = std::move(id);
    input.payload = std::move(payload);
    input.time_us = input.now_us = kNowUs;
    input.partition = 0;
    input.offset = ++offset_;
    return input;
  }

  void Apply(shard::Input input) {
    identity::MapState& state = states_[input.entity];
    bool skip = false;
    const absl::Status decoded = program_.Decode(&input, &skip);
    if (!decoded.ok() || skip) Fail("an input is not decoded");
    shard::Effects effects = program_.Apply(state, input);
    ++inputs_;
    if (effects.dead_letter.has_value()) Fail(Cat("set aside: ", effects.dead_letter->reason));
    state.Apply(effects);
    for (shard::Publish& publish : effects.publishes) {
      if (publish.type == events::kMergeCommitted) ++merges_;
      if (publish.kind != events::kLinksKind) continue;
      queue_.push_back(InputOf(std::move(publish.entity), publish.type, std::move(publish.id),
                               std::move(publish.payload)));
    }
  }

  const identity::IdentityProgram program_{Linking()};
  std::unordered_map<std::string, identity::MapState> states_;
  std::deque<shard::Input> queue_;
  int64_t offset_ = 0;
  int64_t inputs_ = 0;
  int64_t merges_ = 0;
  int64_t busy_ns_ = 0;
};

}  // namespace

void Handlers(const Flags& flags) {
  const int64_t people = flags.Number("people");
  const int64_t rounds = flags.NumberOr("rounds", 10);
  Town town;
  int64_t touches = 0;
  const auto visit = [&touches](std::vector<types::v1::Identifier> identifiers) {
    ++touches;
    return Visit(touches, kNowUs - 3'600'000'000, std::move(identifiers));
  };
  for (int64_t person = 0; person < people; ++person) {
    const auto card = IdentifierOf("card", person), openid = IdentifierOf("openid", person);
    town.Observe({visit({card}), visit({openid}), visit({card, openid})});
  }
  // Each is said at both members.
  if (town.merges() != 2 * people) Fail(Cat(town.merges(), " events of merges"));
  Answer answer;
  answer.Add("join_inputs", town.inputs());
  answer.AddReal("join_inputs_per_s", town.PerSecond());
  town.Reset();
  const int64_t before = touches;
  for (int64_t round = 0; round < rounds; ++round) {
    std::vector<PersonTouch> batch;
    for (int64_t person = 0; person < people; ++person) {
      batch.push_back(visit({IdentifierOf("card", person), IdentifierOf("openid", person)}));
    }
    town.Observe(batch);
  }
  if (town.inputs() != touches - before) Fail("a warm touch is more than one input");
  answer.Add("warm_inputs", town.inputs());
  answer.AddReal("warm_inputs_per_s", town.PerSecond());
  answer.Print();
}

}  // namespace regulars::bench
