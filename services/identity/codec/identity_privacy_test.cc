// Contact data from the touch to the vault, and an erasure from the member to its identifiers,
// through the whole program: every entity in a map, records delivered at once.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "regulars/identity/v1/identity_service.pb.h"
#include "regulars/identity/v1/privacy_service.pb.h"
#include "regulars/ingest/v1/ingest_events.pb.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/kernel/member.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/privacy_codec.h"
#include "services/identity/vault/vault_harness.h"

namespace regulars::identity {
namespace {

constexpr Micros kNow = vault::kDay;
constexpr char kCard[] = "card-of-ann.....................";  // 32 bytes

class Flow : public testing::Test {
 protected:
  Flow() : program_(Options(keys_)) {}

  static IdentityOptions Options(const vault::TestKeys& keys) {
    IdentityOptions options;
    options.vault_keys[vault::kPool] = keys.all();
    return options;
  }

  // A visit with a card; the outcome, or the class of the dead letter.
  std::string Touch(const std::string& id, Micros at_us, const std::string& phone) {
    ingest::v1::TouchReceived received;
    ingest::v1::Touch& touch = *received.mutable_touch();
    touch.set_touch_id(model::TouchId("till", id));
    touch.set_source("till");
    touch.set_native_id(id);
    touch.set_occurred_us(at_us);
    touch.set_channel("store");
    touch.mutable_body()->mutable_visit();
    types::v1::Identifier* card = touch.add_identifiers();
    card->set_type("card");
    card->set_hmac(kCard);
    card->set_class_(types::v1::IDENTIFIER_CLASS_UNIQUE);
    if (!phone.empty()) {
      *touch.mutable_contact() = vault::Report(keys_, id, at_us, {{"phone", phone}}).contact();
    }
    const shard::Effects effects = Run(shard::InputKind::kRecord, events::kTouchReceived,
                                       model::IdentifierKey(kCard), received.SerializeAsString());
    return effects.dead_letter.has_value() ? effects.dead_letter->reason : effects.outcome;
  }
  template <typename Request>
  shard::Reply Command(std::string_view type, const std::string& member, const Request& request) {
    v1::PrivacyCommand command;
    command.set_actor("k7");
    command.set_request(request.SerializeAsString());
    return *Run(shard::InputKind::kCommand, type, member, command.SerializeAsString()).reply;
  }
  shard::Reply Ask(std::string_view type, const std::string& entity) {
    shard::Input input = InputOf(shard::InputKind::kQuery, type, entity, "");
    bool skip = false;
    EXPECT_TRUE(program_.Decode(&input, &skip).ok());
    return program_.Query(states_[entity], input);
  }
  // The member that the card leads to; "" = none.
  std::string Member() {
    const shard::Reply reply = Ask(kLookupMember, model::IdentifierKey(kCard));
    v1::LookupMemberResponse response;
    EXPECT_TRUE(response.ParseFromString(reply.payload));
    return response.member().substr(response.member().rfind('/') + 1);
  }
  std::string Phone(const std::string& member) {
    const auto values = vault::ReadField(states_[member], vault::kPool, member,
                                         v1::CONTACT_KIND_PHONE, keys_.all());
    return !values.ok() ? "?" : values->empty() ? "" : values->front().text;
  }

  static shard::Input InputOf(shard::InputKind kind, std::string_view type,
                              const std::string& entity, std::string payload) {
    shard::Input input;
    input.kind = kind;
    input.pool = vault::kPool;
    input.entity = entity;
    input.type = std::string(type);
    input.payload = std::move(payload);
    input.now_us = kNow;
    input.partition = 0;
    return input;
  }
  shard::Effects Run(shard::InputKind kind, std::string_view type, const std::string& entity,
                     std::string payload) {
    shard::Input input = InputOf(kind, type, entity, std::move(payload));
    bool skip = false;
    if (kind != shard::InputKind::kTimer) {
      EXPECT_TRUE(program_.Decode(&input, &skip).ok());
    }
    EXPECT_FALSE(skip);
    shard::Effects effects = program_.Apply(states_[entity], input);
    states_[entity].Apply(effects);
    EXPECT_EQ(program_.CheckInvariants(states_[entity]), "") << entity;
    for (const shard::Publish& event : effects.publishes) {
      events_.push_back(event.type.substr(event.type.rfind('.') + 1));
      if (event.kind == events::kLinksKind) {
        Run(shard::InputKind::kRecord, event.type, event.entity, event.payload);
      }
    }
    return effects;
  }

