#include "libs/base/status.h"

#include <gtest/gtest.h>

#include <string>

namespace regulars {
namespace {

TEST(StatusTest, DomainError_CarriesReasonAndMetadata) {
  const absl::Status status =
      DomainError(absl::StatusCode::kFailedPrecondition, "BALANCE_TOO_LOW", "not enough points",
                  {{"balance", "10"}, {"odd", std::string("a:1\0b", 5)}, {"empty", ""}});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "not enough points");
  EXPECT_EQ(ReasonOf(status), "BALANCE_TOO_LOW");
  const ErrorMetadata expected = {
      {"balance", "10"}, {"odd", std::string("a:1\0b", 5)}, {"empty", ""}};
  EXPECT_EQ(MetadataOf(status), expected);
}

TEST(StatusTest, PlainStatus_HasNoReason) {
  EXPECT_EQ(ReasonOf(absl::OkStatus()), "");
  EXPECT_EQ(ReasonOf(absl::InternalError("x")), "");
  EXPECT_TRUE(MetadataOf(absl::InternalError("x")).empty());
  EXPECT_EQ(RetryAfterOf(absl::InternalError("x")), std::nullopt);
}

TEST(StatusTest, ForeignPayload_IsNoReason) {
  for (const char* bytes : {"junk", "5:abc", "-1:a", "9999999999999999999999:a", ":"}) {
    absl::Status status = absl::InternalError("x");
    status.SetPayload("regulars.dev/error_info", absl::Cord(bytes));
    EXPECT_EQ(ReasonOf(status), "") << bytes;
  }
}

TEST(StatusTest, RetryAfter_KeepsTheReason) {
  const absl::Status status = WithRetryAfter(
      DomainError(absl::StatusCode::kUnavailable, "SHARD_NOT_OWNED", "moving"), 250'000);
  EXPECT_EQ(ReasonOf(status), "SHARD_NOT_OWNED");
  EXPECT_EQ(RetryAfterOf(status), 250'000);
}

TEST(StatusTest, ReasonFormat) {
  for (const char* good : {"API", "API_KEY_MISSING", "A1_2"}) EXPECT_TRUE(IsValidReason(good));
  EXPECT_TRUE(IsValidReason(std::string(63, 'A')));
  EXPECT_FALSE(IsValidReason(std::string(64, 'A')));
  for (const char* bad : {"", "AB", "api", "_API", "API_", "1API", "A-B", "A B"}) {
    EXPECT_FALSE(IsValidReason(bad)) << bad;
  }
}

TEST(StatusDeathTest, MalformedError_Aborts) {
  EXPECT_DEATH((void)DomainError(absl::StatusCode::kInternal, "lower", "m"), "reason of an error");
  EXPECT_DEATH((void)DomainError(absl::StatusCode::kOk, "REASON", "m"), "error code");
}

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return absl::InvalidArgumentError("odd");
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  REGULARS_ASSIGN_OR_RETURN(const int half, Half(n));
  REGULARS_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

absl::Status OnlyEven(int n) {
  REGULARS_RETURN_IF_ERROR(Half(n).status());
  return absl::OkStatus();
}

TEST(StatusTest, MacrosPassTheFirstErrorOn) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(6).status().message(), "odd");
  EXPECT_TRUE(OnlyEven(2).ok());
  EXPECT_FALSE(OnlyEven(3).ok());
}

}  // namespace
}  // namespace regulars
