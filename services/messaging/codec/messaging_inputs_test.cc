// What the codec lets in: records that nobody could keep, what a view has to answer with, calls
// that come before the events that explain them. Merges and splits themselves:
// tests/property_handoff.
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/shard/testing/program_harness.h"
#include "regulars/handoff/v1/handoff_events.pb.h"
#include "regulars/messaging/v1/messaging_handoff.pb.h"
#include "regulars/messaging/v1/messaging_service.pb.h"
#include "regulars/segmentation/v1/segmentation_events.pb.h"
#include "services/messaging/codec/program.h"

namespace regulars::messaging {
namespace {

void Enter(shard::ProgramHarness& harness, Micros at) {
  segmentation::v1::SegmentEntered event;
  event.set_member("m_1");
  event.set_segment("lapsed");
  event.set_occurrence_us(at);
  const auto effects = harness.Record("io.regulars.segmentation.v1.SegmentEntered", "entry",
                                      event.SerializeAsString(), at);
  ASSERT_EQ(effects.outcome, "decided");
}

TEST(MessagingInputsTest, RecordsThatNobodyCouldKeepAreSetAside) {
  const MessagingProgram program(MessagingConfig{{{"win-back", "lapsed", "webhook", "t"}}, {}});
  shard::ProgramHarness harness(program, "cofco", "m_1");
  segmentation::v1::SegmentEntered entry;
  entry.set_member("m_1");
  entry.set_segment("lapsed");
  entry.set_occurrence_us(10);
  entry.mutable_reason()->set_text(std::string(kEntryBytesMax, 'x'));
  const auto record = [&](const char* type, const std::string& payload) {
    const auto letter = harness.Record(type, "x", payload, 0).dead_letter;
    return letter.has_value() ? letter->reason : "";
  };
  EXPECT_EQ(record("io.regulars.segmentation.v1.SegmentEntered", entry.SerializeAsString()),
            "EVENT_MALFORMED");
  v1::DeliveryReported report;
  report.set_member("m_1");
  report.set_attempts(1);
  for (const std::string& origin : {std::string("m\0_2", 4), std::string(129, 'm')}) {
    report.set_origin_member(origin);
    EXPECT_EQ(record("io.regulars.messaging.v1.DeliveryReported", report.SerializeAsString()),
              "EVENT_MALFORMED");
  }
  EXPECT_EQ(record("io.regulars.identity.v1.MergeCommitted", "\xff"), "PAYLOAD_MALFORMED");
  handoff::v1::HandoffMessage message;
  message.set_to("m_1");
  message.set_from("m_2");
  message.mutable_page()->set_move_id("merge");
  message.mutable_page()->set_origin("m_2");
  message.mutable_page()->set_number(1);
  v1::MessagingPage no_send;
  no_send.add_sends()->mutable_decision()->set_origin_member("m_2");
  v1::MessagingPage no_origin;
  no_origin.add_reports()->set_send_id("win-back-10");
  for (const std::string& cargo :
       {std::string("\xff"), no_send.SerializeAsString(), no_origin.SerializeAsString()}) {
    message.mutable_page()->set_cargo(cargo);
    EXPECT_EQ(record("io.regulars.handoff.v1.HandoffMessage", message.SerializeAsString()),
              "PAYLOAD_MALFORMED");
  }
  EXPECT_TRUE(harness.states().empty());
}

// A state that has only what a call declares to read from the view.
class Declared : public shard::EntityState {
 public:
  Declared(const shard::EntityState& state, std::vector<std::string> subs)
      : state_(state), subs_(subs.begin(), subs.end()) {}
  std::optional<std::string> Get(std::string_view sub) const override {
    EXPECT_TRUE(subs_.contains(std::string(sub))) << sub;
    return state_.Get(sub);
  }
  std::optional<std::pair<std::string, std::string>> Next(std::string_view,
                                                          std::string_view) const override {
    ADD_FAILURE() << "a view cannot be scanned";
    return std::nullopt;
  }
  std::optional<int64_t> Timer(std::string_view) const override { return std::nullopt; }

 private:
  const shard::EntityState& state_;
  const std::set<std::string> subs_;
};

TEST(MessagingInputsTest, GetSendReadsWhatTheViewHas) {
  const MessagingProgram program(MessagingConfig{{{"win-back", "lapsed", "webhook", "t"}}, {}});
  shard::ProgramHarness harness(program, "cofco", "m_1");
  Enter(harness, 10);
  for (const char* member : {"m_1", "m_2"}) {
    for (const char* send_id : {"win-back-10", "win-back-11", "nonsense"}) {
      const std::string name = absl::StrCat("pools/cofco/members/", member, "/sends/", send_id);
      const std::vector<std::string> subs = SendViewSubs(name, member);
      for (const std::string& sub : subs) EXPECT_TRUE(program.InView(sub)) << sub;
      v1::GetSendRequest request;
      request.set_name(name);
      shard::Input input;
      input.kind = shard::InputKind::kQuery;
      input.pool = "cofco";
      input.entity = "m_1";  // who answers, also for m_2
      input.type = "GetSend";
      input.payload = request.SerializeAsString();
      bool skip = false;
      ASSERT_TRUE(program.Decode(&input, &skip).ok());
      const shard::Reply reply = program.Query(Declared(harness, subs), input);
      const bool known = name == "pools/cofco/members/m_1/sends/win-back-10";
      EXPECT_EQ(reply.reason, known ? "" : "SEND_UNKNOWN") << name;
    }
  }
}

TEST(MessagingInputsTest, AReportOfAMemberThatIsNotKnownToBeMergedWaits) {
  const MessagingProgram program(MessagingConfig{{{"win-back", "lapsed", "webhook", "t"}}, {}});
  shard::ProgramHarness harness(program, "cofco", "m_1");
  Enter(harness, 10);
  v1::ReportDeliveryRequest request;
  request.set_name("pools/cofco/members/m_2/sends/win-back-10");
  request.set_outcome(v1::DELIVERY_OUTCOME_DELIVERED);
  const auto effects = harness.Command("ReportDelivery", "id", request.SerializeAsString(), 50);
  EXPECT_EQ(effects.reply->reason, "MEMBER_MOVING");
  EXPECT_TRUE(effects.puts.empty());
}

}  // namespace
}  // namespace regulars::messaging
