#include "tests/conformance/redis/view_suite.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "libs/base/wall_clock.h"
#include "libs/redis/view_keys.h"

namespace regulars::redis {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ViewConformance);

namespace {

using testing::ElementsAre;
using testing::Optional;
using testing::UnorderedElementsAre;
using enum ViewOutcome;

ViewOp Set(std::string key, std::string value) {
  return {.key = std::move(key), .value = std::move(value)};
}
ViewOp Delete(std::string key) { return {.key = std::move(key), .value = std::nullopt}; }

// Epoch 5, generation 1 unless said otherwise.
ApplyRequest Move(int64_t from, int64_t to, std::vector<ViewOp> ops = {}) {
  return {.epoch = 5, .generation = 1, .from = from, .to = to, .ops = std::move(ops)};
}
ApplyRequest As(int64_t epoch, int64_t generation, ApplyRequest request) {
  request.epoch = epoch;
  request.generation = generation;
  return request;
}

// "log epoch generation applied whole", or "absent".
std::string Show(const std::optional<ViewMeta>& meta) {
  if (!meta.has_value()) return "absent";
  return meta->log_id + " " + std::to_string(meta->epoch) + " " + std::to_string(meta->generation) +
         " " + std::to_string(meta->applied) + (meta->whole ? " whole" : " partial");
}

std::string MetaText(View& view, const ShardId& shard) {
  const absl::StatusOr<std::optional<ViewMeta>> meta = view.Meta(shard);
  return meta.ok() ? Show(*meta) : std::string(meta.status().message());
}

// "key=value" of everything in the current generation, in order of key.
std::vector<std::string> DumpText(View& view, const ShardId& shard) {
  std::vector<std::string> out;
  const absl::StatusOr<std::vector<ViewOp>> dump = view.Dump(shard);
  if (!dump.ok()) return {std::string(dump.status().message())};
  for (const ViewOp& op : *dump) out.push_back(op.key + "=" + op.value.value_or("<deleted>"));
  std::sort(out.begin(), out.end());
  return out;
}

ViewOutcome Apply(View& view, const ShardId& shard, const ApplyRequest& request) {
  return view.Apply(shard, {request}).at(0);
}

// Sends until Redis answers; the caller's duty after kAway.
template <typename Call>
ViewOutcome UntilAnswered(const Call& call) {
  const Micros deadline = MonotonicMicros() + 20 * kMicrosPerSecond;
  ViewOutcome outcome = kAway;
  while (outcome == kAway && MonotonicMicros() < deadline) outcome = call();
  return outcome;
}

TEST_P(ViewConformance, NothingThereIsAbsentAndAGap) {
  EXPECT_EQ(MetaText(*view_, shard_), "absent");
  const absl::StatusOr<ViewRead> read = view_->Read(shard_, {"a", "b"});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_FALSE(read->meta.has_value());
  EXPECT_THAT(read->values, ElementsAre(std::nullopt, std::nullopt));
  EXPECT_EQ(Apply(*view_, shard_, Move(0, 1, {Set("a", "1")})), kGap);
  EXPECT_EQ(view_->Finish(shard_, 5, 1), kGap);
  EXPECT_EQ(MetaText(*view_, shard_), "absent");  // only Claim makes meta
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre());
}

TEST_P(ViewConformance, ClaimApplyFinishRead) {
  EXPECT_EQ(view_->Claim(shard_, "log", 5, 1, 10), kApplied);
  EXPECT_EQ(MetaText(*view_, shard_), "log 5 1 10 partial");
  EXPECT_EQ(Apply(*view_, shard_, Move(10, 11, {Set("a", "1"), Set("b", "2")})), kApplied);
  EXPECT_EQ(view_->Finish(shard_, 5, 1), kApplied);
  EXPECT_EQ(view_->Finish(shard_, 5, 1), kApplied);
  const absl::StatusOr<ViewRead> read = view_->Read(shard_, {"b", "none", "a"});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(Show(read->meta), "log 5 1 11 whole");
  EXPECT_THAT(read->values,
              ElementsAre(Optional(std::string("2")), std::nullopt, Optional(std::string("1"))));
  const absl::StatusOr<ViewRead> only_meta = view_->Read(shard_, {});
  ASSERT_TRUE(only_meta.ok());
  EXPECT_EQ(Show(only_meta->meta), "log 5 1 11 whole");
}

