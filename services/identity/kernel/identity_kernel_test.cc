#include <gtest/gtest.h>

#include <string>

#include "libs/base/time.h"
#include "services/identity/kernel/facts.h"
#include "services/identity/kernel/ids.h"
#include "services/identity/kernel/map_state.h"
#include "services/identity/kernel/member.h"
#include "services/identity/kernel/resolve.h"

namespace regulars::identity {
namespace {

TouchFacts Visit(std::string touch_id, Micros occurred_us) {
  TouchFacts touch;
  touch.pool = "tea";
  touch.pivot_key = "i_00000000000000000000000000";
  touch.pivot.set_type("card");
  touch.pivot.set_hmac(std::string(32, 'h'));
  touch.touch_id = std::move(touch_id);
  touch.occurred_us = occurred_us;
  touch.content_hash = 7;
  return touch;
}

TouchOutcome Apply(MapState* state, const TouchFacts& touch, Micros now_us) {
  shard::Effects effects;
  const TouchDecision decision = ResolveTouch(*state, touch, now_us, TouchRules(), &effects);
  state->Apply(effects);
  EXPECT_EQ(CheckIdentifier(*state), "");
  return decision.outcome;
}

TEST(Ids, ArePureFunctionsOfTheirFactsAndDifferWithEach) {
  const AnchorFacts facts{"tea", "i_a", 0, "t1"};
  EXPECT_EQ(MintMemberId(facts), MintMemberId(facts));
  EXPECT_EQ(MintMemberId(facts).size(), kMintedIdBytes);
  EXPECT_EQ(MintMemberId(facts).substr(0, 2), "m_");
  EXPECT_EQ(MintFragmentId(facts).substr(0, 2), "f_");
  EXPECT_NE(MintMemberId(facts).substr(2), MintFragmentId(facts).substr(2));
  EXPECT_NE(MintMemberId(facts), MintMemberId({"cafe", "i_a", 0, "t1"}));
  EXPECT_NE(MintMemberId(facts), MintMemberId({"tea", "i_b", 0, "t1"}));
  EXPECT_NE(MintMemberId(facts), MintMemberId({"tea", "i_a", 1, "t1"}));
  EXPECT_NE(MintMemberId(facts), MintMemberId({"tea", "i_a", 0, "t2"}));
}

TEST(FactKeys, AreReadableAndNeverShared) {
  EXPECT_EQ(OrderKey("tmall", "A1"), "order/tmall/A1");
  EXPECT_EQ(RefundKey("tmall", "A1", "R1"), "refund/tmall/A1/R1");
  EXPECT_EQ(OrderKey("a/b", "c"), "order/a%2Fb/c");
  EXPECT_NE(OrderKey("a/b", "c"), OrderKey("a", "b/c"));
  EXPECT_NE(OrderKey("a%2Fb", "c"), OrderKey("a/b", "c"));
}

TEST(FactKeys, ThatWouldBeTooLongAreHashed) {
  const std::string longest(kFactKeyMax - std::string("order//").size(), 'x');
  EXPECT_EQ(OrderKey("", longest).size(), kFactKeyMax);
  const std::string hashed = OrderKey("", longest + "x");
  EXPECT_EQ(hashed.substr(0, 7), "order/#");
  EXPECT_LT(hashed.size(), 40u);
  EXPECT_NE(hashed, OrderKey("", longest + "y"));
  EXPECT_EQ(OrderKey("#", "1"), "order/%23/1");
}

TEST(Window, IsInclusiveAndHasNoGapAfterTheIdExpired) {
  const Micros window = TouchRules().window_us;
  MapState state;
  const TouchFacts touch = Visit("t1", 1000);
  EXPECT_EQ(Apply(&state, touch, 1000), TouchOutcome::kNewMember);
  // The last instant: the id is still there.
  state.Expire(1000 + window);
  EXPECT_EQ(Apply(&state, touch, 1000 + window), TouchOutcome::kDuplicate);
  // One above: too old, whether or not the runtime has removed the id.
  EXPECT_EQ(Apply(&state, touch, 1000 + window + 1), TouchOutcome::kTooOld);
  const size_t keys_before = state.size();
  state.Expire(1000 + window + 1);
  EXPECT_EQ(state.size(), keys_before - 1);
  EXPECT_EQ(Apply(&state, touch, 1000 + window + 1), TouchOutcome::kTooOld);
}

TEST(Window, DoesNotHoldForBusinessFacts) {
  MapState state;
  TouchFacts order = Visit("t1", 1000);
  order.fact = {OrderKey("tmall", "A1"), 500, "CNY", false};
  const Micros much_later = 1000 + 3 * TouchRules().window_us;
  EXPECT_EQ(Apply(&state, order, much_later), TouchOutcome::kNewMember);
  state.Expire(2 * much_later);
  EXPECT_EQ(Apply(&state, order, 2 * much_later), TouchOutcome::kDuplicate);
}

TEST(Future, IsInclusive) {
  MapState state;
  const Micros now = 50 * kMicrosPerDay;
  EXPECT_EQ(Apply(&state, Visit("t1", now + kMicrosPerDay + 1), now), TouchOutcome::kInFuture);
  EXPECT_EQ(state.size(), 0u);
  EXPECT_EQ(Apply(&state, Visit("t1", now + kMicrosPerDay), now), TouchOutcome::kNewMember);
}

TEST(Birth, IsTheFirstTouchAndItsPosition) {
  MapState state;
  TouchFacts touch = Visit("t1", 1000);
  touch.partition = 3;
  touch.offset = 77;
  Apply(&state, touch, 2000);
  Apply(&state, Visit("t2", 900), 2000);
  const v1::IdentifierState anchor = ReadAnchor(state).value();
  EXPECT_EQ(anchor.birth().birth_us(), 2000);
  EXPECT_EQ(anchor.birth().shard(), 3);
  EXPECT_EQ(anchor.birth().sequence(), 77);
  EXPECT_EQ(anchor.first_seen_us(), 1000);
}

v1::IdentifierAnchored Anchored(int n) {
  v1::IdentifierAnchored anchored;
  anchored.set_member("m_1");
  anchored.set_fragment_id(n == 0 ? "f_first" : "f_other");
  anchored.mutable_birth()->set_birth_us(5);
  anchored.mutable_identifier()->set_hmac(std::string(28, 'h') + std::to_string(1000 + n));
  anchored.set_first_seen_us(4);
  return anchored;
}

TEST(Member, ListsEachIdentifierOnceUpToTheLimit) {
  MapState state;
  const int max = static_cast<int>(kIdentifiersListedMax);
  const auto add = [&](int n) {
    shard::Effects effects;
    const AnchorOutcome outcome = AddIdentifier(state, Anchored(n), &effects);
    state.Apply(effects);
    EXPECT_EQ(CheckMember(state), "");
    return outcome;
  };
  for (int n = 0; n < max; ++n) EXPECT_EQ(add(n), AnchorOutcome::kListed);
  EXPECT_EQ(add(3), AnchorOutcome::kAlreadyKnown);
  EXPECT_EQ(add(max), AnchorOutcome::kCountedOnly);
  const v1::MemberState member = ReadMember(state).value();
  EXPECT_EQ(member.identifiers_size(), max);
  EXPECT_EQ(member.identifier_count(), max + 1);
  EXPECT_EQ(member.fragment_id(), "f_first");
  EXPECT_LT(state.Get(kMemberSub)->size(), shard::kStateBytesMax);
}

TEST(Member, AnIdentifierThatIsKnownWritesNothing) {
  MapState state;
  shard::Effects first;
  AddIdentifier(state, Anchored(0), &first);
  state.Apply(first);
  shard::Effects second;
  AddIdentifier(state, Anchored(0), &second);
  EXPECT_TRUE(second.puts.empty());
}

TEST(Invariants, FindWhatIsWrong) {
  MapState touches_without_anchor;
  touches_without_anchor.Set("seen/t1", "");
  EXPECT_NE(CheckIdentifier(touches_without_anchor), "");

  MapState no_birth;
  v1::IdentifierState anchor;
  anchor.set_member("m_00000000000000000000000000");
  anchor.set_fragment_id("f_00000000000000000000000000");
  no_birth.Set(kAnchorSub, anchor.SerializeAsString());
  EXPECT_EQ(CheckIdentifier(no_birth), "anchor without birth");

  MapState miscounted;
  v1::MemberState member;
  member.mutable_birth();
  member.set_fragment_id("f");
  member.set_identifier_count(2);
  miscounted.Set(kMemberSub, member.SerializeAsString());
  EXPECT_EQ(CheckMember(miscounted), "identifiers counted that are not listed");
}

}  // namespace
}  // namespace regulars::identity
