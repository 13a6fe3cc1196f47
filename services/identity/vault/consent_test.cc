#include "services/identity/vault/consent.h"

#include <gtest/gtest.h>

#include <string>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "services/identity/kernel/map_state.h"

namespace regulars::identity::vault {
namespace {

constexpr Micros kNow = 1'795'435'200'000'000;
using O = ConsentOutcome;

class Consents : public testing::Test {
 protected:
  O Say(const std::string& purpose, const std::string& channel, char decision, Micros at_us,
        Micros now_us = kNow) {
    ConsentReport report{"m_1", purpose, channel, {}};
    report.fact.set_decision(decision == 'g' ? v1::CONSENT_DECISION_GRANTED
                                             : v1::CONSENT_DECISION_WITHDRAWN);
    report.fact.set_decided_us(at_us);
    report.fact.set_source("shop");
    effects_ = {};
    const O outcome = RecordConsent(state_, report, now_us, &effects_);
    EXPECT_EQ(effects_.publishes.size(), outcome == O::kRecorded ? 1U : 0U);
    EXPECT_EQ(effects_.puts.empty(), outcome != O::kRecorded);
    state_.Apply(effects_);
    EXPECT_EQ(CheckConsents(state_), "");
    return outcome;
  }
  bool Granted(Micros at_us) { return IsGranted(state_, "marketing", "sms", at_us); }

