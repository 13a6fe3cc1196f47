// What a person may decide, and what is refused: a row for every outcome.
#include <gtest/gtest.h>

#include <string>

#include "services/identity/kernel/town.h"

namespace regulars::identity {
namespace {

class Commands : public testing::Test {
 protected:
  Commands() {
    town.Touch("card:ann phone:1");
    ++town.now_us;
    town.Touch("openid:bob email:bob");
    ++town.now_us;
    town.Touch("card:cid");
    ann = town.Root("card:ann");
    bob = town.Root("openid:bob");
    cid = town.Root("card:cid");
  }
  // Joins Ann and Bob; the merge.
  std::string Join(const std::string& operation) {
    EXPECT_EQ(town.Merge(bob, ann, operation, false, true).outcome, CommandOutcome::kDone);
    EXPECT_TRUE(town.Same("card:ann", "openid:bob"));
    return town.merges.back().merge_id();
  }
  Town town;
  std::string ann, bob, cid;
};

TEST_F(Commands, MergeIsCarriedOutUnderTheRules) {
  EXPECT_EQ(town.Merge(bob, ann, "dry", true).outcome, CommandOutcome::kDryRun);
  EXPECT_FALSE(town.Same("card:ann", "openid:bob"));
  Join("op1");
  EXPECT_EQ(town.Root("openid:bob"), ann);  // the older one, whoever was named first
  EXPECT_EQ(town.merges.back().evidence().rule_version(), "command");
}

TEST_F(Commands, MergeIsRefused) {
  EXPECT_EQ(town.Merge("m_nobody", ann, "a").outcome, CommandOutcome::kMemberUnknown);
  EXPECT_EQ(town.Merge(ann, ann, "b").outcome, CommandOutcome::kMergeWithItself);
  EXPECT_EQ(town.Merge(ann, "m_nobody", "c").outcome, CommandOutcome::kOtherUnknown);
  EXPECT_EQ(town.Merge(ann, cid, "d").outcome, CommandOutcome::kLimitBroken);
  EXPECT_EQ(town.Merge(ann, cid, "d").detail, "unique:card");
  Join("e");
  EXPECT_EQ(town.Merge(ann, bob, "f").outcome, CommandOutcome::kMergeWithItself);
  EXPECT_EQ(town.Merge(bob, ann, "g").outcome, CommandOutcome::kMemberIsAlias);
  EXPECT_EQ(town.Merge(bob, ann, "g").detail, ann);
  EXPECT_EQ(town.Merge(cid, bob, "h").outcome, CommandOutcome::kOtherIsAlias);
}

TEST_F(Commands, AnOperationTakesEffectOnce) {
  const std::string merge = Join("op1");
  EXPECT_EQ(town.Merge(bob, ann, "op1", false, true).outcome, CommandOutcome::kRepeated);
  EXPECT_EQ(town.Merge(bob, cid, "op1").outcome, CommandOutcome::kOperationConflict);
  const CommandResult first = town.Undo(ann, merge, "op2");
  EXPECT_EQ(first.outcome, CommandOutcome::kDone);
  const CommandResult again = town.Undo(ann, merge, "op2");
  EXPECT_EQ(again.outcome, CommandOutcome::kRepeated);
  EXPECT_EQ(again.answer.SerializeAsString(), first.answer.SerializeAsString());
}

TEST_F(Commands, UndoGivesBothSidesBack) {
  const std::string merge = Join("op1");
  EXPECT_EQ(town.Undo(bob, merge, "x").outcome, CommandOutcome::kMemberIsAlias);
  EXPECT_EQ(town.Undo(ann, "no such", "y").outcome, CommandOutcome::kMergeUnknown);
  const CommandResult done = town.Undo(ann, merge, "op2");
  ASSERT_EQ(done.outcome, CommandOutcome::kDone);
  EXPECT_EQ(town.Root("openid:bob"), bob);
  EXPECT_EQ(town.Root("email:bob"), bob);
  EXPECT_EQ(town.Root("phone:1"), ann);
  EXPECT_EQ(town.Anchor("email:bob").member(), bob);
  ASSERT_EQ(done.answer.split().parts_size(), 2);
  EXPECT_EQ(done.answer.split().parts(1).member(), bob);
  EXPECT_EQ(done.answer.split().parts(1).member_epoch(), 1u);
  ASSERT_EQ(done.answer.split().parts(1).first_fragment_ids_size(), 1);
  EXPECT_EQ(done.answer.split().parts(1).first_fragment_ids(0),
            town.Anchor("openid:bob").fragment_id());
  EXPECT_EQ(done.answer.split().merge_ids(0), merge);
  EXPECT_EQ(town.Undo(ann, merge, "op3").outcome, CommandOutcome::kMergeUnknown);
}

TEST_F(Commands, WhatASplitDecidedHolds) {
  const std::string merge = Join("op1");
  ASSERT_EQ(town.Undo(ann, merge, "op2").outcome, CommandOutcome::kDone);
  town.Touch("card:ann openid:bob");  // new evidence joins them no more
  EXPECT_FALSE(town.Same("card:ann", "openid:bob"));
  EXPECT_EQ(town.suppressed.back().rule(), "do_not_link");
  EXPECT_EQ(town.Merge(ann, bob, "op3").outcome, CommandOutcome::kDoNotLink);
  Join("op4");  // until a person says otherwise
}

TEST_F(Commands, SplitTakesTheNamedIdentifiersAway) {
  EXPECT_EQ(town.Split("m_nobody", {"phone:1"}, "a").outcome, CommandOutcome::kMemberUnknown);
  EXPECT_EQ(town.Split(ann, {"phone:7"}, "b").outcome, CommandOutcome::kIdentifierUnknown);
  EXPECT_EQ(town.Split(ann, {}, "c").outcome, CommandOutcome::kNothingToSplit);
  EXPECT_EQ(town.Split(ann, {"phone:1", "card:ann"}, "d").outcome, CommandOutcome::kNothingToSplit);
  const CommandResult dry = town.Split(ann, {"phone:1"}, "e", true);
  EXPECT_EQ(dry.outcome, CommandOutcome::kDryRun);
  EXPECT_TRUE(town.Same("card:ann", "phone:1"));
  const CommandResult done = town.Split(ann, {"phone:1"}, "e");
  EXPECT_EQ(done.outcome, CommandOutcome::kDone);
  EXPECT_EQ(done.answer.split().parts(1).member(), dry.answer.split().parts(1).member());
  EXPECT_FALSE(town.Same("card:ann", "phone:1"));
  EXPECT_EQ(town.Root("phone:1"), done.answer.split().parts(1).member());  // a new one
}

TEST_F(Commands, ARefusalChangesNothing) {
  const std::string before = town.Dump();
  town.Merge(ann, cid, "a");
  town.Merge(ann, ann, "b");
  town.Split(ann, {"phone:7"}, "c");
  town.Split(ann, {"phone:1"}, "d", true);
  town.Undo(ann, "no such", "e");
  EXPECT_EQ(town.Dump(), before);
}

TEST_F(Commands, ASplitWaitsForAMerge) {
  town.hold = true;
  ASSERT_EQ(town.Merge(bob, ann, "op1").outcome, CommandOutcome::kDone);
  for (int i = 0; i < 3; ++i) town.DeliverNext();  // Link, Try, Propose
  EXPECT_EQ(town.Split(ann, {"phone:1"}, "op2").outcome, CommandOutcome::kMergeInProgress);
  EXPECT_EQ(town.Merge(bob, cid, "op3").outcome, CommandOutcome::kMergeInProgress);
  town.Deliver();
  EXPECT_EQ(town.Split(ann, {"phone:1"}, "op2").outcome, CommandOutcome::kDone);
}

TEST_F(Commands, ASplitWaitsForTheServicesThatFollow) {
  town.rules.awaited_services = {"points"};
  const std::string merge = Join("op1");
  EXPECT_EQ(town.Undo(ann, merge, "op2").outcome, CommandOutcome::kMergeInProgress);
}

}  // namespace
}  // namespace regulars::identity
