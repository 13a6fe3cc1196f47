// One member behind the codec of the vault, for its tests.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_PRIVACY_HARNESS_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_PRIVACY_HARNESS_H_

#include <gtest/gtest.h>

#include <string>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "regulars/identity/v1/privacy_service.pb.h"
#include "services/identity/vault/privacy_codec.h"
#include "services/identity/vault/vault_harness.h"

namespace regulars::identity::vault {

inline constexpr Micros kNow = kDay + 1'000'000;

// One member behind the codec: with an identifier, a phone and an e-mail, without consent.
class Privacy : public testing::Test {
 protected:
  Privacy() {
    known_.member.emplace();
    known_.member->mutable_birth()->set_birth_us(kDay);
    known_.member->set_identifier_count(1);
    known_.member->add_identifiers()->mutable_identifier()->set_hmac(std::string(32, 'h'));
    known_.leads = LeadsOf(*known_.member);
    member_.state.Set("member", known_.member->SerializeAsString());
    member_.Add(keys_, Report(keys_, "t1", kDay, {{"phone", "+8613800000001"}, {"name", "Ann"}}));
  }

  // Sends a command; what it answers is `reply_`, what it leads to is applied and in `effects_`.
  // The reason, or "OK".
  template <typename Request>
  std::string Send(std::string_view type, const Request& request, const PoolKeys& keys) {
    v1::PrivacyCommand command;
    command.set_actor("k7");
    command.set_request(request.SerializeAsString());
    shard::Input input;
    input.kind = shard::InputKind::kCommand;
    input.pool = kPool;
    input.entity = kMember;
    input.type = type;
    input.payload = command.SerializeAsString();
    input.now_us = now_us_;
    EXPECT_TRUE(Takes(input));
    if (const absl::Status decoded = Decode(&input); !decoded.ok()) return ReasonOf(decoded);
    effects_ = Apply(member_.state, input, keys, known_);
    EXPECT_TRUE(effects_.reply.has_value());
    reply_ = effects_.reply.value_or(shard::Reply());
    member_.state.Apply(effects_);
    EXPECT_EQ(CheckInvariants(member_.state), "");
    const bool changed = !effects_.puts.empty() || !effects_.publishes.empty();
    EXPECT_FALSE(changed && reply_.code != absl::StatusCode::kOk) << "a refusal changes nothing";
    return reply_.code == absl::StatusCode::kOk ? "OK" : reply_.reason;
  }
  template <typename Request>
  std::string Send(std::string_view type, const Request& request) {
    return Send(type, request, keys_.all());
  }
  template <typename Request>
  shard::Reply Ask(std::string_view type, const Request& request) {
    shard::Input input;
    input.kind = shard::InputKind::kQuery;
    input.pool = kPool;
    input.entity = kMember;
    input.type = type;
    input.payload = request.SerializeAsString();
    input.now_us = now_us_;
    EXPECT_TRUE(Takes(input));
    if (const absl::Status decoded = Decode(&input); !decoded.ok()) {
      return {decoded.code(), ReasonOf(decoded), "", ""};
    }
    return Query(member_.state, input, known_);
  }

  static v1::ResolveContactRequest Resolve() {
    v1::ResolveContactRequest request;
    request.set_name(NameText());
    request.set_purpose("marketing");
    request.set_channel("sms");
    request.add_kinds(v1::CONTACT_KIND_PHONE);
    return request;
  }
  static v1::RecordConsentRequest Consent(v1::ConsentDecision decision) {
    v1::RecordConsentRequest request;
    request.set_parent(NameText());
    request.mutable_consent()->set_purpose("marketing");
    request.mutable_consent()->set_channel("sms");
    request.mutable_consent()->set_decision(decision);
    request.mutable_consent()->set_source("shop");
    return request;
  }
  static std::string NameText() { return Cat("pools/", kPool, "/members/", kMember); }

  // What the caller gets.
  template <typename Response>
  Response Answered() const {
    Response response;
    EXPECT_TRUE(response.ParseFromString(reply_.payload) &&
                response.MergeFromString(reply_.unlogged));
    return response;
  }

  TestKeys keys_;
  VaultMember member_;
  Known known_;
  Micros now_us_ = kNow;
  shard::Effects effects_;
  shard::Reply reply_;
};

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_PRIVACY_HARNESS_H_
