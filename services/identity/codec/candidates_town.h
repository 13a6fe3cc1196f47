// For tests: a pool that links and looks for candidates, through the whole program. Every entity
// has its state in a map, messages wait in one queue per receiver and are delivered in any order
// that keeps each queue's own.
#ifndef REGULARS_SERVICES_IDENTITY_CODEC_CANDIDATES_TOWN_H_
#define REGULARS_SERVICES_IDENTITY_CODEC_CANDIDATES_TOWN_H_

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "regulars/identity/v1/candidate_service.pb.h"
#include "regulars/identity/v1/candidate_state.pb.h"
#include "regulars/identity/v1/identity_service.pb.h"
#include "regulars/identity/v1/privacy_service.pb.h"
#include "regulars/ingest/v1/ingest_events.pb.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/kernel/map_state.h"
#include "services/identity/match/match_samples.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/privacy_codec.h"
#include "services/identity/vault/vault_harness.h"

namespace regulars::identity {

// What a person says about itself at a till.
struct Says {
  std::string name{};
  std::string phone{};
  std::string street{};
  std::string city{};
};

class CandidatesTown {
 public:
  static IdentityOptions Options(const vault::TestKeys& keys) {
    IdentityOptions options;
    options.vault_keys[vault::kPool] = keys.all();
    options.pool_links[vault::kPool].enabled = true;
    options.matchers[vault::kPool] =
        std::make_shared<const match::Matcher>(match::SampleParameters());
    return options;
  }
  explicit CandidatesTown(std::function<void(IdentityOptions*)> change = nullptr) {
    IdentityOptions options = Options(keys);
    if (change != nullptr) change(&options);
    program = std::make_unique<IdentityProgram>(std::move(options));
  }

  static std::string Card(const std::string& person) {
    return (model::HashedId({person}) + std::string(32, '.')).substr(0, 32);
  }

  // A visit with the card of that person.
  void Touch(const std::string& person, const Says& says) {
    ingest::v1::TouchReceived received;
    ingest::v1::Touch& touch = *received.mutable_touch();
    const std::string native_id = Cat("n", ++touches_);
    touch.set_touch_id(model::TouchId("till", native_id));
    touch.set_source("till");
    touch.set_native_id(native_id);
    touch.set_occurred_us(vault::kDay + touches_);
    touch.set_channel("store");
    touch.mutable_body()->mutable_visit();
    types::v1::Identifier* card = touch.add_identifiers();
    card->set_type("card");
    card->set_hmac(Card(person));
    card->set_class_(types::v1::IDENTIFIER_CLASS_STRONG);
    card->set_verified(true);
    ingest::v1::ContactDetails details;
    details.set_full_name(says.name);
    details.set_phone(says.phone);
    if (!says.street.empty()) details.add_address_lines(says.street);
    details.set_city(says.city);
    if (const std::string bytes = details.SerializeAsString(); !bytes.empty()) {
      *touch.mutable_contact() = vault::SealedOf(
          *keys.transport_keys->Seal(bytes, Cat(vault::kPool, "/contact"), vault::kDay));
    }
    Run(shard::InputKind::kRecord, events::kTouchReceived, model::IdentifierKey(Card(person)),
        received.SerializeAsString());
    MemberOf(person);
    if (!hold) Deliver();
  }

  using Pick = std::function<size_t(size_t)>;
  // `pick` chooses among the receivers that have messages; nullptr: the first.
  void Deliver(const Pick& pick = nullptr) { DeliverSome(SIZE_MAX, pick); }
  void DeliverSome(size_t count, const Pick& pick = nullptr) {
    for (; count > 0 && !queues.empty(); --count) {
      auto it = queues.begin();
      if (pick != nullptr) std::advance(it, static_cast<long>(pick(queues.size())));
      const std::string entity = it->first;
      const shard::Publish message = it->second.front();
      it->second.pop_front();
      if (it->second.empty()) queues.erase(it);
      Run(shard::InputKind::kRecord, message.type, entity, message.payload);
    }
  }

