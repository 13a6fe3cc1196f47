#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "services/identity/vault/contact.h"
#include "services/identity/vault/data_key.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/vault_harness.h"

namespace regulars::identity::vault {
namespace {

using O = ContactOutcome;

TEST(Contact, TheNewestReportOfAFieldWins_OlderOnesAreHistory) {
  struct Row {
    const char* touch;
    int minute;
    const char* phone;
    O outcome;
    const char* values;  // newest first
  };
  const Row rows[] = {
      {"t1", 10, "+8613800000001", O::kChanged, "+8613800000001"},
      {"t1", 10, "+8613800000001", O::kNothingNew, "+8613800000001"},
      {"t2", 20, "+8613800000002", O::kChanged, "+8613800000002 +8613800000001"},
      {"t3", 15, "+8613800000003", O::kOlder, "+8613800000002 +8613800000003 +8613800000001"},
      {"t4", 30, "+86 138-0000 0002", O::kOlder, "+8613800000002 +8613800000003 +8613800000001"},
      {"t5", 25, "+8613800000001", O::kOlder, "+8613800000002 +8613800000001 +8613800000003"},
      {"t6", 40, "+8613800000003", O::kChanged, "+8613800000003 +8613800000002 +8613800000001"},
      {"t7", 40, "+8613800000004", O::kChanged,
       "+8613800000004 +8613800000003 +8613800000002 +8613800000001"}};
  const TestKeys keys;
  VaultMember member;
  for (const Row& row : rows) {
    const auto report =
        Report(keys, row.touch, kDay + row.minute * kMicrosPerMinute, {{"phone", row.phone}});
    EXPECT_EQ(member.Add(keys, report), row.outcome) << row.touch;
    EXPECT_EQ(member.Values(keys, v1::CONTACT_KIND_PHONE), row.values) << row.touch;
    EXPECT_EQ(member.last.publishes.size(), row.outcome == O::kChanged ? 1U : 0U) << row.touch;
  }
}

TEST(Contact, HistoryIsBounded_AtTheLimitAndOneAbove) {
  const TestKeys keys;
  VaultMember member;
  for (int i = 1; i <= kValuesMax + 1; ++i) {
    EXPECT_EQ(member.Add(keys, Report(keys, Cat("t", i), kDay + i, {{"name", Cat("n", i)}})),
              O::kChanged);
  }
  EXPECT_EQ(member.Values(keys, v1::CONTACT_KIND_NAME), "n6 n5 n4 n3 n2");
  EXPECT_EQ(member.Add(keys, Report(keys, "t0", kDay, {{"name", "n0"}})), O::kNothingNew);
}

TEST(Contact, ReportsCommute) {
  const TestKeys keys;
  std::vector<v1::ContactReported> reports;
  for (int i = 0; i < 12; ++i) {
    reports.push_back(Report(keys, Cat("t", i), kDay + i / 2,
                             {{"phone", Cat("+861380000000", i % 7)}, {"name", Cat("n", i % 3)}}));
  }
  std::mt19937 random(1);
  std::string expected;
  for (int round = 0; round < 200; ++round) {
    VaultMember member;
    for (const auto& report : reports) member.Add(keys, report);
    const std::string values = Cat(member.Values(keys, v1::CONTACT_KIND_PHONE), " | ",
                                   member.Values(keys, v1::CONTACT_KIND_NAME));
    if (round == 0) expected = values;
    EXPECT_EQ(values, expected);
    std::shuffle(reports.begin(), reports.end(), random);
  }
}

TEST(Contact, AReplayWritesTheSameBytes_AndNothingIsClear) {
  const TestKeys keys;
  const auto report = Report(keys, "t1", kDay,
                             {{"phone", "13800138000"},
                              {"email", "ann@Tea.example"},
                              {"name", "Ann Tea"},
                              {"city", "Hangzhou"}});
  VaultMember one;
  VaultMember two;
  one.Add(keys, report);
  two.Add(keys, report);
  EXPECT_EQ(one.state.Dump(), two.state.Dump());
  EXPECT_EQ(one.last.publishes[0].payload, two.last.publishes[0].payload);
  const std::string written = one.state.Dump() + one.last.publishes[0].payload;
  for (const char* clear : {"13800138000", "tea.example", "Ann Tea", "Hangzhou"}) {
    EXPECT_EQ(written.find(clear), std::string::npos) << clear;
  }
  EXPECT_EQ(one.Values(keys, v1::CONTACT_KIND_EMAIL), "ann@tea.example");
  EXPECT_EQ(one.last.publishes[0].type, events::kContactChanged);
}

TEST(Contact, AValueIsVerifiedByAVerifiedIdentifierOfTheSameValue) {
  const TestKeys keys;
  VaultMember member;
  auto report = Report(keys, "t1", kDay, {{"phone", "+8613800000001"}, {"email", "a@tea.example"}});
  report.add_verified_hmacs(keys.pepper.Hmac("phone", "", "+8613800000001"));
  report.add_verified_hmacs(keys.pepper.Hmac("email", "", "b@tea.example"));
  member.Add(keys, report);
  EXPECT_EQ(member.Values(keys, v1::CONTACT_KIND_PHONE), "+8613800000001*");
  EXPECT_EQ(member.Values(keys, v1::CONTACT_KIND_EMAIL), "a@tea.example");
  member.Add(keys, Report(keys, "t2", kDay + 1, {{"phone", "+8613800000001"}}));
  EXPECT_EQ(member.Values(keys, v1::CONTACT_KIND_PHONE), "+8613800000001*");
}

// Outcomes in their documented precedence: each row spoils one thing more than the next one.
TEST(Contact, OutcomesInOrderOfPrecedence) {
  const TestKeys keys;
  const TestKeys day_gone(KeyLine("k1", 'k'), KeyLine("transport/2026-11-24", 'u'));
  const TestKeys kek_gone(KeyLine("k2", 'x'));
  const auto first = Report(keys, "t1", kDay, {{"phone", "+8613800000001"}});
  const auto second = Report(keys, "t2", kDay + 1, {{"phone", "+8613800000002"}});
  auto garbled = second;
  garbled.mutable_contact()->mutable_ciphertext()->push_back('x');

  VaultMember member;
  member.Add(keys, first);
  const auto outcome = [&](const v1::ContactReported& report, const PoolKeys& pool_keys) {
    shard::Effects effects;
    const O result = AddContact(member.state, kPool, report, pool_keys, kDay, &effects);
    EXPECT_EQ(effects.puts.empty(), result < O::kOlder);
    EXPECT_EQ(effects.sums.empty(), result >= O::kNothingNew);
    EXPECT_EQ(effects.outcome, OutcomeLabel(result));
    return result;
  };
  EXPECT_EQ(outcome(second, keys.all()), O::kChanged);
  EXPECT_EQ(outcome(Report(keys, "t0", kDay - 1, {{"phone", "+8613800000000"}}), keys.all()),
            O::kOlder);
  EXPECT_EQ(outcome(Report(keys, "t3", kDay, {}), keys.all()), O::kNothingNew);
  EXPECT_EQ(outcome(second, kek_gone.all()), O::kMemberKeyGone);
  EXPECT_EQ(outcome(garbled, kek_gone.all()), O::kUnreadable);
  EXPECT_EQ(outcome(garbled, day_gone.all()), O::kTransportKeyGone);
  EXPECT_EQ(outcome(garbled, PoolKeys()), O::kVaultOff);
  member.state.Set(kErasedSub, v1::Erasure().SerializeAsString());
  EXPECT_EQ(outcome(garbled, PoolKeys()), O::kMemberErased);
}

TEST(DataKey, IsWrappedAgainUnderTheNewestKek_AndCounted) {
  const TestKeys before;
  VaultMember member;
  member.Add(before, Report(before, "t1", kDay, {{"name", "Ann"}}));
  EXPECT_EQ(member.sums["vault/keys/k1"], 1);
  const TestKeys rotated(KeyLine("k1", 'k') + KeyLine("k2", 'l'));
  EXPECT_EQ(member.Values(rotated, v1::CONTACT_KIND_NAME), "Ann");
  member.Add(rotated, Report(before, "t2", kDay + 1, {{"name", "Ann Tea"}}));
  EXPECT_EQ(member.sums["vault/keys/k1"], 0);
  EXPECT_EQ(member.sums["vault/keys/k2"], 1);
  const TestKeys after(KeyLine("k2", 'l'));
  EXPECT_EQ(member.Values(after, v1::CONTACT_KIND_NAME), "Ann Tea Ann");
  EXPECT_EQ(member.Values(before, v1::CONTACT_KIND_NAME), "?");
}

TEST(DataKey, CannotBeMadeAgainOnceItsDayIsDestroyed) {
  const TestKeys keys;
  VaultMember member;
  const auto report = Report(keys, "t1", kDay, {{"name", "Ann"}});
  member.Add(keys, report);
  const TestKeys next_day(KeyLine("k1", 'k'), KeyLine("transport/2026-11-24", 'u'));
  EXPECT_EQ(member.Values(next_day, v1::CONTACT_KIND_NAME), "Ann");
  EXPECT_FALSE(
      next_day.transport_keys->DeriveSeed(BoxOf(report.contact()), KeyPlace(kPool, kMember)).ok());
}

EraseFacts Facts() { return {kMember, "k7", "request", kDay + 5, {"i_1", "i_2"}, 3}; }

TEST(Erasure, TellsManyIdentifiersSomeAtATime) {
  MapState state;
  state.Set("member", "x");
  EraseFacts facts = Facts();
  facts.leads.clear();
  for (size_t i = 0; i < 2 * kToldAtOnceMax + 1; ++i) facts.leads.push_back(Cat("i_", i));
  shard::Effects effects;
  EraseMember(state, facts, &effects);
  std::vector<std::string> told;
  const size_t expected[] = {kToldAtOnceMax, kToldAtOnceMax, 1, 0};
  for (const size_t count : expected) {
    size_t now = 0;
    for (const shard::Publish& event : effects.publishes) {
      if (event.type != events::kIdentifierErased) continue;
      told.push_back(event.entity);
      ++now;
    }
    EXPECT_EQ(now, count);
    EXPECT_LE(effects.publishes.size(), shard::kPublishesPerInputMax);
    state.Apply(effects);
    EXPECT_EQ(CheckErased(state), "");
    EXPECT_EQ(effects.set_timers.empty(), told.size() == facts.leads.size());
    effects = {};
    GoOnErasing(state, kMember, facts.now_us, &effects);
  }
  EXPECT_EQ(told, facts.leads);
  EXPECT_EQ(state.size(), 1U);
}

TEST(Erasure, LeavesATombstoneOnly_AndTellsEveryIdentifier) {
  const TestKeys keys;
  VaultMember member;
  member.Add(keys, Report(keys, "t1", kDay, {{"phone", "+8613800000001"}, {"name", "Ann"}}));
  member.state.Set("member", "what identity keeps");
  member.state.Set("frag/f_1", "more of it");
  member.last = {};
  const EraseDecision decision = EraseMember(member.state, Facts(), &member.last);
  EXPECT_EQ(decision.outcome, EraseOutcome::kErased);
  EXPECT_EQ(decision.erasure.contact_fields(), 2);
  EXPECT_EQ(decision.erasure.identifiers(), 3);
  ASSERT_EQ(member.last.publishes.size(), 3U);
  EXPECT_EQ(member.last.publishes[0].type, events::kMemberErased);
  EXPECT_EQ(member.last.publishes[1].entity, "i_1");
  EXPECT_EQ(member.last.publishes[2].type, events::kIdentifierErased);
  member.Take();
  EXPECT_EQ(member.state.size(), 1U);
  EXPECT_EQ(CheckErased(member.state), "");
  EXPECT_EQ(member.sums["vault/keys/k1"], 0);
  EXPECT_EQ(member.sums["members_erased"], 1);
}

TEST(Erasure, OutcomesInOrderOfPrecedence) {
  VaultMember nobody;
  EXPECT_EQ(EraseMember(nobody.state, Facts(), &nobody.last).outcome, EraseOutcome::kMemberUnknown);
  EXPECT_TRUE(nobody.last.puts.empty() && nobody.last.publishes.empty());
  nobody.state.Set("member", "x");
  nobody.last = {};
  EXPECT_EQ(EraseMember(nobody.state, Facts(), &nobody.last).outcome, EraseOutcome::kErased);
  nobody.Take();
  nobody.last = {};
  EraseFacts again = Facts();
  again.now_us += 100;
  const EraseDecision second = EraseMember(nobody.state, again, &nobody.last);
  EXPECT_EQ(second.outcome, EraseOutcome::kAlreadyErased);
  EXPECT_EQ(second.erasure.erased_us(), Facts().now_us);
  EXPECT_TRUE(nobody.last.puts.empty() && nobody.last.publishes.empty());
}

TEST(Erasure, ALateReportBringsNothingBack) {
  const TestKeys keys;
  VaultMember member;
  member.Add(keys, Report(keys, "t1", kDay, {{"name", "Ann"}}));
  member.last = {};
  EraseMember(member.state, Facts(), &member.last);
  member.Take();
  EXPECT_EQ(member.Add(keys, Report(keys, "t2", kDay + 9, {{"name", "Ann"}})), O::kMemberErased);
  EXPECT_EQ(member.state.size(), 1U);
}

TEST(Erasure, AnIdentifierLosesTheAnchorAtTheErasedMemberOnly) {
  v1::IdentifierErased erased;
  erased.set_member(kMember);
  erased.set_erased_us(kDay);
  MapState identifier;
  identifier.Set("anchor", "x");
  identifier.Set("order/till/1", "a fact counts once for ever");
  shard::Effects effects;
  EXPECT_EQ(Unanchor(erased, "m_another", "anchor", &effects), UnanchorOutcome::kElsewhere);
  EXPECT_TRUE(effects.puts.empty() && effects.deletes.empty());
  EXPECT_EQ(Unanchor(erased, kMember, "anchor", &effects), UnanchorOutcome::kUnanchored);
  identifier.Apply(effects);
  EXPECT_TRUE(IsUnanchored(identifier));
  EXPECT_FALSE(identifier.Get("anchor").has_value());
  EXPECT_TRUE(identifier.Get("order/till/1").has_value());
  EXPECT_TRUE(HappenedBeforeErasure(identifier, kDay));
  EXPECT_FALSE(HappenedBeforeErasure(identifier, kDay + 1));
  EXPECT_FALSE(HappenedBeforeErasure(MapState(), kDay));
}

}  // namespace
}  // namespace regulars::identity::vault
