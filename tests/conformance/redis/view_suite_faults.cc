// What a view does when Redis loses or changes what it held, and how it is built again.
#include <vector>

#include "gmock/gmock.h"
#include "libs/base/wall_clock.h"
#include "libs/redis/view_keys.h"
#include "tests/conformance/redis/view_suite.h"
#include "tests/conformance/redis/view_texts.h"

namespace regulars::redis {
namespace {

using testing::ElementsAre;
using testing::Optional;
using enum ViewOutcome;

// Sends until Redis answers; the caller's duty after kAway.
template <typename Call>
ViewOutcome UntilAnswered(const Call& call) {
  const Micros deadline = MonotonicMicros() + 20 * kMicrosPerSecond;
  ViewOutcome outcome = kAway;
  while (outcome == kAway && MonotonicMicros() < deadline) outcome = call();
  return outcome;
}

TEST_P(ViewConformance, ANewGenerationStartsEmpty) {
  view_->Claim(shard_, "log", 5, 1, 0);
  Apply(*view_, shard_, Move(0, 1, {Set("erased", "1"), Set("kept", "1")}));
  EXPECT_EQ(view_->Claim(shard_, "log", 5, 2, 1), kApplied);
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre());
  EXPECT_EQ(Apply(*view_, shard_, As(5, 2, Move(1, 1, {Set("kept", "1")}))), kApplied);
  EXPECT_EQ(view_->Finish(shard_, 5, 2), kApplied);
  const absl::StatusOr<ViewRead> read = view_->Read(shard_, {"erased", "kept"});
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(Show(read->meta), "log 5 2 1 whole");
  EXPECT_THAT(read->values, ElementsAre(std::nullopt, Optional(std::string("1"))));
}

TEST_P(ViewConformance, ASweepRemovesOlderGenerationsOnly) {
  const ShardId other{"points", 2, 4};
  for (const ShardId& shard : {shard_, other}) {
    for (const int64_t generation : {1, 2, 10}) {
      view_->Claim(shard, "log", 5, generation, 0);
      ApplyRequest request = As(5, generation, Move(0, 0));
      for (int i = 0; i < 50; ++i) {
        request.ops.push_back(Set("k" + std::to_string(i), std::to_string(generation)));
      }
      EXPECT_EQ(Apply(*view_, shard, request), kApplied);
    }
  }
  int64_t removed = 0;
  SweepStep step;
  for (int steps = 0; steps < 1000 && !step.done; ++steps) {
    const absl::StatusOr<SweepStep> next = view_->Sweep(shard_, 10, 30);
    ASSERT_TRUE(next.ok()) << next.status();
    step = *next;
    removed += step.removed;
  }
  EXPECT_TRUE(step.done);
  EXPECT_EQ(removed, 100);
  EXPECT_EQ(DumpText(*view_, shard_).size(), 50u);
  EXPECT_EQ(MetaText(*view_, shard_), "log 5 10 0 partial");
  // The other shard lost nothing: its older generations are still there to be swept.
  const absl::StatusOr<SweepStep> rest = view_->Sweep(other, 10, 1000);
  ASSERT_TRUE(rest.ok());
  EXPECT_EQ(rest->removed, 100);
}

TEST_P(ViewConformance, AFlushedViewIsAbsentAndAGapUntilClaimed) {
  view_->Claim(shard_, "log", 5, 1, 0);
  Apply(*view_, shard_, Move(0, 1, {Set("a", "1")}));
  view_->Finish(shard_, 5, 1);
  server_->FlushAll();
  EXPECT_EQ(MetaText(*view_, shard_), "absent");
  EXPECT_EQ(Apply(*view_, shard_, Move(1, 2, {Set("a", "2")})), kGap);
  EXPECT_EQ(view_->Claim(shard_, "log", 5, 2, 1), kApplied);
  EXPECT_EQ(MetaText(*view_, shard_), "log 5 2 1 partial");
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre());
}

TEST_P(ViewConformance, AnOldDumpPutBackIsDetected) {
  view_->Claim(shard_, "log", 5, 1, 0);
  Apply(*view_, shard_, Move(0, 1, {Set("a", "1"), Set("erased", "1")}));
  view_->Finish(shard_, 5, 1);
  const std::any dump = server_->TakeDump();

  // Same owner, later position: the next write is a gap.
  Apply(*view_, shard_, Move(1, 2, {Set("a", "2"), Delete("erased")}));
  server_->RestoreDump(dump);
  EXPECT_EQ(MetaText(*view_, shard_), "log 5 1 1 whole");
  EXPECT_EQ(Apply(*view_, shard_, Move(2, 3, {Set("b", "1")})), kGap);

  // Rebuilt since, and a later owner: its epoch and generation are not the dump's, a gap again.
  EXPECT_EQ(view_->Claim(shard_, "log", 5, 2, 2), kApplied);
  server_->RestoreDump(dump);
  EXPECT_EQ(Apply(*view_, shard_, As(5, 2, Move(2, 3, {Set("b", "1")}))), kGap);
  EXPECT_EQ(view_->Claim(shard_, "log", 9, 3, 2), kApplied);
  server_->RestoreDump(dump);
  EXPECT_EQ(Apply(*view_, shard_, As(9, 3, Move(2, 3, {Set("b", "1")}))), kGap);
  EXPECT_EQ(view_->Finish(shard_, 9, 3), kGap);

  // After the claim nothing of the dump can be read.
  EXPECT_EQ(view_->Claim(shard_, "log", 9, 4, 2), kApplied);
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre());
}