  // The reason, or "OK".
  template <typename Request>
  std::string Command(std::string_view type, const std::string& member, const Request& request) {
    v1::CandidateCommand command;  // the same fields as PrivacyCommand
    command.set_actor("k7");
    command.set_request(request.SerializeAsString());
    reply = *Run(shard::InputKind::kCommand, type, member, command.SerializeAsString()).reply;
    if (!hold) Deliver();
    return reply.code == absl::StatusCode::kOk ? "OK" : reply.reason;
  }
  std::string Confirm(const std::string& person, const std::string& other, bool dry = false) {
    v1::ConfirmCandidateRequest request;
    request.set_name(NameOf(person, other));
    request.set_validate_only(dry);
    return Command(candidates::kConfirmCandidate, MemberOf(person), request);
  }
  std::string Reject(const std::string& person, const std::string& other, bool dry = false) {
    v1::RejectCandidateRequest request;
    request.set_name(NameOf(person, other));
    request.set_validate_only(dry);
    return Command(candidates::kRejectCandidate, MemberOf(person), request);
  }
  // What came under the card of that person leaves the member that it leads to.
  std::string Split(const std::string& person) {
    v1::SplitMemberCommand command;
    command.add_identifier_hmacs(Card(person));
    command.set_operation_id(Cat("split-", person, ++operations_));
    reply =
        *Run(shard::InputKind::kCommand, kSplitMember, LeadsTo(person), command.SerializeAsString())
             .reply;
    if (!hold) Deliver();
    return reply.code == absl::StatusCode::kOk ? "OK" : reply.reason;
  }
  // The two become one person; of an older and a younger member the older one survives.
  std::string Merge(const std::string& person, const std::string& other) {
    v1::MergeMembersCommand command;
    const shard::Reply told = Ask(kSummarizeMember, MemberOf(other), "");
    EXPECT_TRUE(command.mutable_other()->ParseFromString(told.payload));
    command.set_other_member(MemberOf(other));
    command.set_operation_id(Cat("merge-", ++operations_));
    command.set_override_do_not_link(true);
    reply = *Run(shard::InputKind::kCommand, kMergeMembers, MemberOf(person),
                 command.SerializeAsString())
                 .reply;
    if (!hold) Deliver();
    return reply.code == absl::StatusCode::kOk ? "OK" : reply.reason;
  }
  std::string Erase(const std::string& person) {
    return Command(vault::kEraseMember, MemberOf(person), v1::EraseMemberRequest());
  }
  // The timer of an erasure that has more to tell.
  void GoOnErasing(const std::string& person) {
    Run(shard::InputKind::kTimer, vault::kEraseTimer, MemberOf(person), "");
    if (!hold) Deliver();
  }

