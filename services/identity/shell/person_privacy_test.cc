// Contact data and consent of a person whose members were merged and parted again, through the
// whole program: what each of them is told after each step, as a ledger.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "libs/base/status.h"
#include "services/identity/codec/candidates_town.h"
#include "services/identity/shell/person.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/messages.h"

namespace regulars::identity {
namespace {

constexpr const char* kPeople[] = {"ann", "ben", "cid"};  // in the order of their births

class PersonPrivacy : public testing::Test {
 protected:
  // "report ann 100", "grant ann", "stop ann", "merge ann ben", "split ben", "erase ann".
  void Do(const std::string& step) {
    const std::vector<std::string> words = absl::StrSplit(step, ' ');
    town_->now_us += kMicrosPerSecond;
    if (words[0] == "report") {
      town_->Touch(words[1], {.phone = Cat("+8613800000", words[2])});
    } else if (words[0] == "merge") {
      ASSERT_EQ(town_->Merge(words[1], words[2]), "OK") << step;
    } else if (words[0] == "split") {
      ASSERT_EQ(town_->Split(words[1]), "OK") << step;
    } else if (words[0] == "erase") {
      ASSERT_EQ(town_->Erase(words[1]), "OK") << step;
    } else {
      ASSERT_EQ(Say(words[1], words[0] == "grant"), "OK") << step;
    }
  }
  // As the gateway does it: by the name of an alias the survivor is told.
  std::string Say(const std::string& person, bool grants) {
    v1::RecordConsentRequest request;
    request.set_parent(vault::NameOf(vault::kPool, town_->MemberOf(person)));
    request.mutable_consent()->set_purpose("marketing");
    request.mutable_consent()->set_channel("sms");
    request.mutable_consent()->set_decision(grants ? v1::CONSENT_DECISION_GRANTED
                                                   : v1::CONSENT_DECISION_WITHDRAWN);
    request.mutable_consent()->set_source("shop");
    std::string told = town_->Command(vault::kRecordConsent, town_->MemberOf(person), request);
    for (int i = 0; i < 4 && !town_->reply.survivor.empty(); ++i) {
      told = town_->Command(vault::kRecordConsent, town_->reply.survivor, request);
    }
    return told;
  }
  // "100@ann": the phone that is told by this name, and who keeps it; or the reason.
  std::string Phone(const std::string& person) {
    v1::ResolveContactRequest request;
    request.set_purpose("marketing");
    request.set_channel("sms");
    request.add_kinds(v1::CONTACT_KIND_PHONE);
    const std::string alone =
        town_->Command(vault::kResolveContact, town_->MemberOf(person), request);
    v1::ResolveContactResponse response;
    if (alone == "OK") {
      EXPECT_TRUE(response.ParseFromString(town_->reply.unlogged));
    } else if (alone != vault::kMemberHasParts && alone != "MEMBER_IS_ALIAS") {
      return alone;
    } else {
      const auto parts = Parts(person);
      if (!parts.ok()) return ReasonOf(parts.status());
      if (vault::ConsentOfPerson(vault::kPool, *parts, "marketing", "sms").decision() !=
          v1::CONSENT_DECISION_GRANTED) {
        return "CONSENT_MISSING";
      }
      const auto told = Told(vault::QuestionsOf(vault::kPool, *parts, request));
      if (!told.ok()) return ReasonOf(told.status());
      response = vault::FieldsOfPerson(vault::kPool, *parts, request, *told);
    }
    if (response.fields_size() != 1) return "CONTACT_UNKNOWN";
    const v1::ContactField& field = response.fields(0);
    return Cat(field.value().substr(field.value().size() - 3), "@", WhoIs(field.kept_at()));
  }
  std::string WhoIs(const std::string& name) {
    for (const char* person : kPeople) {
      if (name == vault::NameOf(vault::kPool, town_->MemberOf(person))) return person;
    }
    return name;
  }
  absl::StatusOr<vault::Parts> Parts(const std::string& person, bool history = false) {
    v1::DescribePartRequest question;
    question.set_show_history(history);
    absl::StatusOr<vault::Parts> parts = absl::InternalError("not answered");
    GatherPerson(
        [this](const std::string& member, const v1::DescribePartRequest& asked, auto done) {
          if (silent_.contains(member)) return done(Silence());
          done(Read<v1::PartDescription>(
              town_->Ask(vault::kDescribePart, member, asked.SerializeAsString())));
        },
        vault::kPool, town_->MemberOf(person), question,
        [&](absl::StatusOr<vault::Parts> told) { parts = std::move(told); });
    return parts;
  }
  absl::StatusOr<std::vector<v1::PartTold>> Told(std::vector<v1::TellPartRequest> questions) {
    absl::StatusOr<std::vector<v1::PartTold>> answers = absl::InternalError("not answered");
    GatherTold(
        [this](const std::string& member, const v1::TellPartRequest& asked, auto done) {
          if (silent_when_told_.contains(member)) return done(Silence());
          town_->Command(vault::kTellPart, member, asked);
          done(Read<v1::PartTold>(town_->reply));
        },
        std::move(questions),
        [&](absl::StatusOr<std::vector<v1::PartTold>> told) { answers = std::move(told); });
    return answers;
  }
  std::string Consent(const std::string& person) {
    const auto parts = Parts(person, true);
    if (!parts.ok()) return ReasonOf(parts.status());
    const v1::Consent consent = vault::ConsentOfPerson(vault::kPool, *parts, "marketing", "sms");
    std::string text = Line(consent);
    for (const auto& earlier : consent.history()) Append(&text, " ", Line(earlier));
    return text;
  }
  template <typename Fact>
  std::string Line(const Fact& fact) {
    return Cat(fact.decision() == v1::CONSENT_DECISION_GRANTED ? "+" : "-", WhoIs(fact.kept_at()),
               fact.source() == "split"
                   ? Cat("(", WhoIs(vault::NameOf(vault::kPool, fact.evidence())), ")")
                   : "");
  }