TEST_P(ViewConformance, KeysAndValuesAreBytes) {
  const std::string bytes("\0\r\n{}*?\xff", 8);
  EXPECT_EQ(view_->Claim(shard_, bytes, 5, 1, 0), kApplied);
  EXPECT_EQ(Apply(*view_, shard_, Move(0, 1, {Set(bytes, bytes), Set("", ""), Set("meta", "m")})),
            kApplied);
  const absl::StatusOr<ViewRead> read = view_->Read(shard_, {bytes, "", "meta"});
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->meta->log_id, bytes);
  EXPECT_THAT(read->values,
              ElementsAre(Optional(bytes), Optional(std::string()), Optional(std::string("m"))));
  EXPECT_EQ(DumpText(*view_, shard_).size(), 3u);
}

TEST_P(ViewConformance, DeleteDeletesAndTheLastOpOnAKeyWins) {
  view_->Claim(shard_, "log", 5, 1, 0);
  EXPECT_EQ(Apply(*view_, shard_, Move(0, 1, {Set("a", "1"), Set("b", "1"), Set("c", "1")})),
            kApplied);
  EXPECT_EQ(Apply(*view_, shard_,
                  Move(1, 2,
                       {Delete("a"), Set("b", "2"), Delete("b"), Delete("c"), Set("c", "2"),
                        Delete("never"), Set("d", "1"), Set("d", "2")})),
            kApplied);
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre("c=2", "d=2"));
}

TEST_P(ViewConformance, ANewerEpochFencesTheOlderOneAtOnce) {
  view_->Claim(shard_, "log", 5, 1, 0);
  Apply(*view_, shard_, Move(0, 1, {Set("a", "1")}));
  const std::unique_ptr<View> other = server_->NewView();
  EXPECT_EQ(other->Claim(shard_, "log", 6, 1, 1), kApplied);
  EXPECT_EQ(Apply(*view_, shard_, Move(1, 2, {Set("a", "zombie")})), kFenced);
  EXPECT_EQ(Apply(*view_, shard_, Move(0, 1, {Set("a", "zombie")})), kFenced);
  EXPECT_EQ(view_->Finish(shard_, 5, 1), kFenced);
  EXPECT_EQ(view_->Claim(shard_, "log", 5, 9, 1), kFenced);
  EXPECT_EQ(MetaText(*view_, shard_), "log 6 1 1 partial");
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre("a=1"));
}

TEST_P(ViewConformance, AnOlderGenerationOfTheSameEpochIsFenced) {
  view_->Claim(shard_, "log", 5, 2, 0);
  EXPECT_EQ(Apply(*view_, shard_, Move(0, 1, {Set("a", "1")})), kFenced);
  EXPECT_EQ(view_->Finish(shard_, 5, 1), kFenced);
  EXPECT_EQ(view_->Claim(shard_, "log", 5, 1, 0), kFenced);
  EXPECT_EQ(view_->Claim(shard_, "log", 5, 2, 0), kApplied);  // a retry
  EXPECT_EQ(MetaText(*view_, shard_), "log 5 2 0 partial");
}

TEST_P(ViewConformance, ALargerEpochThatNeverClaimedIsAGap) {
  view_->Claim(shard_, "log", 5, 1, 0);
  EXPECT_EQ(Apply(*view_, shard_, As(6, 1, Move(0, 1, {Set("a", "1")}))), kGap);
  EXPECT_EQ(Apply(*view_, shard_, As(5, 2, Move(0, 1, {Set("a", "1")}))), kGap);
  EXPECT_EQ(view_->Finish(shard_, 6, 1), kGap);
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre());
}

