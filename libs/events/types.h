// The register of what travels on Kafka: domains, kinds of topics, topic names, event types.
// docs/events.md describes each in a sentence; event_types_test.cc checks that every type is a
// message of the proto tree and stands in that document.
//
// An event type is "io." + the full name of its protobuf message; a topic is named
// regulars.<domain>.<kind>.v<N>.g<generation>, where <domain> is the service that writes it.
#ifndef REGULARS_LIBS_EVENTS_TYPES_H_
#define REGULARS_LIBS_EVENTS_TYPES_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace regulars::events {

// Domains: the writing service.
inline constexpr std::string_view kIngest = "ingest";
inline constexpr std::string_view kIdentity = "identity";
inline constexpr std::string_view kPoints = "points";
inline constexpr std::string_view kSegmentation = "segmentation";
inline constexpr std::string_view kMessaging = "messaging";
inline constexpr std::string_view kCatalog = "catalog";

// Kinds of topics.
inline constexpr std::string_view kTouchesKind = "touches";        // ingest -> identity
inline constexpr std::string_view kQuarantineKind = "quarantine";  // ingest, sealed originals
inline constexpr std::string_view kClocksKind = "clocks";          // ingest's promises, compacted
inline constexpr std::string_view kEventsKind = "events";        // a service's events for everyone
inline constexpr std::string_view kLinksKind = "links";          // identity -> itself
inline constexpr std::string_view kHandoffKind = "handoff";      // a service -> itself: merges
inline constexpr std::string_view kSendsKind = "sends";          // messaging -> its sender
inline constexpr std::string_view kReportsKind = "reports";      // the sender -> messaging
inline constexpr std::string_view kChangelogKind = "changelog";  // state, compacted
inline constexpr std::string_view kCommandsKind = "commands";    // commands that took effect
inline constexpr std::string_view kDeadLettersKind = "dlq";      // inputs set aside
inline constexpr std::string_view kOwnersKind = "owners";        // who owns a shard, compacted

// Topic names.
inline constexpr int32_t kTopicVersion = 1;

// "regulars.points.events.v1.g1". Domain and kind are words of [a-z], generation >= 1 (asserted).
[[nodiscard]] std::string TopicName(std::string_view domain, std::string_view kind,
                                    int32_t generation);

struct TopicParts {
  std::string_view domain;
  std::string_view kind;
  int32_t version = 0;
  int32_t generation = 0;
};
// The parts of a topic name (views into it); nullopt if it is not one of ours.
[[nodiscard]] std::optional<TopicParts> ParseTopicName(std::string_view topic);

// ce_source of everything a service publishes: "/regulars/points". It names no shard, because event
// ids are business facts that stay the same when shards are re-cut.
[[nodiscard]] std::string SourceOf(std::string_view domain);

// Event types.
inline constexpr std::string_view kClockAdvanced = "io.regulars.runtime.v1.ClockAdvanced";
inline constexpr std::string_view kOwnerRecord = "io.regulars.runtime.v1.OwnerRecord";
inline constexpr std::string_view kCommandRecord = "io.regulars.runtime.v1.CommandRecord";
inline constexpr std::string_view kDeadLetter = "io.regulars.runtime.v1.DeadLetter";
inline constexpr std::string_view kShardRecord = "io.regulars.runtime.v1.ShardRecord";

inline constexpr std::string_view kHandoffMessage = "io.regulars.handoff.v1.HandoffMessage";

inline constexpr std::string_view kTouchReceived = "io.regulars.ingest.v1.TouchReceived";
inline constexpr std::string_view kTouchQuarantined = "io.regulars.ingest.v1.TouchQuarantined";

inline constexpr std::string_view kMemberResolved = "io.regulars.identity.v1.MemberResolved";
inline constexpr std::string_view kMemberCreated = "io.regulars.identity.v1.MemberCreated";
inline constexpr std::string_view kIdentifierAnchored =
    "io.regulars.identity.v1.IdentifierAnchored";
