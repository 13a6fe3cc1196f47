#include "services/identity/vault/person.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libs/base/text.h"
#include "services/identity/vault/consent.h"
#include "services/identity/vault/messages.h"

namespace regulars::identity::vault {
namespace {

struct Said {
  const char* member;
  int64_t decided_us;
  v1::ConsentDecision decision;
  const char* source = "shop";
};

Parts PartsOf(const std::vector<std::string>& members) {
  Parts parts;
  for (const std::string& member : members) parts.emplace_back().set_member(member);
  return parts;
}

Parts PartsOf(const std::vector<Said>& facts) {
  Parts parts = PartsOf(std::vector<std::string>{"m_1", "m_2"});
  for (const Said& said : facts) {
    for (v1::PartDescription& part : parts) {
      if (part.member() != said.member) continue;
      v1::PartConsent* consent = part.add_consents();
      consent->set_purpose("marketing");
      consent->set_channel("sms");
      v1::ConsentFact* fact = consent->add_facts();
      fact->set_decided_us(said.decided_us);
      fact->set_decision(said.decision);
      fact->set_source(said.source);
    }
  }
  return parts;
}

constexpr v1::ConsentDecision kYes = v1::CONSENT_DECISION_GRANTED;
constexpr v1::ConsentDecision kNo = v1::CONSENT_DECISION_WITHDRAWN;

TEST(Person, TheNewestFactOfAllCounts_AStopBeforeAGrantOfTheSameInstant) {
  const struct {
    std::vector<Said> facts;
    std::string told;  // newest first
  } rows[] = {
      {{}, ""},
      {{{"m_2", 5, kYes}}, "+m_2"},
      {{{"m_1", 5, kYes}, {"m_2", 6, kNo}}, "-m_2 +m_1"},
      {{{"m_1", 6, kNo}, {"m_2", 7, kYes}}, "+m_2 -m_1"},
      {{{"m_1", 6, kYes}, {"m_2", 6, kNo}}, "-m_2 +m_1"},
      {{{"m_1", 6, kNo}, {"m_2", 6, kYes}}, "-m_1 +m_2"},
      {{{"m_1", 6, kYes}, {"m_2", 6, kYes}}, "+m_1 +m_2"},  // the root first
      // One fact, though it is kept twice.
      {{{"m_1", 6, kNo, "split"}, {"m_2", 6, kNo}, {"m_2", 5, kYes}}, "-m_2 +m_2"},
      {{{"m_1", 7, kNo, "split"}, {"m_2", 6, kNo}}, "-m_1 -m_2"},
  };
  for (const auto& row : rows) {
    const v1::Consent consent = ConsentOfPerson("tea", PartsOf(row.facts), "marketing", "sms");
    EXPECT_EQ(consent.name(), "pools/tea/members/m_1/consents/marketing.sms");
    std::string told;
    const auto add = [&](const auto& fact) {
      Append(&told, told.empty() ? "" : " ", fact.decision() == kYes ? "+" : "-",
             fact.kept_at().substr(fact.kept_at().rfind('/') + 1));
    };
    if (consent.decision() != v1::CONSENT_DECISION_UNSPECIFIED) add(consent);
    for (const auto& earlier : consent.history()) add(earlier);
    EXPECT_EQ(told, row.told);
  }
}

TEST(Person, TheNewestReportOfAFieldCounts_TheTouchIdDecidesAtTheSameInstant) {
  const struct {
    int64_t first_us;
    const char* first_touch;
    int64_t second_us;
    const char* second_touch;
    std::string keeper;
  } rows[] = {{5, "t1", 6, "t0", "m_2"},
              {6, "t0", 5, "t1", "m_1"},
              {5, "t1", 5, "t2", "m_2"},
              {5, "t2", 5, "t1", "m_1"},
              {5, "t1", 0, "", "m_1"}};
  for (const auto& row : rows) {
    Parts parts = PartsOf(std::vector<std::string>{"m_1", "m_2"});
    const auto report = [](int64_t us, const char* touch, v1::PartDescription* part) {
      if (us == 0) return;
      v1::PartField* field = part->add_fields();
      field->set_kind(v1::CONTACT_KIND_PHONE);
      field->set_occurred_us(us);
      field->set_touch_id(touch);
    };
    report(row.first_us, row.first_touch, &parts[0]);
    report(row.second_us, row.second_touch, &parts[1]);
    EXPECT_EQ(KeeperOf(parts, v1::CONTACT_KIND_PHONE), row.keeper);
    EXPECT_EQ(KeeperOf(parts, v1::CONTACT_KIND_EMAIL), "");
    v1::ResolveContactRequest request;
    request.add_kinds(v1::CONTACT_KIND_EMAIL);
    EXPECT_TRUE(QuestionsOf("tea", parts, request).empty());
    request.add_kinds(v1::CONTACT_KIND_PHONE);
    const auto questions = QuestionsOf("tea", parts, request);
    ASSERT_EQ(questions.size(), 1U);
    EXPECT_EQ(questions[0].name(), NameOf("tea", row.keeper));
    EXPECT_EQ(questions[0].kinds_size(), 1);
  }
}

TEST(Person, AnExportHasAValueOnce_WithTheNewestOfAllWhoReportedIt) {
  Parts parts = PartsOf(std::vector<std::string>{"m_1", "m_2"});
  std::vector<v1::PartTold> told(2);
  const auto add = [&](size_t part, const std::string& value, int64_t seconds, bool verified) {
    auto* contact = told[part].mutable_everything()->mutable_contact();
    v1::ExportedField* field = contact->empty() ? contact->Add() : contact->Mutable(0);
    v1::ContactField* shown =
        field->has_current() ? field->add_earlier() : field->mutable_current();
    shown->set_kind(v1::CONTACT_KIND_PHONE);
    shown->set_value(value);
    shown->mutable_report_time()->set_seconds(seconds);
    shown->set_verified(verified);
    shown->set_kept_at(NameOf("tea", parts[part].member()));
    if (parts[part].fields().empty()) {
      v1::PartField* newest = parts[part].add_fields();
      newest->set_kind(v1::CONTACT_KIND_PHONE);
      newest->set_occurred_us(seconds * kMicrosPerSecond);
    }
  };
  for (int i = 0; i < 4; ++i) add(0, Cat("one", i), 100 - i, i == 1);
  for (int i = 0; i < 4; ++i) add(1, Cat(i == 0 ? "one" : "two", i + 1), 99 - 2 * i, false);
  const v1::MemberExport everything = ExportOfPerson("tea", parts, told);
  ASSERT_EQ(everything.contact_size(), 1);
  std::string text = everything.contact(0).current().value();
  for (const v1::ContactField& field : everything.contact(0).earlier()) {
    Append(&text, " ", field.value(), field.verified() ? "*" : "");
  }
  EXPECT_EQ(text, "one0 one1* one2 one3 two2") << "five, newest first";
}

}  // namespace
}  // namespace regulars::identity::vault