  static absl::Status Silence() {
    return DomainError(absl::StatusCode::kUnavailable, "SHARD_NOT_OWNED", "nobody is there");
  }
  template <typename Message>
  static absl::StatusOr<Message> Read(const shard::Reply& reply) {
    if (reply.code != absl::StatusCode::kOk) {
      return DomainError(reply.code, reply.reason, reply.message);
    }
    Message message;
    EXPECT_TRUE(message.ParseFromString(reply.payload) && message.MergeFromString(reply.unlogged));
    return message;
  }
  static void WithoutMatching(IdentityOptions* options) { options->matchers.clear(); }

  std::unique_ptr<CandidatesTown> town_ = std::make_unique<CandidatesTown>(WithoutMatching);
  std::set<std::string> silent_, silent_when_told_;
};

struct Row {
  const char* step;
  const char* ann;
  const char* ben;
};
#define PLAY(rows)                                \
  for (const Row& row : rows) {                   \
    Do(row.step);                                 \
    EXPECT_EQ(Phone("ann"), row.ann) << row.step; \
    EXPECT_EQ(Phone("ben"), row.ben) << row.step; \
  }

TEST_F(PersonPrivacy, ContactStaysWhereItWasReported_TheNewestOfAllCounts) {
  const Row rows[] = {{"report ann 100", "CONSENT_MISSING", "MEMBER_UNKNOWN"},
                      {"grant ann", "100@ann", "MEMBER_UNKNOWN"},
                      {"report ben 200", "100@ann", "CONSENT_MISSING"},
                      {"grant ben", "100@ann", "200@ben"},
                      {"merge ann ben", "200@ben", "200@ben"},
                      {"report ann 101", "101@ann", "101@ann"},
                      {"report ben 201", "201@ben", "201@ben"},
                      {"split ben", "101@ann", "201@ben"},
                      {"report ben 202", "101@ann", "202@ben"},
                      {"merge ann ben", "202@ben", "202@ben"}};
  PLAY(rows);
}

TEST_F(PersonPrivacy, WhoSaidStopWhileTheyWereOneSaidItForBoth) {
  const Row rows[] = {{"report ann 100", "CONSENT_MISSING", "MEMBER_UNKNOWN"},
                      {"report ben 200", "CONSENT_MISSING", "CONSENT_MISSING"},
                      {"grant ann", "100@ann", "CONSENT_MISSING"},
                      {"grant ben", "100@ann", "200@ben"},
                      {"merge ann ben", "200@ben", "200@ben"},
                      {"stop ben", "CONSENT_MISSING", "CONSENT_MISSING"},  // recorded at ann
                      {"split ben", "CONSENT_MISSING", "CONSENT_MISSING"},
                      {"grant ben", "CONSENT_MISSING", "200@ben"},
                      {"merge ann ben", "200@ben", "200@ben"}};
  PLAY(rows);
  EXPECT_EQ(Consent("ann"), "+ben -ann +ben +ann");  // the stop that ben took over is ann's
}

TEST_F(PersonPrivacy, WhatWasSaidBeforeAMergeIsOnesOwnAgainAfterASplit) {
  const Row rows[] = {{"report ann 100", "CONSENT_MISSING", "MEMBER_UNKNOWN"},
                      {"report ben 200", "CONSENT_MISSING", "CONSENT_MISSING"},
                      {"grant ann", "100@ann", "CONSENT_MISSING"},
                      {"stop ben", "100@ann", "CONSENT_MISSING"},
                      {"merge ann ben", "CONSENT_MISSING", "CONSENT_MISSING"},
                      {"split ben", "100@ann", "CONSENT_MISSING"}};
  PLAY(rows);
  EXPECT_EQ(Consent("ben"), "-ben");
}

TEST_F(PersonPrivacy, AGrantWhileTheyWereOneIsTheSurvivorsOnly) {
  const Row rows[] = {{"report ann 100", "CONSENT_MISSING", "MEMBER_UNKNOWN"},
                      {"report ben 200", "CONSENT_MISSING", "CONSENT_MISSING"},
                      {"merge ann ben", "CONSENT_MISSING", "CONSENT_MISSING"},
                      {"grant ben", "200@ben", "200@ben"},
                      {"split ben", "100@ann", "CONSENT_MISSING"}};
  PLAY(rows);
}

TEST_F(PersonPrivacy, AStopToAMemberThatBecamePartOfAnotherOneHoldsForItsOwnParts) {
  for (const char* step : {"report ann 100", "report ben 200", "report cid 300", "grant cid",
                           "merge ben cid", "stop ben", "merge ann ben", "split cid"}) {
    Do(step);
  }
  EXPECT_EQ(Phone("cid"), "CONSENT_MISSING");
  EXPECT_EQ(Consent("cid"), "-cid(ben) +cid");
  EXPECT_EQ(Consent("ann"), "-ben") << "what cid said leaves with cid";
}

TEST_F(PersonPrivacy, AStopBeforeTheyWereOneIsNotTheOthers) {
  for (const char* step : {"report ann 100", "report ben 200", "report cid 300", "grant cid",
                           "stop ben", "merge ben cid", "merge ann ben", "split cid"}) {
    Do(step);
  }
  EXPECT_EQ(Phone("cid"), "300@cid");
}

TEST_F(PersonPrivacy, ThereIsNoMomentBetweenASplitAndTheStopThatHoldsForIt) {
  for (const char* step :
       {"report ann 100", "report ben 200", "grant ben", "merge ann ben", "stop ann"}) {
    Do(step);
  }
  town_->hold = true;
  Do("split ben");
  EXPECT_EQ(Phone("ben"), "MERGE_IN_PROGRESS") << "ann is somebody else by now";
  EXPECT_EQ(Say("ben", false), "MERGE_IN_PROGRESS");
  for (int i = 0; i < 100 && !town_->queues.empty(); ++i) {
    town_->DeliverSome(1);
    const std::string told = Phone("ben");
    EXPECT_TRUE(told == "MERGE_IN_PROGRESS" || told == "CONSENT_MISSING") << told;
  }
  EXPECT_TRUE(town_->queues.empty());
  EXPECT_EQ(Phone("ben"), "CONSENT_MISSING");
}

TEST_F(PersonPrivacy, AReportOnItsWayDuringAMergeFindsItsMember) {
  for (const char* step : {"report ann 100", "report ben 200", "grant ann"}) Do(step);
  for (const bool report_first : {true, false}) {
    town_->hold = true;
    if (report_first) Do("report ben 201");
    Do("merge ann ben");
    if (!report_first) Do("report ben 202");
    town_->hold = false;
    town_->Deliver([n = 0](size_t count) mutable { return static_cast<size_t>(n++ * 7) % count; });
    EXPECT_EQ(Phone("ann"), report_first ? "201@ben" : "202@ben");
    EXPECT_EQ(Phone("ben"), Phone("ann"));
    Do("split ben");
  }
}

TEST_F(PersonPrivacy, AnErasureOfThePersonLeavesNothingOfEither) {
  for (const char* step : {"report ann 100", "grant ann", "report ben 200", "grant ben",
                           "merge ann ben", "report ben 201"}) {
    Do(step);
  }
  EXPECT_EQ(town_->Erase("ben"), "MEMBER_IS_ALIAS");
  EXPECT_EQ(Phone("ann"), "201@ben");
  EXPECT_EQ(town_->sums["vault/keys/k1"], 2);
  town_->hold = true;
  Do("report ben 202");  // on its way
  Do("erase ann");
  town_->hold = false;
  town_->Deliver();
  EXPECT_EQ(town_->sums["vault/keys/k1"], 0);
  for (const char* person : {"ann", "ben"}) {
    EXPECT_EQ(Phone(person), "MEMBER_ERASED");
    const MapState& state = town_->states[town_->MemberOf(person)];
    EXPECT_EQ(state.size(), 1U) << state.Dump();
    EXPECT_TRUE(state.Get(vault::kErasedSub).has_value());
    EXPECT_EQ(town_->LeadsTo(person), "");
  }
}

TEST_F(PersonPrivacy, AnErasureReachesAllIdentifiers_AlsoThoseThatTheRootDoesNotList) {
  const auto person = [](int i) { return Cat("p", i); };
  for (int i = 0; i <= kMergesMax; ++i) town_->Touch(person(i), {.phone = "+8613800000001"});
  for (int i = 1; i <= kMergesMax; ++i) {
    town_->now_us += kMicrosPerDay;  // within the rate of merges
    ASSERT_EQ(town_->Merge(person(0), person(i)), "OK");
    ASSERT_EQ(town_->LeadsTo(person(i)), town_->MemberOf(person(0))) << i;
  }
  ASSERT_EQ(town_->sums["vault/keys/k1"], kMergesMax + 1);
  ASSERT_EQ(town_->Erase(person(0)), "OK");
  town_->GoOnErasing(person(0));
  EXPECT_EQ(town_->sums["vault/keys/k1"], 0);
  for (int i = 0; i <= kMergesMax; ++i) {
    EXPECT_EQ(town_->LeadsTo(person(i)), "") << i;
    EXPECT_EQ(town_->states[town_->MemberOf(person(i))].size(), 1U) << i;
  }
}

TEST_F(PersonPrivacy, APartThatDoesNotAnswerLeavesNoAnswer) {
  for (const char* step : {"report ann 100", "grant ann", "report ben 200", "merge ann ben"}) {
    Do(step);
  }
  silent_ = {town_->MemberOf("ben")};
  EXPECT_EQ(Phone("ann"), "SHARD_NOT_OWNED");
  EXPECT_EQ(Phone("ben"), "SHARD_NOT_OWNED");
  silent_.clear();
  silent_when_told_ = {town_->MemberOf("ben")};
  EXPECT_EQ(Phone("ann"), "SHARD_NOT_OWNED");
  silent_when_told_.clear();
  EXPECT_EQ(Phone("ann"), "200@ben");
}

TEST_F(PersonPrivacy, AnExportHasEverythingOfAllOnce_AndIsRecordedAtAll) {
  for (const char* step : {"report ann 100", "report ann 200", "report ben 200", "grant ben",
                           "merge ann ben", "report ann 101"}) {
    Do(step);
  }
  EXPECT_EQ(Phone("ann"), "101@ann");
  const auto parts = Parts("ann", true);
  ASSERT_TRUE(parts.ok()) << parts.status();
  std::vector<v1::TellPartRequest> questions;
  for (const v1::PartDescription& part : *parts) {
    questions.emplace_back().set_name(vault::NameOf(vault::kPool, part.member()));
  }
  for (const size_t round : {0U, 1U}) {
    const auto told = Told(questions);
    ASSERT_TRUE(told.ok()) << told.status();
    const v1::MemberExport everything = vault::ExportOfPerson(vault::kPool, *parts, *told);
    EXPECT_EQ(WhoIs(everything.name()), "ann");
    EXPECT_EQ(everything.identifiers_size(), 2);
    ASSERT_EQ(everything.contact_size(), 1);
    std::string phones;
    const auto add = [&](const v1::ContactField& field) {
      Append(&phones, phones.empty() ? "" : " ", field.value().substr(field.value().size() - 3),
             "@", WhoIs(field.kept_at()));
    };
    add(everything.contact(0).current());
    for (const v1::ContactField& field : everything.contact(0).earlier()) add(field);
    EXPECT_EQ(phones, "101@ann 200@ben 100@ann");
    ASSERT_EQ(everything.consents_size(), 1);
    EXPECT_EQ(WhoIs(everything.consents(0).kept_at()), "ben");
    // The phone was told once, of ann; the export of before of each of them.
    std::string disclosed;
    for (const auto& one : everything.disclosures()) {
      Append(&disclosed, disclosed.empty() ? "" : " ", one.purpose(), "@", WhoIs(one.kept_at()));
    }
    EXPECT_EQ(disclosed, round == 0 ? "marketing@ann" : "export@ann marketing@ann export@ben");
  }
}

TEST_F(PersonPrivacy, AReplayWritesTheSameBytes) {
  for (const char* step : {"report ann 100", "report ben 200", "report cid 300", "grant cid",
                           "merge ben cid", "stop ben", "merge ann ben", "report cid 301",
                           "stop ann", "split cid", "report cid 302", "merge ann cid"}) {
    Do(step);
  }
  EXPECT_EQ(Consent("ann"), "-ann -ben +cid");
  std::map<std::string, MapState> again;
  for (shard::Input input : town_->inputs) {
    bool skip = false;
    ASSERT_TRUE(town_->program->Decode(&input, &skip).ok());
    again[input.entity].Apply(town_->program->Apply(again[input.entity], input));
  }
  for (const auto& [entity, state] : again) {
    EXPECT_EQ(state.Dump(), town_->states[entity].Dump()) << entity;
  }
}

}  // namespace
}  // namespace regulars::identity