inline constexpr std::string_view kLinkMessage = "io.regulars.identity.v1.LinkMessage";
inline constexpr std::string_view kMergeCommitted = "io.regulars.identity.v1.MergeCommitted";
inline constexpr std::string_view kSplitCommitted = "io.regulars.identity.v1.SplitCommitted";
inline constexpr std::string_view kLinkSuppressed = "io.regulars.identity.v1.LinkSuppressed";
inline constexpr std::string_view kContactReported = "io.regulars.identity.v1.ContactReported";
inline constexpr std::string_view kContactChanged = "io.regulars.identity.v1.ContactChanged";
inline constexpr std::string_view kContactDisclosed = "io.regulars.identity.v1.ContactDisclosed";
inline constexpr std::string_view kConsentChanged = "io.regulars.identity.v1.ConsentChanged";
inline constexpr std::string_view kMemberErased = "io.regulars.identity.v1.MemberErased";
inline constexpr std::string_view kIdentifierErased = "io.regulars.identity.v1.IdentifierErased";

inline constexpr std::string_view kPointsEarned = "io.regulars.points.v1.PointsEarned";
inline constexpr std::string_view kPointsRedeemed = "io.regulars.points.v1.PointsRedeemed";
inline constexpr std::string_view kPointsReversed = "io.regulars.points.v1.PointsReversed";
inline constexpr std::string_view kRedemptionReversed = "io.regulars.points.v1.RedemptionReversed";
inline constexpr std::string_view kPointsExpired = "io.regulars.points.v1.PointsExpired";
inline constexpr std::string_view kPointsMoved = "io.regulars.points.v1.PointsMoved";
inline constexpr std::string_view kDuplicateAfterMerge =
    "io.regulars.points.v1.DuplicateAfterMerge";

inline constexpr std::string_view kSegmentEntered = "io.regulars.segmentation.v1.SegmentEntered";
inline constexpr std::string_view kSegmentExited = "io.regulars.segmentation.v1.SegmentExited";

inline constexpr std::string_view kSendDecided = "io.regulars.messaging.v1.SendDecided";
inline constexpr std::string_view kSendSuppressed = "io.regulars.messaging.v1.SendSuppressed";
inline constexpr std::string_view kSendDelivered = "io.regulars.messaging.v1.SendDelivered";
inline constexpr std::string_view kSendFailed = "io.regulars.messaging.v1.SendFailed";
inline constexpr std::string_view kDeliveryReported = "io.regulars.messaging.v1.DeliveryReported";

inline constexpr std::string_view kBrandChanged = "io.regulars.catalog.v1.BrandChanged";
inline constexpr std::string_view kProductLineChanged = "io.regulars.catalog.v1.ProductLineChanged";
inline constexpr std::string_view kProductChanged = "io.regulars.catalog.v1.ProductChanged";
inline constexpr std::string_view kProductRetired = "io.regulars.catalog.v1.ProductRetired";

// Every type above, for tools and tests.
inline constexpr std::array kAllEventTypes = {
    kClockAdvanced,    kOwnerRecord,        kCommandRecord,      kDeadLetter,
    kShardRecord,      kTouchReceived,      kTouchQuarantined,   kMemberResolved,
    kMemberCreated,    kMergeCommitted,     kIdentifierAnchored, kLinkMessage,
    kSplitCommitted,   kLinkSuppressed,     kPointsEarned,       kPointsRedeemed,
    kPointsReversed,   kRedemptionReversed, kPointsExpired,      kSegmentEntered,
    kSegmentExited,    kSendDecided,        kSendSuppressed,     kSendDelivered,
    kSendFailed,       kDeliveryReported,   kBrandChanged,       kProductLineChanged,
    kProductChanged,   kProductRetired,     kContactReported,    kContactChanged,
    kContactDisclosed, kConsentChanged,     kMemberErased,       kIdentifierErased,
    kHandoffMessage,   kPointsMoved,        kDuplicateAfterMerge};

}  // namespace regulars::events

#endif  // REGULARS_LIBS_EVENTS_TYPES_H_