TEST_P(ViewConformance, MissingFunctionsAreLoadedAndTheWriterMustClaimAgain) {
  view_->Claim(shard_, "log", 5, 1, 0);
  server_->LoseFunctions();
  EXPECT_THAT(view_->Apply(shard_, {Move(0, 1, {Set("a", "1")}), Move(1, 2, {Set("a", "2")})}),
              ElementsAre(kGap, kGap));
  EXPECT_EQ(view_->Claim(shard_, "log", 5, 2, 0), kApplied);
  EXPECT_EQ(Apply(*view_, shard_, As(5, 2, Move(0, 1, {Set("a", "1")}))), kApplied);
  server_->LoseFunctions();
  EXPECT_EQ(view_->Finish(shard_, 5, 2), kGap);
  server_->LoseFunctions();
  EXPECT_EQ(view_->Claim(shard_, "log", 5, 3, 1), kApplied);
  server_->LoseFunctions();
  EXPECT_TRUE(view_->Read(shard_, {"a"}).ok());
}

TEST_P(ViewConformance, AWriteWhoseAnswerWasLostIsRecognisedWhenSentAgain) {
  server_->LoseNextAnswer();
  const auto claim = [&] { return view_->Claim(shard_, "log", 5, 1, 0); };
  EXPECT_EQ(claim(), kAway);
  EXPECT_EQ(UntilAnswered(claim), kApplied);

  server_->LoseNextAnswer();
  const auto apply = [&] { return Apply(*view_, shard_, Move(0, 1, {Set("a", "1")})); };
  EXPECT_EQ(apply(), kAway);
  EXPECT_EQ(UntilAnswered(apply), kApplied);
  EXPECT_EQ(Apply(*view_, shard_, Move(1, 2, {Set("b", "1")})), kApplied);

  server_->LoseNextAnswer();
  const auto finish = [&] { return view_->Finish(shard_, 5, 1); };
  EXPECT_EQ(finish(), kAway);
  EXPECT_EQ(UntilAnswered(finish), kApplied);
  EXPECT_EQ(MetaText(*view_, shard_), "log 5 1 2 whole");
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre("a=1", "b=1"));
}

TEST_P(ViewConformance, AwayIsSaidAndEndsWhenRedisIsBack) {
  view_->Claim(shard_, "log", 5, 1, 0);
  server_->SetAway(true);
  EXPECT_EQ(view_->Claim(shard_, "log", 5, 1, 0), kAway);
  EXPECT_EQ(view_->Finish(shard_, 5, 1), kAway);
  EXPECT_THAT(view_->Apply(shard_, {Move(0, 1), Move(1, 2)}), ElementsAre(kAway, kAway));
  EXPECT_TRUE(absl::IsUnavailable(view_->Meta(shard_).status()));
  EXPECT_TRUE(absl::IsUnavailable(view_->Read(shard_, {"a"}).status()));
  EXPECT_TRUE(absl::IsUnavailable(view_->Sweep(shard_, 1, 1).status()));
  EXPECT_TRUE(absl::IsUnavailable(view_->Dump(shard_).status()));
  server_->SetAway(false);
  EXPECT_EQ(UntilAnswered([&] { return Apply(*view_, shard_, Move(0, 1, {Set("a", "1")})); }),
            kApplied);
}

TEST_P(ViewConformance, ARottenKeyIsHealedByItsNextWrite) {
  view_->Claim(shard_, "log", 5, 1, 0);
  Apply(*view_, shard_, Move(0, 1, {Set("a", "1"), Set("b", "1")}));
  const std::string prefix = GenerationPrefix(shard_, 1);
  server_->Rot(prefix + "a", "older");
  server_->Rot(prefix + "b", std::nullopt);
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre("a=older"));
  EXPECT_EQ(Apply(*view_, shard_, Move(1, 2, {Set("a", "2"), Set("b", "2")})), kApplied);
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre("a=2", "b=2"));
}

}  // namespace
}  // namespace regulars::redis
