// The sender between the log in memory and a real HTTP server that fails as told
// (tests/e2e/provider/provider.py).
#include "services/messaging/sender/sender.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/base/wall_clock.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/kafka/fake_log.h"
#include "services/messaging/sender/testing/provider_process.h"

namespace regulars::messaging {
namespace {

constexpr char kSends[] = "regulars.messaging.sends.v1.g1";
constexpr char kReports[] = "regulars.messaging.reports.v1.g1";
constexpr int kPartitions = 4;

class SenderTest : public testing::Test {
 protected:
  SenderTest()
      : log_([] {
          kafka::FakeLogOptions options;
          options.blocking = true;
          return options;
        }()) {
    EXPECT_TRUE(log_.CreateTopic(kSends, kPartitions).ok());
    EXPECT_TRUE(log_.CreateTopic(kReports, kPartitions).ok());
  }

  void Decide(int count, bool withdrawn = false) {
    auto producer = *log_.NewProducer();
    for (int i = 0; i < count; ++i) {
      const std::string member = absl::StrCat("m_", i);
      v1::SendDecided decision;
      decision.set_send_id("win-back-1");
      decision.set_member(member);
      decision.set_campaign("win-back");
      decision.set_occurrence_us(1);
      decision.set_idempotency_key(absl::StrCat("key-", member));
      decision.set_withdrawn(withdrawn);
      kafka::OutRecord record;
      record.topic = kSends;
      record.partition = i % kPartitions;
      record.key = member;
      record.value = decision.SerializeAsString();
      record.headers = events::ToHeaders({.type = events::kSendDecided,
                                          .id = decision.idempotency_key(),
                                          .source = "/regulars/messaging",
                                          .subject = member,
                                          .time_us = 1,
                                          .pool = "cofco",
                                          .shard = "0",
                                          .traceparent = ""});
      ASSERT_TRUE(producer->Produce(record, [](auto) {}).ok());
    }
    ASSERT_TRUE(producer->Flush(absl::Seconds(5)).ok());
  }

  static SenderOptions Options(const Provider& provider) {
    SenderOptions options;
    options.http.url = provider.url();
    options.http.in_flight_max = 32;
    options.http.attempt_timeout = absl::Seconds(2);
    options.retry = {20, 1000, 20'000};
    options.session_pause = absl::Milliseconds(20);
    return options;
  }

  std::unique_ptr<Sender> NewSender(kafka::Log* log, const SenderOptions& options) {
    return *Sender::Make(log, &probe_, {WallMicros, MonotonicMicros}, options);
  }

  std::multimap<std::string, v1::DeliveryReported> Reports() {
    std::multimap<std::string, v1::DeliveryReported> reports;
    for (int partition = 0; partition < kPartitions; ++partition) {
      for (const kafka::Record& record : log_.ReadCommitted({kReports, partition})) {
        v1::DeliveryReported report;
        EXPECT_TRUE(
            report.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())));
        EXPECT_EQ(record.key, report.member());
        EXPECT_TRUE(events::FromHeaders(record.headers).ok());
        reports.emplace(report.member(), report);
      }
    }
    return reports;
  }

  template <typename Condition>
  static bool Eventually(Condition condition) {
    const int64_t until = MonotonicMicros() + 30 * kMicrosPerSecond;
    while (MonotonicMicros() < until) {
      if (condition()) return true;
      std::this_thread::yield();
    }
    return false;
  }

  bool AllCommitted() {
    int64_t committed = 0;
    int64_t written = 0;
    for (const auto& offset : log_.GroupOffsets(kSenderGroup)) committed += offset.offset;
    for (int p = 0; p < kPartitions; ++p) written += log_.EndOffset({kSends, p});
    return committed == written;
  }

