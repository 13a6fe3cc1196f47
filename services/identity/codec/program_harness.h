// One identity shard in a test: every entity in a map, links delivered to their member at once.
#ifndef REGULARS_SERVICES_IDENTITY_CODEC_PROGRAM_HARNESS_H_
#define REGULARS_SERVICES_IDENTITY_CODEC_PROGRAM_HARNESS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/base32.h"
#include "libs/events/types.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/ingest/v1/ingest_events.pb.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/kernel/map_state.h"

namespace regulars::identity {

// "card:ann" -> an identifier whose HMAC is made of that text.
inline types::v1::Identifier Person(const std::string& name) {
  types::v1::Identifier id;
  id.set_type("card");
  id.set_hmac((name + std::string(32, '.')).substr(0, 32));
  id.set_class_(types::v1::IDENTIFIER_CLASS_UNIQUE);
  return id;
}

inline ingest::v1::Touch TouchOf(const std::string& person, const std::string& source,
                                 const std::string& native_id, Micros occurred_us) {
  ingest::v1::Touch touch;
  touch.set_touch_id(model::TouchId(source, native_id));
  touch.set_source(source);
  touch.set_native_id(native_id);
  touch.set_occurred_us(occurred_us);
  touch.set_channel("web");
  *touch.add_identifiers() = Person(person);
  touch.mutable_contact()->set_ciphertext("sealed");
  return touch;
}

class Harness {
 public:
  struct Step {
    std::string outcome;
    std::string dead_letter;                   // reason, "" = none
    std::vector<v1::MemberResolved> resolved;  // what was published
    std::vector<std::string> types;
  };

  Step Feed(const ingest::v1::Touch& touch, Micros now_us) {
    ingest::v1::TouchReceived received;
    *received.mutable_touch() = touch;
    shard::Input input = Record(events::kTouchReceived, received.SerializeAsString(), now_us);
    input.entity = touch.identifiers_size() == 0
                       ? "i_none"
                       : model::IdentifierKey(touch.identifiers(0).hmac());
    input.offset = offset_++;
    return Run(std::move(input));
  }

  Step Run(shard::Input input) {
    bool skip = false;
    EXPECT_TRUE(program_.Decode(&input, &skip).ok());
    EXPECT_FALSE(skip);
    MapState& state = states_[input.entity];
    state.Expire(input.now_us);
    const shard::Effects effects = program_.Apply(state, input);
    state.Apply(effects);
    EXPECT_EQ(program_.CheckInvariants(state), "");
    for (const shard::AddSum& sum : effects.sums) sums_[sum.name] += sum.delta;
    Step step{effects.outcome,
              effects.dead_letter.has_value() ? effects.dead_letter->reason : "",
              {},
              {}};
    for (const shard::Publish& event : effects.publishes) {
      step.types.push_back(event.type.substr(event.type.rfind('.') + 1));
      if (event.type == events::kMemberResolved) {
        step.resolved.emplace_back().ParseFromString(event.payload);
        resolved_ids_[event.id]++;
      }
      if (event.kind != events::kLinksKind) continue;
      shard::Input link = Record(event.type, event.payload, input.now_us);
      link.entity = event.entity;
      Run(std::move(link));
    }
    return step;
  }

  shard::Reply Ask(std::string_view query, const std::string& entity) {
    shard::Input input;
    input.kind = shard::InputKind::kQuery;
    input.pool = "tea";
    input.type = query;
    input.entity = entity;
    bool skip = false;
    EXPECT_TRUE(program_.Decode(&input, &skip).ok());
    return program_.Query(states_[entity], input);
  }

  int64_t sum(const std::string& name) const {
    const auto it = sums_.find(name);
    return it == sums_.end() ? 0 : it->second;
  }
  int64_t consumed() const { return offset_; }
  const std::map<std::string, int>& resolved_ids() const { return resolved_ids_; }
  std::map<std::string, MapState>& states() { return states_; }

 private:
  shard::Input Record(std::string_view type, std::string payload, Micros now_us) {
    shard::Input input;
    input.pool = "tea";
    input.type = type;
    input.payload = std::move(payload);
    input.now_us = now_us;
    input.partition = 0;
    return input;
  }

  IdentityProgram program_;
  std::map<std::string, MapState> states_;
  std::map<std::string, int64_t> sums_;
  std::map<std::string, int> resolved_ids_;
  int64_t offset_ = 0;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_CODEC_PROGRAM_HARNESS_H_