  vault::TestKeys keys_;
  IdentityProgram program_;
  std::map<std::string, MapState> states_;
  std::vector<std::string> events_;  // types, in order
};

TEST_F(Flow, ContactTravelsSealedFromThePivotToTheMember) {
  EXPECT_EQ(Touch("1", kNow - 9, "+8613800000001"), "new_member");
  EXPECT_EQ(Phone(Member()), "+8613800000001");
  EXPECT_EQ(Touch("2", kNow - 8, "+8613800000002"), "known_member");
  EXPECT_EQ(Phone(Member()), "+8613800000002");
  EXPECT_EQ(Touch("2", kNow - 8, "+8613800000002"), "duplicate");
  EXPECT_EQ(events_.back(), "ContactChanged");
  EXPECT_EQ(Touch("3", kNow - 7, ""), "known_member");
  EXPECT_EQ(events_.back(), "MemberResolved") << "a touch without contact data costs nothing more";
}

TEST_F(Flow, AfterAnErasure_NothingLateBringsTheMemberBack_AndWhoComesAgainIsAnother) {
  Touch("1", kNow - 9, "+8613800000001");
  const std::string member = Member();
  ASSERT_EQ(Command(vault::kEraseMember, member, v1::EraseMemberRequest()).code,
            absl::StatusCode::kOk);
  EXPECT_EQ(Ask(kLookupMember, model::IdentifierKey(kCard)).reason, "IDENTIFIER_UNKNOWN");
  EXPECT_EQ(Ask(kGetMember, member).reason, "MEMBER_ERASED");
  EXPECT_EQ(states_[member].size(), 1U);

  EXPECT_EQ(Touch("1", kNow - 9, "+8613800000001"), "duplicate");
  EXPECT_EQ(Touch("2", kNow - 8, "+8613800000001"), "MEMBER_ERASED");
  EXPECT_EQ(Member(), "");
  EXPECT_EQ(Touch("3", kNow + 1, "+8613800000001"), "new_member");
  EXPECT_NE(Member(), "");
  EXPECT_NE(Member(), member);
  EXPECT_EQ(Phone(Member()), "+8613800000001");
  EXPECT_EQ(Ask(kGetMember, member).reason, "MEMBER_ERASED");
}

TEST_F(Flow, AMemberThatWaitsForAMergeIsNotErasedYet) {
  Touch("1", kNow - 9, "+8613800000001");
  const std::string member = Member();
  v1::MemberState state;
  ASSERT_TRUE(state.ParseFromString(*states_[member].Get(kMemberSub)));
  const auto write = [&] {
    shard::Effects effects;
    effects.puts.push_back({std::string(kMemberSub), state.SerializeAsString(), 0});
    states_[member].Apply(effects);
  };
  state.set_proposing_to("m_older");
  write();
  EXPECT_EQ(Command(vault::kEraseMember, member, v1::EraseMemberRequest()).reason,
            "MERGE_IN_PROGRESS");
  state.clear_proposing_to();
  write();
  EXPECT_EQ(Command(vault::kEraseMember, member, v1::EraseMemberRequest()).code,
            absl::StatusCode::kOk);
}

TEST_F(Flow, WhatLinkingSaysToAnErasedMemberLeavesNothingAndFreesWhoWaits) {
  Touch("1", kNow - 9, "+8613800000001");
  const std::string member = Member();
  ASSERT_EQ(Command(vault::kEraseMember, member, v1::EraseMemberRequest()).code,
            absl::StatusCode::kOk);
  const auto say = [&](const v1::LinkMessage& message) {
    shard::Input input = InputOf(shard::InputKind::kRecord, events::kLinkMessage, member,
                                 message.SerializeAsString());
    bool skip = false;
    EXPECT_TRUE(program_.Decode(&input, &skip).ok());
    const shard::Effects effects = program_.Apply(states_[member], input);
    EXPECT_TRUE(effects.puts.empty());
    EXPECT_EQ(effects.outcome, "member_erased");
    return effects.publishes;
  };
  v1::LinkMessage propose;
  v1::Try* attempt = propose.mutable_propose()->mutable_attempt();
  attempt->set_young("m_younger");
  attempt->set_old(member);
  const std::vector<shard::Publish> answer = say(propose);
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(answer[0].entity, "m_younger");
  v1::LinkMessage reject;
  ASSERT_TRUE(reject.ParseFromString(answer[0].payload));
  EXPECT_EQ(reject.reject().rule(), "member_erased");

  v1::LinkMessage own;
  own.mutable_own()->set_member(member);
  own.mutable_own()->mutable_fragment()->mutable_identifier()->set_hmac(kCard);
  const std::vector<shard::Publish> back = say(own);
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].entity, model::IdentifierKey(kCard));
  EXPECT_EQ(back[0].type, events::kIdentifierErased);

  v1::LinkMessage link;
  link.mutable_link()->mutable_first()->set_member(member);
  EXPECT_TRUE(say(link).empty());
}

TEST_F(Flow, TheTimerOfAnErasureGoesOn) {
  Touch("1", kNow - 9, "+8613800000001");
  const std::string member = Member();
  Command(vault::kEraseMember, member, v1::EraseMemberRequest());
  v1::ErasureLeads left;
  left.add_leads("i_later");
  states_[member].Set(vault::kErasingSub, left.SerializeAsString());
  Run(shard::InputKind::kTimer, vault::kEraseTimer, member, "");
  EXPECT_EQ(events_.back(), "IdentifierErased");
  EXPECT_EQ(states_[member].size(), 1U);
}

TEST_F(Flow, NothingOfTheVaultIsInTheView) {
  for (const std::string& sub : {std::string(vault::kKeySub), std::string("vault/told"),
                                 vault::ContactSub(v1::CONTACT_KIND_PHONE), std::string("erased"),
                                 std::string("consents"), std::string("consent/a/b")}) {
    EXPECT_FALSE(program_.InView(sub)) << sub;
  }
}

}  // namespace
}  // namespace regulars::identity
