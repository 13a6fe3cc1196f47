// A member that others became part of, and one that became part of another, behind the codec.
#include "services/identity/vault/part.h"

#include <gtest/gtest.h>

#include <string>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/privacy_harness.h"

namespace regulars::identity::vault {
namespace {

TEST_F(Privacy, APartOfAnotherMember_SendsContactOn_RefusesCalls_AndIsErasedWithTheOther) {
  known_.member->set_parent("m_root");
  EXPECT_EQ(Send(kResolveContact, Resolve()), "MEMBER_IS_ALIAS");
  EXPECT_EQ(Send(kEraseMember, v1::EraseMemberRequest()), "MEMBER_IS_ALIAS");
  const auto record = [&](std::string_view type, const google::protobuf::Message& message) {
    shard::Input input;
    input.pool = kPool;
    input.entity = kMember;
    input.type = type;
    input.payload = message.SerializeAsString();
    input.now_us = now_us_;
    EXPECT_TRUE(Decode(&input).ok());
    effects_ = Apply(member_.state, input, keys_.all(), known_);
    member_.state.Apply(effects_);
  };
  known_.contact = {"m_root", false};
  record(events::kContactReported, Report(keys_, "t9", kDay + 9, {{"phone", "+8613800000009"}}));
  ASSERT_EQ(effects_.publishes.size(), 1U);
  EXPECT_EQ(effects_.publishes[0].entity, "m_root");
  v1::ContactReported sent_on;
  ASSERT_TRUE(sent_on.ParseFromString(effects_.publishes[0].payload));
  EXPECT_EQ(sent_on.home(), "");
  VaultMember root;
  sent_on.set_member(kMember);  // the member of the harness stands for the root
  EXPECT_EQ(root.Add(keys_, sent_on), ContactOutcome::kChanged);

  v1::IdentifierErased erased;
  erased.set_member("m_root");
  erased.set_erased_us(kNow);
  record(events::kIdentifierErased, erased);
  EXPECT_EQ(member_.state.size(), 1U);
  EXPECT_EQ(ReadErasure(member_.state)->erased_us(), kNow);
}

TEST_F(Privacy, AloneIsAskedWhoIsAlone_AndAPartTellsWhatItKeeps) {
  v1::GetConsentRequest get;
  get.set_name(Cat(NameText(), "/consents/marketing.sms"));
  Send(kRecordConsent, Consent(v1::CONSENT_DECISION_GRANTED));
  EXPECT_EQ(Ask(kGetConsent, get).code, absl::StatusCode::kOk);
  known_.member->add_aliases("m_part");
  EXPECT_EQ(Send(kResolveContact, Resolve()), kMemberHasParts);
  EXPECT_EQ(Send(kResolveContact, Resolve(), PoolKeys()), "VAULT_OFF");
  EXPECT_EQ(Send(kExportMember, v1::ExportMemberRequest()), kMemberHasParts);
  EXPECT_EQ(Ask(kGetConsent, get).reason, kMemberHasParts);
  auto said = Consent(v1::CONSENT_DECISION_WITHDRAWN);
  said.mutable_consent()->set_purpose("profiling");
  EXPECT_EQ(Send(kRecordConsent, said), "OK");
  said.set_parent(Cat("pools/", kPool, "/members/m_part"));
  EXPECT_EQ(Send(kRecordConsent, said), "OK") << "by the name of a part";
  said.set_parent(Cat("pools/", kPool, "/members/m_gone"));
  EXPECT_EQ(Send(kRecordConsent, said), "MERGE_IN_PROGRESS") << "it was parted";

  known_.member->clear_aliases();
  known_.member->set_parent("m_root");
  EXPECT_EQ(Ask(kGetConsent, get).reason, "MEMBER_IS_ALIAS");
  EXPECT_EQ(Send(kRecordConsent, said), "MEMBER_IS_ALIAS");
  EXPECT_EQ(reply_.survivor, "m_root");
  v1::PartDescription part;
  ASSERT_TRUE(part.ParseFromString(Ask(kDescribePart, v1::DescribePartRequest()).payload));
  EXPECT_EQ(part.parent(), "m_root");
  EXPECT_EQ(part.consents_size(), 2);
  EXPECT_EQ(part.fields_size(), 2);
  v1::TellPartRequest tell;
  tell.set_purpose("marketing");
  tell.set_channel("sms");
  tell.add_kinds(v1::CONTACT_KIND_PHONE);
  tell.add_kinds(v1::CONTACT_KIND_EMAIL);  // has none
  EXPECT_EQ(Send(kTellPart, tell), "OK");
  EXPECT_EQ(reply_.payload, "");
  EXPECT_EQ(Answered<v1::PartTold>().fields_size(), 1);
  EXPECT_EQ(effects_.publishes.at(0).type, events::kContactDisclosed);
  EXPECT_EQ(Send(kTellPart, tell, PoolKeys()), "VAULT_OFF");
  const TestKeys kek_gone(KeyLine("k2", 'x'));
  EXPECT_EQ(Send(kTellPart, tell, kek_gone.all()), "CONTACT_UNREADABLE");
  EXPECT_EQ(Send(kTellPart, v1::TellPartRequest(), kek_gone.all()), "CONTACT_UNREADABLE");
  EXPECT_EQ(Send(kTellPart, v1::TellPartRequest()), "OK");
  EXPECT_EQ(Answered<v1::PartTold>().everything().contact_size(), 2);
}

}  // namespace
}  // namespace regulars::identity::vault
