#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/status.h"
#include "libs/shard/testing/program_harness.h"
#include "regulars/messaging/v1/messaging_service.pb.h"
#include "regulars/segmentation/v1/segmentation_events.pb.h"
#include "services/messaging/codec/program.h"

namespace regulars::messaging {
namespace {

MessagingConfig OneCampaign() { return {{{"win-back", "lapsed", "webhook", "we_miss_you"}}, {}}; }

shard::Effects Enter(shard::ProgramHarness& harness, const std::string& segment, Micros at) {
  segmentation::v1::SegmentEntered event;
  event.set_member("m_1");
  event.set_segment(segment);
  event.set_occurrence_us(at);
  event.mutable_reason()->set_text("no purchase for more than 180 days");
  return harness.Record("io.regulars.segmentation.v1.SegmentEntered",
                        absl::StrCat("m_1/", segment, "/", at), event.SerializeAsString(), at);
}

shard::Effects ReportBack(shard::ProgramHarness& harness, const std::string& send_id,
                          bool delivered) {
  v1::DeliveryReported report;
  report.set_send_id(send_id);
  report.set_member("m_1");
  report.set_delivered(delivered);
  report.set_attempts(2);
  report.set_http_status(delivered ? 200 : 500);
  report.set_failure(delivered ? "" : "ATTEMPTS_EXHAUSTED");
  report.set_finished_us(77);
  return harness.Record("io.regulars.messaging.v1.DeliveryReported", "r",
                        report.SerializeAsString(), 0);
}

std::string Published(const std::vector<shard::Publish>& publishes, size_t from) {
  std::vector<std::string> texts;
  for (size_t i = from; i < publishes.size(); ++i) {
    texts.push_back(absl::StrCat(publishes[i].kind, ":",
                                 publishes[i].type.substr(publishes[i].type.rfind('.') + 1)));
  }
  return absl::StrJoin(texts, " ");
}

std::string Counts(const shard::EntityState& state) {
  v1::MessagingRoot root;
  REGULARS_ASSERT(root.ParseFromString(state.Get("").value_or("")), "unreadable root");
  return absl::StrCat(root.decided(), "/", root.delivered(), "/", root.failed());
}

struct Row {
  std::string input;  // "enter SEGMENT AT", "delivered SEND", "failed SEND"
  std::string outcome;
  std::string counts;  // decided/delivered/failed
  std::string published;
};

TEST(MessagingProgramTest, OneDecisionPerOccurrenceAndOneFinalReport) {
  const std::string decided = "events:SendDecided sends:SendDecided";
  const std::vector<Row> table = {
      {"enter repeat_buyer 5", "no_campaign", "0/0/0", ""},
      {"enter lapsed 10", "decided", "1/0/0", decided},
      {"enter lapsed 10", "already_decided", "1/0/0", ""},
      {"enter lapsed 20", "decided", "2/0/0", decided},
      {"delivered win-back-30", "unknown_send", "2/0/0", ""},
      {"delivered win-back-010", "unknown_send", "2/0/0", ""},
      {"delivered nonsense", "unknown_send", "2/0/0", ""},
      {"delivered win-back-10", "delivered", "2/1/0", "events:SendDelivered"},
      {"delivered win-back-10", "already_reported", "2/1/0", ""},
      {"failed win-back-10", "finished", "2/1/0", ""},
      {"failed win-back-20", "failed", "2/1/1", "events:SendFailed"},
      {"failed win-back-20", "already_reported", "2/1/1", ""},
      {"delivered win-back-20", "finished", "2/1/1", ""},
      {"enter lapsed 10", "already_decided", "2/1/1", ""}};
  const MessagingProgram program(OneCampaign());
  shard::ProgramHarness harness(program, "cofco", "m_1");
  for (const Row& row : table) {
    const size_t before = harness.publishes().size();
    const size_t space = row.input.find(' ');
    const std::string verb = row.input.substr(0, space);
    const std::string rest = row.input.substr(space + 1);
    shard::Effects effects;
    if (verb == "enter") {
      const size_t gap = rest.find(' ');
      effects = Enter(harness, rest.substr(0, gap), std::stoll(rest.substr(gap + 1)));
    } else {
      effects = ReportBack(harness, rest, verb == "delivered");
    }
    EXPECT_EQ(effects.outcome, row.outcome) << row.input;
    EXPECT_EQ(effects.dead_letter.has_value(), row.outcome == "unknown_send") << row.input;
    EXPECT_EQ(Counts(harness), row.counts) << row.input;
    EXPECT_EQ(Published(harness.publishes(), before), row.published) << row.input;
  }
  const std::map<std::string, int64_t> sums = {
      {"sends_decided", 2}, {"sends_delivered", 1}, {"sends_failed", 1}};
  EXPECT_EQ(harness.sums(), sums);
}

TEST(MessagingProgramTest, AnEntryThatContinuesAnotherOneIsNoOccasion) {
  const MessagingProgram program(OneCampaign());
  shard::ProgramHarness harness(program, "cofco", "m_1");
  segmentation::v1::SegmentEntered event;
  event.set_member("m_1");
  event.set_segment("lapsed");
  event.set_occurrence_us(20);
  event.set_continues_member("m_2");
  event.set_continues_occurrence_us(10);
  EXPECT_EQ(harness
                .Record("io.regulars.segmentation.v1.SegmentEntered", "m_1/lapsed/20",
                        event.SerializeAsString(), 20)
                .outcome,
            "continued");
  EXPECT_TRUE(harness.states().empty());
}

TEST(MessagingProgramTest, EveryCampaignOfTheSegmentDecidesForItself) {
  const MessagingProgram program({{},
                                  {{"cofco",
                                    {{"win-back", "lapsed", "webhook", ""},
                                     {"call", "lapsed", "webhook", ""},
                                     {"thanks", "repeat_buyer", "webhook", ""}}}}});
  shard::ProgramHarness harness(program, "cofco", "m_1");
  Enter(harness, "lapsed", 10);
  EXPECT_EQ(Counts(harness), "2/0/0");
  EXPECT_TRUE(harness.Get("send/call/10").has_value());
  EXPECT_TRUE(harness.Get("send/win-back/10").has_value());
  shard::ProgramHarness other(program, "other", "m_1");
  EXPECT_EQ(Enter(other, "lapsed", 10).outcome, "no_campaign");
}

TEST(MessagingProgramTest, TheIdempotencyKeyIsAFunctionOfPoolMemberCampaignAndOccurrence) {
  std::set<std::string> keys;
  for (const char* pool : {"a", "b"}) {
    for (const char* member : {"m_1", "m_2"}) {
      for (const char* send : {"win-back-1", "win-back-2", "call-1"}) {
        const std::string key = IdempotencyKey({pool, member, 5}, send);
        EXPECT_EQ(key.size(), 26U);
        EXPECT_EQ(key, IdempotencyKey({pool, member, 9}, send)) << "must not depend on now";
        EXPECT_TRUE(keys.insert(key).second);
      }
    }
  }
}

TEST(MessagingProgramTest, TheDecisionSaysWhyAndGoesToTheSenderUnderItsKey) {
  const MessagingProgram program(OneCampaign());
  shard::ProgramHarness harness(program, "cofco", "m_1");
  Enter(harness, "lapsed", 180 * kMicrosPerDay + 1);
  ASSERT_EQ(harness.publishes().size(), 2U);
  const shard::Publish& job = harness.publishes()[1];
  v1::SendDecided decision;
  ASSERT_TRUE(decision.ParseFromString(job.payload));
  EXPECT_EQ(job.id, decision.idempotency_key());
  EXPECT_EQ(harness.publishes()[0].id, "m_1/win-back-15552000000001");
  EXPECT_EQ(decision.reason().rule(), "win-back@1");
  EXPECT_EQ(decision.reason().text(),
            "entered lapsed at 1970-06-30T00:00:00.000001Z: no purchase for more than 180 days");
  EXPECT_EQ(decision.reason().event_id(), "m_1/lapsed/15552000000001");
  EXPECT_EQ(decision.template_(), "we_miss_you");
}

TEST(MessagingProgramTest, SendsAreListedNewestFirstInPages) {
  const MessagingProgram program(OneCampaign());
  shard::ProgramHarness harness(program, "cofco", "m_1");
  for (int i = 1; i <= 5; ++i) Enter(harness, "lapsed", i * 10);
  v1::ListSendsRequest request;
  request.set_page_size(2);
  std::vector<std::string> names;
  do {
    v1::ListSendsResponse page;
    ASSERT_TRUE(
        page.ParseFromString(harness.Query("ListSends", request.SerializeAsString(), 0).payload));
    ASSERT_LE(page.sends_size(), 2);
    for (const v1::Send& send : page.sends()) names.push_back(send.name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  ASSERT_EQ(names.size(), 5U);
  EXPECT_EQ(names[0], "pools/cofco/members/m_1/sends/win-back-50");
  EXPECT_EQ(names[4], "pools/cofco/members/m_1/sends/win-back-10");
}

TEST(MessagingProgramTest, BadQueriesAreRefused) {
  const MessagingProgram program(OneCampaign());
  shard::ProgramHarness harness(program, "cofco", "m_1");
  v1::ListSendsRequest list;
  list.set_page_size(-1);
  EXPECT_EQ(harness.Query("ListSends", list.SerializeAsString(), 0).reason, "PAGE_SIZE_INVALID");
  list.set_page_size(1);
  for (const char* token : {"x", "-1", "0", "99999999999999999999"}) {
    list.set_page_token(token);
    EXPECT_EQ(harness.Query("ListSends", list.SerializeAsString(), 0).reason, "PAGE_TOKEN_INVALID");
  }
  v1::GetSendRequest get;
  get.set_name("pools/cofco/members/m_1/sends/win-back-1");
  EXPECT_EQ(harness.Query("GetSend", get.SerializeAsString(), 0).reason, "SEND_UNKNOWN");
  EXPECT_EQ(harness.Query("Nothing", "", 0).reason, "QUERY_UNKNOWN");
  EXPECT_EQ(harness.Query("GetSend", "\xff", 0).reason, "REQUEST_MALFORMED");
}

TEST(MessagingProgramTest, BadRecordsAreSetAside) {
  const MessagingProgram program(OneCampaign());
  shard::ProgramHarness harness(program, "cofco", "m_1");
  const std::string entered = "io.regulars.segmentation.v1.SegmentEntered";
  const std::string reported = "io.regulars.messaging.v1.DeliveryReported";
  EXPECT_EQ(harness.Record(entered, "x", "\xff", 0).dead_letter->reason, "EVENT_MALFORMED");
  EXPECT_EQ(harness.Record(entered, "x", "", 0).dead_letter->reason, "EVENT_MALFORMED");
  EXPECT_EQ(harness.Record(reported, "x", "", 0).dead_letter->reason, "EVENT_MALFORMED");
  v1::DeliveryReported report;
  report.set_member("m_2");  // not the member of the record's header
  EXPECT_EQ(harness.Record(reported, "x", report.SerializeAsString(), 0).dead_letter->reason,
            "EVENT_MALFORMED");
  report.set_member("m_1");
  report.set_attempts(kAttemptsMax + 1);
  EXPECT_EQ(harness.Record(reported, "x", report.SerializeAsString(), 0).dead_letter->reason,
            "REPORT_INVALID");
  report.set_attempts(1);
  report.set_failure(std::string(kFailureBytesMax + 1, 'F'));
  EXPECT_EQ(harness.Record(reported, "x", report.SerializeAsString(), 0).dead_letter->reason,
            "REPORT_INVALID");
  report.clear_failure();
  report.set_provider_message_id(std::string(kProviderIdBytesMax + 1, 'p'));
  EXPECT_EQ(harness.Record(reported, "x", report.SerializeAsString(), 0).dead_letter->reason,
            "REPORT_INVALID");
  EXPECT_EQ(harness.Record("io.regulars.segmentation.v1.SegmentExited", "x", "", 0).outcome,
            "skipped");
  EXPECT_TRUE(harness.states().empty());
}

TEST(MessagingProgramTest, AProvidersReportIsACommandWithAnAnswer) {
  const MessagingProgram program(OneCampaign());
  shard::ProgramHarness harness(program, "cofco", "m_1");
  Enter(harness, "lapsed", 10);
  v1::ReportDeliveryRequest request;
  request.set_name("pools/cofco/members/m_1/sends/win-back-10");
  const auto call = [&] {
    return *harness.Command("ReportDelivery", "id", request.SerializeAsString(), 50).reply;
  };
  EXPECT_EQ(call().reason, "OUTCOME_MISSING");
  request.set_outcome(v1::DELIVERY_OUTCOME_DELIVERED);
  v1::Send send;
  for (int i = 0; i < 2; ++i) {
    const shard::Reply reply = call();
    ASSERT_EQ(reply.code, absl::StatusCode::kOk);
    ASSERT_TRUE(send.ParseFromString(reply.payload));
    EXPECT_EQ(send.status(), v1::SEND_STATUS_DELIVERED);
  }
  request.set_outcome(v1::DELIVERY_OUTCOME_FAILED);
  EXPECT_EQ(call().reason, "SEND_FINISHED");
  request.set_name("pools/cofco/members/m_1/sends/win-back-11");
  EXPECT_EQ(call().reason, "SEND_UNKNOWN");
  EXPECT_EQ(harness.Command("Nothing", "id", "", 0).reply->reason, "COMMAND_UNKNOWN");
}

TEST(MessagingProgramTest, CampaignsAreCheckedOneAboveEveryLimit) {
  const auto check = [](std::vector<Campaign> campaigns) {
    return ReasonOf(CheckCampaigns(campaigns));
  };
  EXPECT_EQ(check({{"a", "lapsed", "webhook", ""}}), "");
  EXPECT_EQ(check({{std::string(kCampaignIdBytesMax, 'a'), "lapsed", "webhook", ""}}), "");
  EXPECT_EQ(check({{std::string(kCampaignIdBytesMax + 1, 'a'), "lapsed", "webhook", ""}}),
            "CAMPAIGN_INVALID");
  EXPECT_EQ(check({{"", "lapsed", "webhook", ""}}), "CAMPAIGN_INVALID");
  EXPECT_EQ(check({{"a/b", "lapsed", "webhook", ""}}), "CAMPAIGN_INVALID");
  EXPECT_EQ(check({{"a", "", "webhook", ""}}), "CAMPAIGN_INVALID");
  EXPECT_EQ(check({{"a", "lapsed", "webhook", ""}, {"a", "x", "webhook", ""}}), "CAMPAIGN_INVALID");
  std::vector<Campaign> many;
  for (size_t i = 0; i <= kCampaignsPerPoolMax; ++i) {
    many.push_back({absl::StrCat("c", i), "lapsed", "webhook", ""});
  }
  EXPECT_EQ(check(many), "CAMPAIGN_INVALID");
  many.pop_back();
  EXPECT_EQ(check(many), "");
  // As many as allowed fit into one transaction's limit of records.
  const MessagingProgram program({many, {}});
  shard::ProgramHarness harness(program, "cofco", "m_1");
  Enter(harness, "lapsed", 10);
  EXPECT_EQ(harness.publishes().size(), 2 * kCampaignsPerPoolMax);
}

// Property: whatever is repeated and in whatever order, one decision per occurrence and the first
// report stays.
TEST(MessagingProgramTest, RepeatsInAnyOrderGiveOneDecisionPerOccurrence) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    const MessagingProgram program(OneCampaign());
    shard::ProgramHarness harness(program, "cofco", "m_1");
    std::set<Micros> entered;
    std::map<Micros, bool> final;
    for (int step = 0; step < 50; ++step) {
      const Micros occurrence = 1 + random() % 8;
      const bool delivered = random() % 2 == 0;
      if (random() % 2 == 0) {
        Enter(harness, "lapsed", occurrence);
        entered.insert(occurrence);
      } else {
        ReportBack(harness, SendId("win-back", occurrence), delivered);
        if (entered.count(occurrence) > 0) final.emplace(occurrence, delivered);
      }
    }
    int64_t good = 0;
    for (const auto& [occurrence, delivered] : final) good += delivered ? 1 : 0;
    EXPECT_EQ(Counts(harness), absl::StrCat(entered.size(), "/", good, "/",
                                            static_cast<int64_t>(final.size()) - good));
    std::set<std::string> keys;
    for (const shard::Publish& publish : harness.publishes()) {
      EXPECT_TRUE(publish.kind != "sends" || keys.insert(publish.id).second) << publish.id;
    }
  }
}

}  // namespace
}  // namespace regulars::messaging
