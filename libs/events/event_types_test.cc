#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "libs/events/types.h"
#include "regulars/catalog/v1/catalog_events.pb.h"
#include "regulars/handoff/v1/handoff_events.pb.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/identity/v1/identity_links.pb.h"
#include "regulars/identity/v1/privacy_events.pb.h"
#include "regulars/ingest/v1/ingest_events.pb.h"
#include "regulars/messaging/v1/messaging_events.pb.h"
#include "regulars/points/v1/points_events.pb.h"
#include "regulars/runtime/v1/runtime_events.pb.h"
#include "regulars/runtime/v1/runtime_state.pb.h"
#include "regulars/segmentation/v1/segmentation_events.pb.h"

namespace regulars::events {
namespace {

std::set<std::string> MessagesOf(const google::protobuf::FileDescriptor* file) {
  std::set<std::string> names;
  for (int i = 0; i < file->message_type_count(); ++i) {
    names.insert(file->message_type(i)->full_name());
  }
  return names;
}

TEST(EventTypesTest, EveryTypeIsAMessageOfTheProtoTree) {
  std::set<std::string> messages;
  for (const auto* file : {
           runtime::v1::ClockAdvanced::descriptor()->file(),
           runtime::v1::ShardRecord::descriptor()->file(),
           ingest::v1::TouchReceived::descriptor()->file(),
           identity::v1::MemberResolved::descriptor()->file(),
           identity::v1::LinkMessage::descriptor()->file(),
           identity::v1::MemberErased::descriptor()->file(),
           points::v1::PointsEarned::descriptor()->file(),
           segmentation::v1::SegmentEntered::descriptor()->file(),
           messaging::v1::SendDecided::descriptor()->file(),
           catalog::v1::BrandChanged::descriptor()->file(),
           handoff::v1::HandoffMessage::descriptor()->file(),
       }) {
    messages.merge(MessagesOf(file));
  }
  std::set<std::string_view> seen;
  for (const std::string_view type : kAllEventTypes) {
    ASSERT_EQ(type.substr(0, 3), "io.") << type;
    EXPECT_EQ(messages.count(std::string(type.substr(3))), 1u) << type;
    EXPECT_TRUE(seen.insert(type).second) << type << " stands in the register twice";
  }
}

TEST(EventTypesTest, EveryTypeStandsInTheCatalogueOfEvents) {
  std::ifstream file(std::string(REGULARS_SOURCE_DIR) + "/docs/events.md");
  std::stringstream text;
  text << file.rdbuf();
  ASSERT_FALSE(text.str().empty());
  for (const std::string_view type : kAllEventTypes) {
    const std::string name(type.substr(type.rfind('.') + 1));
    EXPECT_NE(text.str().find("`" + name + "`"), std::string::npos) << name;
  }
}

TEST(TopicNameTest, NamesDomainKindVersionAndGeneration) {
  EXPECT_EQ(TopicName(kPoints, kEventsKind, 1), "regulars.points.events.v1.g1");
  EXPECT_EQ(TopicName(kIngest, kTouchesKind, 12), "regulars.ingest.touches.v1.g12");
  EXPECT_EQ(TopicName(kIdentity, kDeadLettersKind, 2), "regulars.identity.dlq.v1.g2");
}

TEST(TopicNameTest, ReadsBackItsParts) {
  const std::string name = TopicName(kMessaging, kSendsKind, 7);
  const std::optional<TopicParts> parts = ParseTopicName(name);
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->domain, "messaging");
  EXPECT_EQ(parts->kind, "sends");
  EXPECT_EQ(parts->version, 1);
  EXPECT_EQ(parts->generation, 7);
}

TEST(TopicNameTest, RefusesForeignNames) {
  for (const std::string_view name :
       {"", "regulars", "regulars.points.events.v1", "regulars.points.events.v1.g1.x",
        "other.points.events.v1.g1", "regulars.Points.events.v1.g1", "regulars..events.v1.g1",
        "regulars.points.events.v0.g1", "regulars.points.events.v1.g0",
        "regulars.points.events.v1.g01", "regulars.points.events.v1.g1 ",
        "regulars.points.events.v1.g99999999999", "regulars.points.events.g1.v1"}) {
    EXPECT_FALSE(ParseTopicName(name).has_value()) << name;
  }
}

TEST(SourceTest, NamesTheServiceButNoShard) { EXPECT_EQ(SourceOf(kPoints), "/regulars/points"); }

TEST(TopicNameDeathTest, ANameThatCouldNotBeReadBackIsABug) {
  EXPECT_DEATH((void)TopicName("points.x", kEventsKind, 1), "");
  EXPECT_DEATH((void)TopicName(kPoints, kEventsKind, 0), "");
}

}  // namespace
}  // namespace regulars::events