TEST_P(ViewConformance, EpochsCompareAsNumbersUpToTheLimit) {
  view_->Claim(shard_, "log", 9, 1, 0);
  EXPECT_EQ(view_->Claim(shard_, "log", 10, 1, kPositionMax - 1), kApplied);
  EXPECT_EQ(view_->Claim(shard_, "log", 9, 1, 0), kFenced);
  EXPECT_EQ(Apply(*view_, shard_, As(10, 1, Move(kPositionMax - 1, kPositionMax))), kApplied);
  EXPECT_EQ(MetaText(*view_, shard_), "log 10 1 9007199254740992 partial");
  EXPECT_EQ(view_->Claim(shard_, "log", kPositionMax, kPositionMax, 0), kApplied);
  EXPECT_EQ(view_->Claim(shard_, "log", kPositionMax - 1, kPositionMax, 0), kFenced);
}

TEST_P(ViewConformance, AnotherLogTakesTheViewOver) {
  view_->Claim(shard_, "old log", 500, 7, 1000);
  EXPECT_EQ(view_->Claim(shard_, "new log", 5, 8, 0), kApplied);
  EXPECT_EQ(MetaText(*view_, shard_), "new log 5 8 0 partial");
}

TEST_P(ViewConformance, AHoleInTheSequenceIsRefused) {
  view_->Claim(shard_, "log", 5, 1, 10);
  EXPECT_EQ(Apply(*view_, shard_, Move(11, 12, {Set("a", "1")})), kGap);
  EXPECT_EQ(Apply(*view_, shard_, Move(9, 12, {Set("a", "1")})), kGap);
  EXPECT_EQ(Apply(*view_, shard_, Move(11, 11, {Set("a", "1")})), kGap);
  EXPECT_EQ(MetaText(*view_, shard_), "log 5 1 10 partial");
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre());
}

TEST_P(ViewConformance, WhatTheViewHasPassedChangesNothingAndIsApplied) {
  view_->Claim(shard_, "log", 5, 1, 10);
  const std::vector<ApplyRequest> pipeline = {Move(10, 11, {Set("a", "1")}),
                                              Move(11, 11, {Set("added", "1")}),
                                              Move(11, 13, {Set("a", "2")})};
  EXPECT_THAT(view_->Apply(shard_, pipeline), ElementsAre(kApplied, kApplied, kApplied));
  EXPECT_THAT(view_->Apply(shard_, pipeline), ElementsAre(kApplied, kApplied, kApplied));
  EXPECT_EQ(Apply(*view_, shard_, pipeline[0]), kApplied);
  EXPECT_EQ(MetaText(*view_, shard_), "log 5 1 13 partial");
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre("a=2", "added=1"));
}

TEST_P(ViewConformance, AddingKeysDoesNotMoveThePosition) {
  view_->Claim(shard_, "log", 5, 1, 10);
  EXPECT_EQ(Apply(*view_, shard_, Move(10, 10, {Set("a", "1")})), kApplied);
  EXPECT_EQ(Apply(*view_, shard_, Move(10, 10, {Set("b", "1")})), kApplied);
  EXPECT_EQ(MetaText(*view_, shard_), "log 5 1 10 partial");
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre("a=1", "b=1"));
}

TEST_P(ViewConformance, APipelineStopsAtItsFirstFailure) {
  view_->Claim(shard_, "log", 5, 1, 10);
  EXPECT_THAT(view_->Apply(shard_, {Move(11, 12, {Set("a", "1")}), Move(12, 12, {Set("b", "1")}),
                                    Move(12, 13, {Set("c", "1")})}),
              ElementsAre(kGap, kGap, kGap));
  EXPECT_THAT(view_->Apply(shard_, {Move(8, 11, {Set("a", "1")}), Move(11, 12, {Set("b", "1")})}),
              ElementsAre(kGap, kGap));
  EXPECT_THAT(view_->Apply(shard_, {As(4, 1, Move(10, 11, {Set("a", "1")})),
                                    As(4, 1, Move(11, 12, {Set("b", "1")}))}),
              ElementsAre(kFenced, kFenced));
  EXPECT_EQ(MetaText(*view_, shard_), "log 5 1 10 partial");
  EXPECT_THAT(DumpText(*view_, shard_), ElementsAre());
}