  MapState state_;
  shard::Effects effects_;
};

TEST_F(Consents, ALedgerOfFacts) {
  struct Row {
    const char* purpose;
    const char* channel;
    char decision;
    Micros at_us;
    O outcome;
    bool granted_now;  // marketing by sms
  };
  const Row rows[] = {{"marketing", "email", 'g', 10, O::kRecorded, false},
                      {"service", "sms", 'g', 10, O::kRecorded, false},
                      {"marketing", "sms", 'g', 10, O::kRecorded, true},
                      {"marketing", "sms", 'g', 10, O::kUnchanged, true},
                      {"marketing", "sms", 'w', 30, O::kRecorded, false},
                      {"marketing", "sms", 'w', 40, O::kUnchanged, false},
                      {"marketing", "sms", 'g', 20, O::kRecorded, false},
                      {"marketing", "sms", 'w', 5, O::kUnchanged, false},
                      {"marketing", "sms", 'g', 50, O::kRecorded, true},
                      {"marketing", "sms", 'w', 50, O::kRecorded, false},
                      {"marketing", "sms", 'g', kNow + 1, O::kInFuture, false},
                      {"marketing", "sms", 'g', kNow, O::kRecorded, true},
                      {"profiling", "any", 'w', 10, O::kRecorded, true},
                      {"profiling", "any", 'w', 11, O::kUnchanged, true}};
  for (const Row& row : rows) {
    EXPECT_EQ(Say(row.purpose, row.channel, row.decision, row.at_us), row.outcome)
        << row.purpose << " " << row.channel << " " << row.decision << " " << row.at_us;
    EXPECT_EQ(Granted(kNow), row.granted_now) << row.at_us;
  }
}

TEST_F(Consents, TheStateIsThatOfTheInstantThatIsAskedFor) {
  Say("marketing", "sms", 'g', 10);
  Say("marketing", "sms", 'w', 30);
  Say("marketing", "sms", 'g', 50);
  EXPECT_FALSE(ConsentAt(state_, "marketing", "sms", 9).has_value());
  EXPECT_FALSE(Granted(9));
  EXPECT_TRUE(Granted(10));
  EXPECT_TRUE(Granted(29));
  EXPECT_FALSE(Granted(30));
  EXPECT_FALSE(Granted(49));
  EXPECT_TRUE(Granted(50));
  EXPECT_EQ(ConsentFacts(state_, "marketing", "sms", kMicrosMax).size(), 3U);
  EXPECT_EQ(ConsentFacts(state_, "marketing", "sms", 30).size(), 2U);
}

TEST_F(Consents, PairsDoNotRunIntoEachOther) {
  Say("a", "b_c", 'g', 10);
  EXPECT_FALSE(IsGranted(state_, "a", "b", kNow));
  EXPECT_FALSE(IsGranted(state_, "a", "b_", kNow));
  EXPECT_TRUE(IsGranted(state_, "a", "b_c", kNow));
}

TEST_F(Consents, LimitsOfAMember_AtTheLimitAndOneAbove) {
  for (int i = 0; i < kPairsMax; ++i) EXPECT_EQ(Say(Cat("p", i), "sms", 'g', 1), O::kRecorded);
  EXPECT_EQ(Say("one_more", "sms", 'g', 1), O::kTooMany);
  EXPECT_EQ(Say("one_more", "sms", 'w', 1), O::kTooMany);
  for (int64_t i = kPairsMax; i < kGrantsMax; ++i) {
    EXPECT_EQ(Say("p0", "sms", 'g', 100 + i), O::kRecorded);
  }
  EXPECT_EQ(Say("p0", "sms", 'g', 1000), O::kTooMany);
  EXPECT_EQ(Say("p0", "sms", 'w', 1000), O::kRecorded) << "a no is heard when a yes is not";
}

TEST(Purpose, IsAShortWord) {
  for (const char* good : {"sms", "marketing", "a", "a1_b", "abcdefghijklmnopqrstuvwxyz012345"}) {
    EXPECT_TRUE(IsPurpose(good)) << good;
  }
  for (const char* bad :
       {"", "1a", "_a", "Sms", "a.b", "a/b", "a b", "a-b", "abcdefghijklmnopqrstuvwxyz0123456"}) {
    EXPECT_FALSE(IsPurpose(bad)) << bad;
  }
}

TEST_F(Consents, WithdrawalsOfAnotherAreTakenOver_AtTheirInstant_Once_AndAboveTheLimitOfFacts) {
  const auto take = [&](const std::string& purpose, Micros at_us) {
    v1::WithdrawalsShared shared;
    shared.set_member("m_2");
    v1::SharedWithdrawal* one = shared.add_withdrawals();
    one->set_purpose(purpose);
    one->set_channel("sms");
    one->mutable_fact()->set_decision(v1::CONSENT_DECISION_WITHDRAWN);
    one->mutable_fact()->set_decided_us(at_us);
    one->mutable_fact()->set_source("shop");
    effects_ = {};
    TakeWithdrawals(state_, "m_1", shared, kNow, &effects_);
    state_.Apply(effects_);
    EXPECT_EQ(CheckConsents(state_), "");
    return effects_.publishes.size();
  };
  Say("marketing", "sms", 'g', 10);
  Say("marketing", "sms", 'g', 30);
  EXPECT_EQ(take("marketing", 20), 1U);
  EXPECT_EQ(take("marketing", 20), 0U);
  EXPECT_TRUE(Granted(kNow));
  EXPECT_FALSE(Granted(25));
  const auto fact = ConsentAt(state_, "marketing", "sms", 25);
  EXPECT_EQ(fact->source(), kSplitSource);
  EXPECT_EQ(fact->evidence(), "m_2");
  EXPECT_EQ(take("marketing", kNow + 5), 1U);  // said where the clock is ahead
  EXPECT_FALSE(Granted(kNow));

  for (int i = 1; i < kPairsMax - 1; ++i) Say(Cat("p", i), "sms", 'w', 10);
  EXPECT_EQ(take("last", 20), 1U);
  EXPECT_EQ(take("one_more", 20), 0U) << "no grant of it is taken, either";
  EXPECT_EQ(Say("one_more", "sms", 'g', 10), O::kTooMany);
  v1::ConsentIndex index = ReadConsentIndex(state_);
  ASSERT_EQ(index.pairs_size(), kPairsMax);
  EXPECT_EQ(WithdrawalsBetween(state_, kNow, kNow).size(), static_cast<size_t>(kPairsMax));
  EXPECT_TRUE(WithdrawalsBetween(state_, 0, kNow - 1).empty());
  EXPECT_TRUE(WithdrawalsBetween(state_, kNow + 1, kMicrosMax).empty());
}

}  // namespace
}  // namespace regulars::identity::vault
