#include "services/segmentation/shell/segments.h"

#include <gtest/gtest.h>

#include "libs/base/status.h"

namespace regulars::segmentation {
namespace {

const Sums kSums = {{"segment/lapsed/members", 3},
                    {"segment/lapsed/entries", 7},
                    {"segment/repeat_buyer/members", 5},
                    {"segment/other/members", 99}};

TEST(ListSegmentsTest, SizesComeFromTheSumsOfThePool) {
  const auto response = ListSegments({}, "cofco", {}, kSums);
  ASSERT_TRUE(response.ok());
  ASSERT_EQ(response->segments_size(), 2);
  EXPECT_EQ(response->segments(0).name(), "pools/cofco/segments/lapsed");
  EXPECT_EQ(response->segments(0).member_count(), 3);
  EXPECT_EQ(response->segments(0).entry_count(), 7);
  EXPECT_EQ(response->segments(0).rule(), "no purchase for more than 180 days");
  EXPECT_EQ(response->segments(1).member_count(), 5);
  EXPECT_EQ(response->segments(1).entry_count(), 0);
  EXPECT_EQ(response->next_page_token(), "");
}

TEST(ListSegmentsTest, PagesFollowEachOther) {
  v1::ListSegmentsRequest request;
  request.set_page_size(1);
  const auto first = ListSegments(request, "cofco", {}, kSums);
  ASSERT_EQ(first->segments_size(), 1);
  EXPECT_EQ(first->next_page_token(), "lapsed");
  request.set_page_token(first->next_page_token());
  const auto second = ListSegments(request, "cofco", {}, kSums);
  ASSERT_EQ(second->segments_size(), 1);
  EXPECT_EQ(second->segments(0).name(), "pools/cofco/segments/repeat_buyer");
  EXPECT_EQ(second->next_page_token(), "");
}

TEST(ListSegmentsTest, BadPagesAreRefused) {
  v1::ListSegmentsRequest request;
  request.set_page_size(-1);
  EXPECT_EQ(ReasonOf(ListSegments(request, "cofco", {}, kSums).status()), "PAGE_SIZE_INVALID");
  request.set_page_size(1);
  request.set_page_token("nothing");
  EXPECT_EQ(ReasonOf(ListSegments(request, "cofco", {}, kSums).status()), "PAGE_TOKEN_INVALID");
}

}  // namespace
}  // namespace regulars::segmentation