  shard::Reply Ask(std::string_view type, const std::string& entity, const std::string& payload) {
    shard::Input input = InputOf(shard::InputKind::kQuery, type, entity, payload);
    bool skip = false;
    const absl::Status decoded = program->Decode(&input, &skip);
    if (!decoded.ok()) return {decoded.code(), ReasonOf(decoded), "", ""};
    return program->Query(states[entity], input);
  }
  // "ann:strong bob:review", those that were decided with "+" or "-"; or the reason.
  std::string Candidates(const std::string& person) {
    v1::ListCandidatesRequest request;
    request.set_show_decided(true);
    const shard::Reply told =
        Ask(candidates::kListCandidates, MemberOf(person), request.SerializeAsString());
    if (told.code != absl::StatusCode::kOk) return told.reason;
    v1::ListCandidatesResponse response;
    EXPECT_TRUE(response.ParseFromString(told.payload));
    std::map<std::string, std::string> lines;
    for (const v1::Candidate& one : response.candidates()) {
      const std::string other = people_[one.other().substr(one.other().rfind('/') + 1)];
      lines[other] =
          Cat(other, one.verdict().band() == v1::CANDIDATE_BAND_STRONG ? ":strong" : ":review",
              one.decision() == v1::CANDIDATE_DECISION_CONFIRMED  ? "+"
              : one.decision() == v1::CANDIDATE_DECISION_REJECTED ? "-"
                                                                  : "");
    }
    std::string text;
    for (const auto& [other, line] : lines) Append(&text, text.empty() ? "" : " ", line);
    return text;
  }
  // The member that the card led to first, also after merge and erasure.
  std::string MemberOf(const std::string& person) {
    if (const auto known = members_.find(person); known != members_.end()) return known->second;
    const std::string member = LeadsTo(person);
    if (member.empty()) return "m_nobody";
    people_[member] = person;
    return members_[person] = member;
  }
  // The member that the card leads to now; "" = none.
  std::string LeadsTo(const std::string& person) {
    const shard::Reply told = Ask(kLookupMember, model::IdentifierKey(Card(person)), "");
    v1::LookupMemberResponse response;
    EXPECT_TRUE(response.ParseFromString(told.payload));
    return response.member().substr(response.member().rfind('/') + 1);
  }
  std::string NameOf(const std::string& person, const std::string& other) {
    return Cat("pools/", vault::kPool, "/members/", MemberOf(person), "/candidates/",
               MemberOf(other));
  }
  // Blocks that know the member.
  int BlocksOf(const std::string& person) {
    int count = 0;
    for (const auto& [entity, state] : states) {
      v1::BlockState block;
      if (!block.ParseFromString(state.Get("block").value_or(""))) continue;
      for (const std::string& member : block.members()) count += member == MemberOf(person) ? 1 : 0;
    }
    return count;
  }
  // Whether the bytes are anywhere in state, messages or events.
  bool IsReadable(const std::string& text) const {
    for (const auto& [entity, state] : states) {
      if (state.Dump().find(text) != std::string::npos) return true;
    }
    return everything.find(text) != std::string::npos;
  }

  vault::TestKeys keys;
  std::unique_ptr<IdentityProgram> program;
  std::map<std::string, MapState> states;
  std::map<std::string, std::deque<shard::Publish>> queues;
  std::map<std::string, int64_t> sums;
  std::map<std::string, int> outcomes;
  std::vector<shard::Input> inputs;  // that were applied, in their order
  std::string everything;            // payloads that were published
  shard::Reply reply;
  bool hold = false;  // messages stay in their queues
  Micros now_us = vault::kDay + kMicrosPerSecond;

 private:
  shard::Input InputOf(shard::InputKind kind, std::string_view type, const std::string& entity,
                       std::string payload) const {
    shard::Input input;
    input.kind = kind;
    input.pool = vault::kPool;
    input.entity = entity;
    input.type = std::string(type);
    input.payload = std::move(payload);
    input.now_us = now_us;
    input.partition = 0;
    return input;
  }
  shard::Effects Run(shard::InputKind kind, std::string_view type, const std::string& entity,
                     std::string payload) {
    shard::Input input = InputOf(kind, type, entity, std::move(payload));
    input.offset = ++offset_;
    bool skip = false;
    if (const absl::Status decoded = program->Decode(&input, &skip); !decoded.ok()) {
      EXPECT_EQ(kind, shard::InputKind::kCommand) << decoded;
      shard::Effects refused;
      refused.reply = shard::Reply{decoded.code(), ReasonOf(decoded), "", ""};
      return refused;
    }
    EXPECT_FALSE(skip);
    inputs.push_back(input);
    shard::Effects effects = program->Apply(states[entity], input);
    EXPECT_LE(effects.publishes.size(), shard::kPublishesPerInputMax);
    states[entity].Apply(effects);
    EXPECT_EQ(program->CheckInvariants(states[entity]), "") << entity << " " << effects.outcome;
    for (const shard::AddSum& sum : effects.sums) sums[sum.name] += sum.delta;
    ++outcomes[effects.outcome];
    for (const shard::Publish& event : effects.publishes) {
      everything += event.payload;
      if (event.kind == events::kLinksKind) queues[event.entity].push_back(event);
    }
    return effects;
  }

  std::map<std::string, std::string> members_;  // by person
  std::map<std::string, std::string> people_;   // by member
  int64_t touches_ = 0;
  int64_t operations_ = 0;
  int64_t offset_ = 0;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_CODEC_CANDIDATES_TOWN_H_
