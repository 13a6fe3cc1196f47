#include "services/identity/vault/privacy_codec.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/model/identifier.h"
#include "regulars/identity/v1/privacy_service.pb.h"
#include "services/identity/vault/disclosure.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/privacy_harness.h"
#include "services/identity/vault/vault_harness.h"

namespace regulars::identity::vault {
namespace {

TEST_F(Privacy, ResolveContact_OutcomesInOrderOfPrecedence) {
  const auto kinds = [](std::initializer_list<v1::ContactKind> list) {
    auto request = Resolve();
    request.clear_kinds();
    for (const v1::ContactKind kind : list) request.add_kinds(kind);
    return request;
  };
  auto spoiled = kinds({});
  spoiled.set_channel("SMS");
  spoiled.set_purpose("");
  EXPECT_EQ(Send(kResolveContact, spoiled), "PURPOSE_INVALID");
  spoiled.set_purpose("marketing");
  EXPECT_EQ(Send(kResolveContact, spoiled), "CHANNEL_INVALID");
  spoiled.set_channel("sms");
  EXPECT_EQ(Send(kResolveContact, spoiled), "KINDS_INVALID");
  EXPECT_EQ(Send(kResolveContact, kinds({v1::CONTACT_KIND_PHONE, v1::CONTACT_KIND_PHONE})),
            "KINDS_INVALID");
  EXPECT_EQ(Send(kResolveContact, kinds({v1::CONTACT_KIND_UNSPECIFIED})), "KINDS_INVALID");
  EXPECT_EQ(Send(kResolveContact, Resolve(), PoolKeys()), "VAULT_OFF");
  EXPECT_EQ(Send(kResolveContact, Resolve()), "CONSENT_MISSING");
  EXPECT_EQ(Send(kRecordConsent, Consent(v1::CONSENT_DECISION_GRANTED)), "OK");
  EXPECT_EQ(Send(kResolveContact, kinds({v1::CONTACT_KIND_EMAIL})), "CONTACT_UNKNOWN");
  const TestKeys kek_gone(KeyLine("k2", 'x'));
  EXPECT_EQ(Send(kResolveContact, Resolve(), kek_gone.all()), "CONTACT_UNREADABLE");
  EXPECT_EQ(Send(kResolveContact, Resolve()), "OK");
  EXPECT_EQ(Send(kRecordConsent, Consent(v1::CONSENT_DECISION_WITHDRAWN)), "OK");
  EXPECT_EQ(Send(kResolveContact, Resolve()), "CONSENT_MISSING");
}

TEST_F(Privacy, ResolveContact_IsRecorded_AndWhatIsPersonalIsInNoLog) {
  Send(kRecordConsent, Consent(v1::CONSENT_DECISION_GRANTED));
  auto request = Resolve();
  request.add_kinds(v1::CONTACT_KIND_EMAIL);
  ASSERT_EQ(Send(kResolveContact, request), "OK");
  const auto response = Answered<v1::ResolveContactResponse>();
  EXPECT_EQ(response.name(), NameText());
  ASSERT_EQ(response.fields_size(), 1);
  EXPECT_EQ(response.fields(0).value(), "+8613800000001");
  EXPECT_EQ(response.fields(0).source(), "till");

  ASSERT_EQ(effects_.publishes.size(), 1U);
  v1::ContactDisclosed told;
  ASSERT_TRUE(told.ParseFromString(effects_.publishes[0].payload));
  EXPECT_EQ(effects_.publishes[0].type, events::kContactDisclosed);
  EXPECT_EQ(told.actor(), "k7");
  EXPECT_EQ(told.member(), kMember);
  EXPECT_EQ(told.purpose(), "marketing");
  EXPECT_EQ(told.time_us(), kNow);
  ASSERT_EQ(told.kinds_size(), 1);
  EXPECT_EQ(told.kinds(0), v1::CONTACT_KIND_PHONE);
  const std::string logged = reply_.payload + effects_.publishes[0].payload + member_.state.Dump();
  EXPECT_EQ(logged.find("13800000001"), std::string::npos);
}

TEST_F(Privacy, Disclosures_AreListedUpToTheLimit_AndEachHasItsOwnId) {
  Send(kRecordConsent, Consent(v1::CONSENT_DECISION_GRANTED));
  std::string id;
  for (int i = 0; i <= kDisclosuresMax; ++i) {
    ASSERT_EQ(Send(kResolveContact, Resolve()), "OK");
    EXPECT_NE(effects_.publishes[0].id, id);
    id = effects_.publishes[0].id;
  }
  EXPECT_EQ(ReadDisclosures(member_.state).disclosures_size(), kDisclosuresMax);
  EXPECT_EQ(ReadDisclosures(member_.state).count(), kDisclosuresMax + 1);
}

TEST_F(Privacy, RecordConsent_RefusesWhatIsMalformed) {
  struct Row {
    const char* reason;
    std::function<void(v1::Consent*)> spoil;
  };
  const Row rows[] = {
      {"PURPOSE_INVALID", [](v1::Consent* c) { c->clear_purpose(); }},
      {"CHANNEL_INVALID", [](v1::Consent* c) { c->set_channel("s m s"); }},
      {"DECISION_MISSING", [](v1::Consent* c) { c->clear_decision(); }},
      {"SOURCE_INVALID", [](v1::Consent* c) { c->clear_source(); }},
      {"SOURCE_INVALID", [](v1::Consent* c) { c->set_source("Ann said so"); }},
      {"SOURCE_INVALID", [](v1::Consent* c) { c->set_source(std::string(65, 'a')); }},
      {"EVIDENCE_INVALID", [](v1::Consent* c) { c->set_evidence("+86 138"); }},
      {"EVIDENCE_INVALID", [](v1::Consent* c) { c->set_evidence(std::string(129, 'a')); }},
      {"NOTICE_INVALID", [](v1::Consent* c) { c->set_notice_version(std::string(65, 'a')); }},
      {"TIME_INVALID", [](v1::Consent* c) { c->mutable_decide_time()->set_seconds(-1); }},
      {"TIME_INVALID",
       [](v1::Consent* c) { c->mutable_decide_time()->set_seconds(kNow / 1'000'000 + 1); }},
      {"OK", [](v1::Consent* c) { c->set_source(std::string(64, 'a')); }},
      {"OK", [](v1::Consent* c) { c->mutable_decide_time()->set_seconds(7); }}};
  for (const Row& row : rows) {
    auto request = Consent(v1::CONSENT_DECISION_GRANTED);
    row.spoil(request.mutable_consent());
    EXPECT_EQ(Send(kRecordConsent, request), row.reason) << request.ShortDebugString();
  }
}

TEST_F(Privacy, Consents_AreReadAsOfAnInstant) {
  auto grant = Consent(v1::CONSENT_DECISION_GRANTED);
  grant.mutable_consent()->mutable_decide_time()->set_seconds(10);
  Send(kRecordConsent, grant);
  auto withdrawal = Consent(v1::CONSENT_DECISION_WITHDRAWN);
  withdrawal.mutable_consent()->mutable_decide_time()->set_seconds(20);
  Send(kRecordConsent, withdrawal);

  v1::GetConsentRequest get;
  get.set_name(NameText() + "/consents/marketing.sms");
  v1::Consent consent;
  ASSERT_TRUE(consent.ParseFromString(Ask(kGetConsent, get).payload));
  EXPECT_EQ(consent.decision(), v1::CONSENT_DECISION_WITHDRAWN);
  EXPECT_EQ(consent.name(), get.name());
  get.mutable_as_of_time()->set_seconds(19);
  ASSERT_TRUE(consent.ParseFromString(Ask(kGetConsent, get).payload));
  EXPECT_EQ(consent.decision(), v1::CONSENT_DECISION_GRANTED);
  get.mutable_as_of_time()->set_seconds(9);
  ASSERT_TRUE(consent.ParseFromString(Ask(kGetConsent, get).payload));
  EXPECT_EQ(consent.decision(), v1::CONSENT_DECISION_UNSPECIFIED);
  get.mutable_as_of_time()->set_seconds(-9);
  EXPECT_EQ(Ask(kGetConsent, get).reason, "TIME_INVALID");
  for (const char* bad : {"marketing", "marketing.", ".sms", "a.b.c", "A.b"}) {
    get.set_name(Cat(NameText(), "/consents/", bad));
    EXPECT_EQ(Ask(kGetConsent, get).reason, "NAME_MALFORMED") << bad;
  }

  v1::ListConsentsRequest list;
  v1::ListConsentsResponse all;
  ASSERT_TRUE(all.ParseFromString(Ask(kListConsents, list).payload));
  ASSERT_EQ(all.consents_size(), 1);
  EXPECT_EQ(all.consents(0).history_size(), 0);
  list.set_show_history(true);
  ASSERT_TRUE(all.ParseFromString(Ask(kListConsents, list).payload));
  ASSERT_EQ(all.consents(0).history_size(), 1);
  EXPECT_EQ(all.consents(0).history(0).decision(), v1::CONSENT_DECISION_GRANTED);
}

TEST_F(Privacy, ValidateOnly_AnswersAndChangesNothing) {
  const std::string before = member_.state.Dump();
  auto consent = Consent(v1::CONSENT_DECISION_GRANTED);
  consent.set_validate_only(true);
  EXPECT_EQ(Send(kRecordConsent, consent), "OK");
  EXPECT_EQ(Answered<v1::Consent>().decision(), v1::CONSENT_DECISION_GRANTED);
  v1::EraseMemberRequest erase;
  erase.set_validate_only(true);
  EXPECT_EQ(Send(kEraseMember, erase), "OK");
  EXPECT_EQ(Answered<v1::EraseMemberResponse>().contact_field_count(), 2);
  EXPECT_EQ(Answered<v1::EraseMemberResponse>().identifier_count(), 1);
  EXPECT_EQ(member_.state.Dump(), before);
  EXPECT_TRUE(effects_.publishes.empty() && effects_.sums.empty());
}

TEST_F(Privacy, AfterErasure_EveryCallSaysErased) {
  Send(kRecordConsent, Consent(v1::CONSENT_DECISION_GRANTED));
  v1::EraseMemberRequest erase;
  erase.set_reason("told us so");
  EXPECT_EQ(Send(kEraseMember, erase), "REASON_INVALID");
  erase.set_reason("request");
  ASSERT_EQ(Send(kEraseMember, erase), "OK");
  ASSERT_EQ(effects_.publishes.size(), 2U);
  EXPECT_EQ(effects_.publishes[1].entity, model::IdentifierKey(std::string(32, 'h')));
  EXPECT_EQ(member_.state.size(), 1U);

  known_.member.reset();
  EXPECT_EQ(Send(kResolveContact, Resolve()), "MEMBER_ERASED");
  EXPECT_EQ(Send(kExportMember, v1::ExportMemberRequest()), "MEMBER_ERASED");
  EXPECT_EQ(Send(kRecordConsent, Consent(v1::CONSENT_DECISION_GRANTED)), "MEMBER_ERASED");
  EXPECT_EQ(Ask(kListConsents, v1::ListConsentsRequest()).reason, "MEMBER_ERASED");
  const auto erase_time = Answered<v1::EraseMemberResponse>();
  now_us_ += kMicrosPerDay;
  EXPECT_EQ(Send(kEraseMember, erase), "OK");
  EXPECT_EQ(Answered<v1::EraseMemberResponse>().erase_time().seconds(), kNow / 1'000'000);
  EXPECT_EQ(Answered<v1::EraseMemberResponse>().contact_field_count(), 2);
  EXPECT_TRUE(effects_.puts.empty() && effects_.publishes.empty());
}

TEST_F(Privacy, AnUnknownMember_IsUnknownToEveryCall) {
  member_.state = MapState();
  known_.member.reset();
  EXPECT_EQ(Send(kResolveContact, Resolve()), "MEMBER_UNKNOWN");
  EXPECT_EQ(Send(kExportMember, v1::ExportMemberRequest()), "MEMBER_UNKNOWN");
  EXPECT_EQ(Send(kRecordConsent, Consent(v1::CONSENT_DECISION_GRANTED)), "MEMBER_UNKNOWN");
  EXPECT_EQ(Send(kEraseMember, v1::EraseMemberRequest()), "MEMBER_UNKNOWN");
  EXPECT_EQ(Ask(kListConsents, v1::ListConsentsRequest()).reason, "MEMBER_UNKNOWN");
}

TEST_F(Privacy, ExportMember_HasEverything_AndIsRecorded) {
  Send(kRecordConsent, Consent(v1::CONSENT_DECISION_GRANTED));
  member_.Add(keys_, Report(keys_, "t2", kDay + 1, {{"phone", "+8613800000002"}}));
  Send(kResolveContact, Resolve());
  ASSERT_EQ(Send(kExportMember, v1::ExportMemberRequest()), "OK");
  const std::string json = Answered<v1::ExportMemberResponse>().json();
  for (const char* part : {"+8613800000002", "+8613800000001", "Ann", "marketing", "k7",
                           "createTime", "CONSENT_DECISION_GRANTED", "CONTACT_KIND_PHONE"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << "\n" << json;
  }
  EXPECT_EQ(reply_.payload.find("Ann"), std::string::npos);
  v1::ContactDisclosed told;
  ASSERT_TRUE(told.ParseFromString(effects_.publishes.at(0).payload));
  EXPECT_EQ(told.purpose(), "export");
  EXPECT_EQ(told.kinds_size(), 2);
  const TestKeys kek_gone(KeyLine("k2", 'x'));
  EXPECT_EQ(Send(kExportMember, v1::ExportMemberRequest(), kek_gone.all()), "CONTACT_UNREADABLE");
}

TEST(PrivacyRecords, MalformedOnes_AreDeadLetters) {
  v1::ContactReported good;
  good.set_member(kMember);
  good.set_touch_id("t1");
  v1::ContactReported other = good;
  other.set_member("m_other");
  v1::ContactReported timeless = good;
  timeless.set_occurred_us(-1);
  struct Row {
    std::string_view type;
    std::string payload;
    const char* reason;
  };
  const Row rows[] = {{events::kContactReported, good.SerializeAsString(), ""},
                      {events::kContactReported, other.SerializeAsString(), "REPORT_MALFORMED"},
                      {events::kContactReported, timeless.SerializeAsString(), "REPORT_MALFORMED"},
                      {events::kContactReported, "\xff", "REPORT_MALFORMED"},
                      {events::kIdentifierErased, "", "REPORT_MALFORMED"},
                      {events::kIdentifierErased, "\xff", "REPORT_MALFORMED"}};
  for (const Row& row : rows) {
    shard::Input input;
    input.pool = kPool;
    input.entity = kMember;
    input.type = row.type;
    input.payload = row.payload;
    ASSERT_TRUE(Takes(input));
    EXPECT_EQ(ReasonOf(Decode(&input)), row.reason);
  }
}

}  // namespace
}  // namespace regulars::identity::vault