  kafka::FakeLog log_;
  SenderProbe probe_;
};

TEST_F(SenderTest, EverySendIsDeliveredAndReportedOnceThroughABadProvider) {
  Provider provider("--seed 3 --fail 0.3 --cut 0.2 --delay 0.1 --delay-ms 20");
  Decide(300);
  auto sender = NewSender(&log_, Options(provider));
  std::thread thread([&] { sender->Run(); });
  EXPECT_TRUE(Eventually([&] { return AllCommitted(); }));
  sender->Stop();
  thread.join();
  const auto reports = Reports();
  EXPECT_EQ(reports.size(), 300U);
  for (const auto& [member, report] : reports) {
    EXPECT_TRUE(report.delivered()) << member << " " << report.failure();
    EXPECT_EQ(report.provider_message_id().substr(0, 2), "p_");
  }
  Provider::Seen seen = provider.seen();
  EXPECT_EQ(seen.keys_of_member.size(), 300U);
  for (const auto& [member, keys] : seen.keys_of_member) EXPECT_EQ(keys.size(), 1U) << member;
  EXPECT_GT(seen.results["failed"], 0);
  EXPECT_GT(seen.results["cut_after"], 0);
  EXPECT_EQ(seen.results["taken"] + seen.results["cut_after"] >= 300, true);
}

TEST_F(SenderTest, ARefusedSendIsReportedAsFailed) {
  Provider provider("--refuse 1");
  Decide(5);
  auto sender = NewSender(&log_, Options(provider));
  std::thread thread([&] { sender->Run(); });
  EXPECT_TRUE(Eventually([&] { return AllCommitted(); }));
  sender->Stop();
  thread.join();
  EXPECT_EQ(Reports().size(), 5U);
  for (const auto& [member, report] : Reports()) {
    EXPECT_FALSE(report.delivered());
    EXPECT_EQ(report.failure(), "PROVIDER_REFUSED");
    EXPECT_EQ(report.attempts(), 1);
  }
}

TEST_F(SenderTest, WhatWasWithdrawnBeforeItWasReadIsNotPosted) {
  Provider provider("--seed 1");
  Decide(20);
  Decide(5, /*withdrawn=*/true);  // the first five
  auto sender = NewSender(&log_, Options(provider));
  std::thread thread([&] { sender->Run(); });
  EXPECT_TRUE(Eventually([&] { return AllCommitted(); }));
  sender->Stop();
  thread.join();
  // A poll reads a partition to its end before the first post.
  EXPECT_EQ(Reports().size(), 15U);
  EXPECT_EQ(Reports().count("m_4"), 0U);
  EXPECT_EQ(provider.seen().keys_of_member.count("m_4"), 0U);
}

TEST_F(SenderTest, AQueueAtItsLimitStopsFetchingAndGoesOn) {
  Provider provider("--seed 5 --fail 0.2");
  Decide(200);
  SenderOptions options = Options(provider);
  options.queued_max = 10;
  auto sender = NewSender(&log_, options);
  std::thread thread([&] { sender->Run(); });
  EXPECT_TRUE(Eventually([&] { return AllCommitted(); }));
  sender->Stop();
  thread.join();
  EXPECT_EQ(Reports().size(), 200U);
}

TEST_F(SenderTest, AKilledSenderIsFollowedByOneThatUsesTheSameKeys) {
  Provider provider("--seed 7 --fail 0.2 --cut 0.2");
  Decide(300);
  size_t round = 0;
  for (; round < 5; ++round) {
    auto process = log_.ForProcess(absl::StrCat("messaging-", round));
    auto sender = NewSender(process.get(), Options(provider));
    std::thread thread([&] { sender->Run(); });
    const size_t enough = (round + 1) * 60;
    const bool reached = Eventually([&] { return Reports().size() >= enough || AllCommitted(); });
    log_.KillProcess(absl::StrCat("messaging-", round));
    sender->Stop();
    thread.join();
    ASSERT_TRUE(reached);
  }
  auto sender = NewSender(&log_, Options(provider));
  std::thread thread([&] { sender->Run(); });
  EXPECT_TRUE(Eventually([&] { return AllCommitted(); }));
  sender->Stop();
  thread.join();
  std::set<std::string> reported;
  for (const auto& [member, report] : Reports()) reported.insert(member);
  EXPECT_EQ(reported.size(), 300U);
  for (const auto& [member, keys] : provider.seen().keys_of_member) EXPECT_EQ(keys.size(), 1U);
}

TEST(HttpPosterTest, OnlyPlainWebUrlsAreTaken) {
  const auto reason = [](const std::string& url) {
    HttpPosterOptions options;
    options.url = url;
    return ReasonOf(HttpPoster::Make(options).status());
  };
  EXPECT_EQ(reason("http://127.0.0.1:1/x"), "");
  EXPECT_EQ(reason("https://provider.example/x"), "");
  for (const char* url :
       {"", "file:///etc/passwd", "gopher://x/", "ftp://x/", "no url", "http://user:password@x/"}) {
    EXPECT_EQ(reason(url), "WEBHOOK_URL_INVALID") << url;
  }
  HttpPosterOptions options;
  options.url = "http://127.0.0.1:1/";
  options.in_flight_max = kInFlightMax + 1;
  EXPECT_EQ(ReasonOf(HttpPoster::Make(options).status()), "WEBHOOK_OPTION_INVALID");
}

TEST(HttpPosterTest, AClosedPortIsNoAnswer) {
  HttpPosterOptions options;
  options.url = "http://127.0.0.1:1/";
  auto poster = *HttpPoster::Make(options);
  poster->Post({0, 7}, "k", "{}");
  const int64_t until = MonotonicMicros() + 10 * kMicrosPerSecond;
  while (MonotonicMicros() < until) {
    const auto ended = poster->Poll(absl::Milliseconds(100));
    if (ended.empty()) continue;
    EXPECT_EQ(ended[0].first, JobId(0, 7));
    EXPECT_EQ(ended[0].second.http_status, 0);
    return;
  }
  FAIL() << "no result";
}

}  // namespace
}  // namespace regulars::messaging
