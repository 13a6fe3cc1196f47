// What a sound view does: claims, positions, fences, limits.
#include "tests/conformance/redis/view_suite.h"

#include <vector>

#include "gmock/gmock.h"
#include "tests/conformance/redis/view_texts.h"

namespace regulars::redis {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ViewConformance);

namespace {

using testing::ElementsAre;
using testing::Optional;
using enum ViewOutcome;

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

}  // namespace
}  // namespace regulars::redis
