#include "services/identity/vault/consent.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_format.h"
#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/events/types.h"

namespace regulars::identity::vault {
namespace {

std::string PairPrefix(std::string_view purpose, std::string_view channel) {
  return Cat(kConsentPrefix, purpose, "/", channel, "/");
}

// Later instants come first in byte order.
std::string FromTime(std::string_view prefix, Micros at_us) {
  return Cat(prefix, absl::StrFormat("%018d", kMicrosMax - at_us), "/");
}

std::string FactSub(const ConsentReport& report) {
  return Cat(FromTime(PairPrefix(report.purpose, report.channel), report.fact.decided_us()),
             report.fact.decision() == v1::CONSENT_DECISION_GRANTED ? "1" : "0");
}

v1::ConsentFact Parse(const std::string& bytes) {
  v1::ConsentFact fact;
  REGULARS_ASSERT(fact.ParseFromString(bytes), "a consent does not parse");
  return fact;
}

bool HasPair(const v1::ConsentIndex& index, const ConsentReport& report) {
  return std::any_of(index.pairs().begin(), index.pairs().end(), [&](const auto& pair) {
    return pair.purpose() == report.purpose && pair.channel() == report.channel;
  });
}

void AddPair(const ConsentReport& report, v1::ConsentIndex* index) {
  v1::ConsentPair* pair = index->add_pairs();
  pair->set_purpose(report.purpose);
  pair->set_channel(report.channel);
  std::sort(index->mutable_pairs()->begin(), index->mutable_pairs()->end(),
            [](const v1::ConsentPair& a, const v1::ConsentPair& b) {
              return std::tie(a.purpose(), a.channel()) < std::tie(b.purpose(), b.channel());
            });
}

void Publish(const ConsentReport& report, std::string_view sub, shard::Effects* effects) {
  v1::ConsentChanged changed;
  changed.set_member(report.member);
  changed.set_purpose(report.purpose);
  changed.set_channel(report.channel);
  changed.set_decision(report.fact.decision());
  changed.set_source(report.fact.source());
  changed.set_decided_us(report.fact.decided_us());
  changed.set_recorded_us(report.fact.recorded_us());
  changed.set_actor(report.fact.actor());
  effects->publishes.push_back({std::string(events::kEventsKind), report.member,
                                std::string(events::kConsentChanged), Cat(sub, "/", report.member),
                                changed.SerializeAsString(), report.fact.decided_us()});
}

}  // namespace

bool IsPurpose(std::string_view text) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && text.size() <= kPurposeMax && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

std::string_view OutcomeLabel(ConsentOutcome outcome) {
  switch (outcome) {
    case ConsentOutcome::kInFuture:
      return "in_future";
    case ConsentOutcome::kUnchanged:
      return "unchanged";
    case ConsentOutcome::kTooMany:
      return "too_many";
    case ConsentOutcome::kRecorded:
      return "recorded";
  }
  REGULARS_ASSERT(false, "unknown consent outcome");
}

ConsentOutcome RecordConsent(const shard::EntityState& state, ConsentReport report, Micros now_us,
                             shard::Effects* effects) {
  const auto end = [&](ConsentOutcome outcome) {
    effects->outcome = OutcomeLabel(outcome);
    return outcome;
  };
  const Micros at_us = report.fact.decided_us();
  if (at_us > now_us) return end(ConsentOutcome::kInFuture);
  v1::ConsentIndex index = ReadConsentIndex(state);
  const bool known_pair = HasPair(index, report);
  const bool grants = report.fact.decision() == v1::CONSENT_DECISION_GRANTED;
  const std::string sub = FactSub(report);
  if (state.Get(sub).has_value() ||
      (!grants && known_pair && !IsGranted(state, report.purpose, report.channel, at_us))) {
    return end(ConsentOutcome::kUnchanged);
  }
  if ((!known_pair && index.pairs_size() == kPairsMax) || index.facts() >= kFactsMax ||
      (grants && index.grants() == kGrantsMax)) {
    return end(ConsentOutcome::kTooMany);
  }
  if (!known_pair) AddPair(report, &index);
  index.set_facts(index.facts() + 1);
  index.set_grants(index.grants() + (grants ? 1 : 0));
  report.fact.set_recorded_us(now_us);
  effects->puts.push_back({sub, report.fact.SerializeAsString(), 0});
  effects->puts.push_back({std::string(kConsentsSub), index.SerializeAsString(), 0});
  Publish(report, sub, effects);
  return end(ConsentOutcome::kRecorded);
}

std::vector<v1::SharedWithdrawal> WithdrawalsBetween(const shard::EntityState& state,
                                                     Micros since_us, Micros until_us) {
  std::vector<v1::SharedWithdrawal> found;
  const v1::ConsentIndex index = ReadConsentIndex(state);
  for (const v1::ConsentPair& pair : index.pairs()) {
    const auto facts = ConsentFacts(state, pair.purpose(), pair.channel(), kMicrosMax);
    const auto newest = std::find_if(facts.begin(), facts.end(), [&](const v1::ConsentFact& fact) {
      return fact.decision() == v1::CONSENT_DECISION_WITHDRAWN && fact.recorded_us() >= since_us &&
             fact.recorded_us() <= until_us;
    });
    if (newest == facts.end()) continue;
    v1::SharedWithdrawal& withdrawal = found.emplace_back();
    withdrawal.set_purpose(pair.purpose());
    withdrawal.set_channel(pair.channel());
    *withdrawal.mutable_fact() = *newest;
  }
  return found;
}

void TakeWithdrawals(const shard::EntityState& state, const std::string& member,
                     const v1::WithdrawalsShared& shared, Micros now_us, shard::Effects* effects) {
  v1::ConsentIndex index = ReadConsentIndex(state);
  const int64_t before = index.facts();
  for (const v1::SharedWithdrawal& withdrawal : shared.withdrawals()) {
    ConsentReport report{member, withdrawal.purpose(), withdrawal.channel(), withdrawal.fact()};
    report.fact.set_decided_us(std::min(report.fact.decided_us(), now_us));
    report.fact.set_recorded_us(now_us);
    if (report.fact.source() != kSplitSource) {
      report.fact.set_source(std::string(kSplitSource));
      report.fact.set_evidence(shared.member());
    }
    const std::string sub = FactSub(report);
    const bool known_pair = HasPair(index, report);
    if (state.Get(sub).has_value() || (!known_pair && index.pairs_size() == kPairsMax)) continue;
    if (!known_pair) AddPair(report, &index);
    index.set_facts(index.facts() + 1);
    effects->puts.push_back({sub, report.fact.SerializeAsString(), 0});
    Publish(report, sub, effects);
  }
  effects->outcome = index.facts() == before ? "unchanged" : "withdrawals_taken";
  if (index.facts() == before) return;
  effects->puts.push_back({std::string(kConsentsSub), index.SerializeAsString(), 0});
}

std::optional<v1::ConsentFact> ConsentAt(const shard::EntityState& state, std::string_view purpose,
                                         std::string_view channel, Micros at_us) {
  const std::string prefix = PairPrefix(purpose, channel);
  const auto found = state.Next(prefix, FromTime(prefix, at_us));
  if (!found.has_value()) return std::nullopt;
  return Parse(found->second);
}

bool IsGranted(const shard::EntityState& state, std::string_view purpose, std::string_view channel,
               Micros at_us) {
  const std::optional<v1::ConsentFact> fact = ConsentAt(state, purpose, channel, at_us);
  return fact.has_value() && fact->decision() == v1::CONSENT_DECISION_GRANTED;
}

std::vector<v1::ConsentFact> ConsentFacts(const shard::EntityState& state, std::string_view purpose,
                                          std::string_view channel, Micros at_us) {
  const std::string prefix = PairPrefix(purpose, channel);
  std::vector<v1::ConsentFact> facts;
  for (auto found = state.Next(prefix, FromTime(prefix, at_us)); found.has_value();
       found = state.Next(prefix, found->first + "~")) {
    facts.push_back(Parse(found->second));
  }
  return facts;
}

v1::ConsentIndex ReadConsentIndex(const shard::EntityState& state) {
  v1::ConsentIndex index;
  if (const std::optional<std::string> bytes = state.Get(kConsentsSub)) {
    REGULARS_ASSERT(index.ParseFromString(*bytes), "the index of consents does not parse");
  }
  return index;
}

std::string CheckConsents(const shard::EntityState& state) {
  const v1::ConsentIndex index = ReadConsentIndex(state);
  int64_t facts = 0;
  int64_t grants = 0;
  for (const v1::ConsentPair& pair : index.pairs()) {
    const auto all = ConsentFacts(state, pair.purpose(), pair.channel(), kMicrosMax);
    if (all.empty()) return "a pair of purpose and channel without a fact";
    facts += static_cast<int64_t>(all.size());
    for (const v1::ConsentFact& fact : all) {
      grants += fact.decision() == v1::CONSENT_DECISION_GRANTED ? 1 : 0;
    }
  }
  if (index.pairs_size() > kPairsMax) return "more pairs of purpose and channel than allowed";
  if (facts != index.facts() || grants != index.grants()) return "consents are counted wrongly";
  return "";
}

}  // namespace regulars::identity::vault
