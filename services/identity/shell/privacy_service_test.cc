// Personal data of a merged person through real servers: two instances, members in any of four
// shards, whoever is asked.
#include "services/identity/shell/privacy_service.h"

#include <gtest/gtest.h>

#include <string>

#include "services/identity/shell/link_harness.h"
#include "services/identity/shell/person.h"

namespace regulars::identity {
namespace {

// "OK" or the reason.
std::string Told(const grpc::Status& status) {
  return status.ok() ? "OK" : ReasonOf(rpc::FromGrpc(status));
}

ingest::v1::ContactDetails Phone(const std::string& phone) {
  ingest::v1::ContactDetails contact;
  contact.set_phone(phone);
  return contact;
}

class Privacy : public LinkServers {
 protected:
  Privacy() {
    Touch("card:ann", Phone("+8613900000001"));
    ann_ = MemberOf("card:ann");
    Touch("customer:bob", Phone("+8613900000002"));
    bob_ = MemberOf("customer:bob");
  }
  std::string Merge() {
    v1::MergeMembersRequest request;
    request.set_name(ann_);
    request.set_other(bob_);
    v1::MergeMembersResponse merged;
    const std::string told = Told(Next().Links()->MergeMembers(Context().get(), request, &merged));
    EXPECT_TRUE(Same("card:ann", "customer:bob"));
    return told;
  }
  std::string Split() {
    v1::SplitMemberRequest request;
    request.set_name(ann_);
    *request.add_identifiers() = Clear("customer:bob");
    v1::MemberSplit split;
    std::string told;
    EXPECT_TRUE(Until([&] {
      told = Told(Next().Links()->SplitMember(Context().get(), request, &split));
      return told != "MERGE_IN_PROGRESS";
    }));
    EXPECT_TRUE(Apart("card:ann", "customer:bob"));
    return told;
  }
  std::string Say(const std::string& member, v1::ConsentDecision decision) {
    v1::RecordConsentRequest request;
    request.set_parent(member);
    request.mutable_consent()->set_purpose("marketing");
    request.mutable_consent()->set_channel("sms");
    request.mutable_consent()->set_decision(decision);
    request.mutable_consent()->set_source("shop");
    v1::Consent said;
    return Told(Next().Privacy()->RecordConsent(Context("tea-till").get(), request, &said));
  }
  // The phone and who keeps it, as both instances tell it; or the reason.
  std::string Resolve(const std::string& member, const std::string& key = "tea-privacy") {
    v1::ResolveContactRequest request;
    request.set_name(member);
    request.set_purpose("marketing");
    request.set_channel("sms");
    request.add_kinds(v1::CONTACT_KIND_PHONE);
    std::string answers[2];
    for (std::string& answer : answers) {
      v1::ResolveContactResponse response;
      answer = Told(Next().Privacy()->ResolveContact(Context(key).get(), request, &response));
      if (answer != "OK") continue;
      answer = Cat(response.fields(0).value(), " ", WhoIs(response.fields(0).kept_at()), " for ",
                   WhoIs(response.name()));
    }
    EXPECT_EQ(answers[0], answers[1]);
    return answers[0];
  }
  std::string WhoIs(const std::string& name) const {
    return name == ann_ ? "ann" : name == bob_ ? "bob" : name;
  }
  std::string GetConsent(const std::string& member) {
    v1::GetConsentRequest request;
    request.set_name(Cat(member, "/consents/marketing.sms"));
    v1::Consent consent;
    const std::string told =
        Told(Next().Privacy()->GetConsent(Context("tea-till").get(), request, &consent));
    if (told != "OK") return told;
    EXPECT_TRUE(consent.history().empty());
    return Cat(consent.decision() == v1::CONSENT_DECISION_GRANTED ? "granted" : "no", " ",
               WhoIs(consent.kept_at()));
  }
  int Facts(const std::string& member) {
    v1::ListConsentsRequest request;
    request.set_parent(member);
    request.set_show_history(true);
    v1::ListConsentsResponse listed;
    EXPECT_EQ(Told(Next().Privacy()->ListConsents(Context("tea-till").get(), request, &listed)),
              "OK");
    return listed.consents_size() == 0 ? 0 : 1 + listed.consents(0).history_size();
  }
  std::string Export(const std::string& member) {
    v1::ExportMemberRequest request;
    request.set_name(member);
    v1::ExportMemberResponse response;
    const std::string told =
        Told(Next().Privacy()->ExportMember(Context("tea-privacy").get(), request, &response));
    return told == "OK" ? response.json() : told;
  }
  std::string Erase(const std::string& member) {
    v1::EraseMemberRequest request;
    request.set_name(member);
    v1::EraseMemberResponse response;
    return Told(Next().Privacy()->EraseMember(Context("tea-privacy").get(), request, &response));
  }
  Instance& Next() { return ++calls_ % 2 == 0 ? one_ : two_; }

