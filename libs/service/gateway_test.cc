#include "libs/service/gateway.h"

#include <gtest/gtest.h>

#include "libs/base/status.h"
#include "libs/rpc/status.h"
#include "regulars/points/v1/points_service.pb.h"

namespace regulars::service {
namespace {

TEST(GatewayTest, SameRequest_HasTheSameHashWhateverItsRequestId) {
  points::v1::RedeemPointsRequest request;
  request.set_points(100);
  request.set_request_id("a");
  const std::string hash = HashRequest(request);
  EXPECT_EQ(hash.size(), 32U);
  request.set_request_id("b");
  EXPECT_EQ(HashRequest(request), hash);
  request.set_points(101);
  EXPECT_NE(HashRequest(request), hash);
  EXPECT_NE(HashRequest(points::v1::ReversePointsRequest()),
            HashRequest(points::v1::RedeemPointsRequest()));
}

TEST(GatewayTest, ARefusalKeepsItsReason) {
  EXPECT_TRUE(StatusOfReply(shard::Reply{}).ok());
  const absl::Status refused = StatusOfReply(shard::Reply{
      absl::StatusCode::kFailedPrecondition, "BALANCE_TOO_LOW", "not enough points", ""});
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused), "BALANCE_TOO_LOW");
  EXPECT_FALSE(RetryAfterOf(refused).has_value());
  const absl::Status away =
      StatusOfReply(shard::Reply{absl::StatusCode::kUnavailable, "TRY_AGAIN", "aborted", ""});
  EXPECT_EQ(RetryAfterOf(away), rpc::kRetryAfterDefault);
  EXPECT_EQ(ReasonOf(StatusOfReply(shard::Reply{absl::StatusCode::kInternal, "", "x", ""})), "");
}

}  // namespace
}  // namespace regulars::service