TEST_P(ViewConformance, ALongPipelineArrivesInOrder) {
  view_->Claim(shard_, "log", 5, 1, 0);
  std::vector<ApplyRequest> requests;
  for (int64_t n = 0; n < 100; ++n) {
    requests.push_back(Move(n, n + 1));
    for (int k = 0; k < 100; ++k) {
      requests.back().ops.push_back(
          Set("k" + std::to_string(k), std::string(300, 'v') + std::to_string(n)));
    }
  }
  const std::vector<ViewOutcome> outcomes = view_->Apply(shard_, requests);
  EXPECT_THAT(outcomes, testing::AllOf(testing::SizeIs(100), testing::Each(kApplied)));
  EXPECT_EQ(MetaText(*view_, shard_), "log 5 1 100 partial");
  const absl::StatusOr<ViewRead> read = view_->Read(shard_, {"k0", "k99"});
  ASSERT_TRUE(read.ok());
  EXPECT_THAT(read->values, testing::Each(Optional(std::string(300, 'v') + "99")));
}

TEST_P(ViewConformance, OneAboveALimitIsRefusedAndNothingIsSent) {
  view_->Claim(shard_, "log", 5, 1, 0);
  ApplyRequest request = Move(0, 1);
  for (size_t i = 0; i < kApplyKeysMax; ++i) {
    request.ops.push_back(Set("k" + std::to_string(i), "v"));
  }
  EXPECT_EQ(Apply(*view_, shard_, request), kApplied);
  request = Move(1, 2, request.ops);
  request.ops.push_back(Set("one more", "v"));
  EXPECT_EQ(Apply(*view_, shard_, request), kInvalid);

  EXPECT_EQ(Apply(*view_, shard_, Move(1, 2, {Set("big", std::string(kApplyBytesMax - 3, 'v'))})),
            kApplied);
  EXPECT_EQ(Apply(*view_, shard_, Move(2, 3, {Set("big", std::string(kApplyBytesMax - 2, 'v'))})),
            kInvalid);
  EXPECT_THAT(view_->Apply(shard_, {Move(2, 3), Move(4, 5)}), ElementsAre(kInvalid, kInvalid));
  EXPECT_EQ(Apply(*view_, shard_, Move(2, kPositionMax + 1)), kInvalid);
  EXPECT_EQ(MetaText(*view_, shard_), "log 5 1 2 partial");

  EXPECT_EQ(view_->Claim(shard_, std::string(kLogIdBytesMax + 1, 'x'), 6, 1, 0), kInvalid);
  EXPECT_EQ(view_->Claim(shard_, "log", kPositionMax + 1, 1, 0), kInvalid);
  EXPECT_EQ(view_->Finish(shard_, -1, 1), kInvalid);
  EXPECT_TRUE(view_->Read(shard_, std::vector<std::string>(kReadKeysMax, "k1")).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(
      view_->Read(shard_, std::vector<std::string>(kReadKeysMax + 1, "k1")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(view_->Sweep(shard_, 1, 0).status()));
}

TEST_P(ViewConformance, ShardsServicesAndShardCountsAreApart) {
  const std::vector<ShardId> shards = {
      shard_, {"points", 2, 4}, {"segmentation", 3, 4}, {"points", 3, 64}, {"points", 48, 64}};
  for (size_t i = 0; i < shards.size(); ++i) {
    EXPECT_EQ(view_->Claim(shards[i], "log", 5, 1, 0), kApplied);
    EXPECT_EQ(Apply(*view_, shards[i], Move(0, 1, {Set("k", std::to_string(i))})), kApplied);
  }
  for (size_t i = 0; i < shards.size(); ++i) {
    EXPECT_THAT(DumpText(*view_, shards[i]), ElementsAre("k=" + std::to_string(i)));
  }
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