  std::string ann_, bob_;
  int calls_ = 0;
};

TEST_F(Privacy, APersonIsToldWhole_ByAnyNameAndByAnyInstance) {
  EXPECT_EQ(Say(ann_, v1::CONSENT_DECISION_GRANTED), "OK");
  EXPECT_TRUE(Until([&] { return Resolve(ann_) == "+8613900000001 ann for ann"; }));
  EXPECT_EQ(Resolve(bob_), "CONSENT_MISSING");
  ASSERT_EQ(Merge(), "OK");
  EXPECT_TRUE(Until([&] { return Resolve(ann_) == "+8613900000002 bob for ann"; }));
  EXPECT_EQ(Resolve(bob_), "+8613900000002 bob for ann");
  EXPECT_EQ(Resolve(bob_, "tea-till"), "RIGHT_MISSING");
  EXPECT_EQ(GetConsent(bob_), "granted ann");
  for (const std::string& name : {ann_, bob_}) {
    const std::string json = Export(name);
    EXPECT_NE(json.find("+8613900000001"), std::string::npos) << json;
    EXPECT_NE(json.find("+8613900000002"), std::string::npos) << json;
  }

  Touch("customer:bob", Phone("+8613900000003"));
  EXPECT_TRUE(Until([&] { return Resolve(ann_) == "+8613900000003 bob for ann"; }));
  EXPECT_EQ(Say(bob_, v1::CONSENT_DECISION_WITHDRAWN), "OK");
  EXPECT_EQ(Resolve(ann_), "CONSENT_MISSING");
  EXPECT_EQ(GetConsent(ann_), "no ann");
  EXPECT_EQ(Facts(bob_), 2);

  ASSERT_EQ(Split(), "OK");
  EXPECT_TRUE(Until([&] { return GetConsent(bob_) == "no bob"; })) << GetConsent(bob_);
  EXPECT_EQ(Facts(bob_), 1);
  EXPECT_EQ(Say(bob_, v1::CONSENT_DECISION_GRANTED), "OK");
  EXPECT_EQ(Resolve(bob_), "+8613900000003 bob for bob");
  EXPECT_EQ(Resolve(ann_), "CONSENT_MISSING");
}

TEST_F(Privacy, AnErasedPersonIsErasedWhole) {
  ASSERT_EQ(Merge(), "OK");
  EXPECT_TRUE(Until([&] { return Erase(bob_) == "MEMBER_IS_ALIAS"; }));
  EXPECT_TRUE(Until([&] { return Erase(ann_) == "OK"; }));
  EXPECT_EQ(Resolve(ann_), "MEMBER_ERASED");
  EXPECT_TRUE(Until([&] { return Resolve(bob_) == "MEMBER_ERASED"; }));
  EXPECT_EQ(Export(bob_), "MEMBER_ERASED");
}

TEST_F(Privacy, OnlyAnInstanceOfIdentityMayAskForAPart) {
  v1::TellPartRequest tell;
  tell.set_name(ann_);
  tell.set_purpose("marketing");
  tell.add_kinds(v1::CONTACT_KIND_PHONE);
  v1::DescribePartRequest describe;
  describe.set_name(ann_);
  const auto ask = [&] {
    v1::PartTold told;
    v1::PartDescription described;
    return Told(one_.PrivacyPeers()->TellPart(Context("tea-privacy").get(), tell, &told)) + " " +
           Told(one_.PrivacyPeers()->DescribePart(Context("tea-privacy").get(), describe,
                                                  &described));
  };
  EXPECT_EQ(ask(), "RIGHT_MISSING RIGHT_MISSING");
  Sign(world_.pepper, &describe);
  tell.set_ticket(describe.ticket());  // of another question
  EXPECT_EQ(ask().substr(0, 13), "RIGHT_MISSING");
  Sign(world_.pepper, &tell);
  tell.set_purpose("profiling");
  EXPECT_EQ(ask().substr(0, 13), "RIGHT_MISSING");
}

}  // namespace
}  // namespace regulars::identity
