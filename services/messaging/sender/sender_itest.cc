// Two senders on a real broker (KAFKA_BOOTSTRAP) and a real HTTP server that fails as told: one of
// them stops half way, the other one takes its partitions over.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "libs/base/wall_clock.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/kafka/admin.h"
#include "libs/kafka/rdkafka_log.h"
#include "services/messaging/sender/sender.h"
#include "services/messaging/sender/testing/provider_process.h"

namespace regulars::messaging {
namespace {

constexpr int kPartitions = 4;
constexpr int kSendCount = 400;

class SenderOnKafkaTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* bootstrap = std::getenv("KAFKA_BOOTSTRAP");
    ASSERT_NE(bootstrap, nullptr) << "KAFKA_BOOTSTRAP is not set";
    options_.bootstrap = bootstrap;
    options_.session_timeout = absl::Seconds(6);
    // A generation of its own: topics that no other run has.
    generation_ = static_cast<int32_t>(WallMicros() / kMicrosPerSecond % 1'000'000'000);
    sends_ = events::TopicName(events::kMessaging, events::kSendsKind, generation_);
    reports_ = events::TopicName(events::kMessaging, events::kReportsKind, generation_);
    ASSERT_TRUE(kafka::CreateTopics(options_,
                                    {{.name = sends_, .partitions = kPartitions},
                                     {.name = reports_, .partitions = kPartitions}},
                                    absl::Seconds(30))
                    .ok());
    log_ = std::make_unique<kafka::RdkafkaLog>(options_);
  }

  void Decide() {
    auto producer = *log_->NewProducer();
    for (int i = 0; i < kSendCount; ++i) {
      const std::string member = absl::StrCat("m_", i);
      v1::SendDecided decision;
      decision.set_send_id("win-back-1");
      decision.set_member(member);
      decision.set_campaign("win-back");
      decision.set_occurrence_us(1);
      decision.set_idempotency_key(absl::StrCat("key-", member));
      decision.set_decided_us(1);
      kafka::OutRecord record;
      record.topic = sends_;
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
    ASSERT_TRUE(producer->Flush(absl::Seconds(20)).ok());
  }

  // Members with a report, as a reader of committed records sees them.
  std::multiset<std::string> Reported() {
    std::multiset<std::string> members;
    auto reader = *log_->NewReader();
    for (int partition = 0; partition < kPartitions; ++partition) {
      const auto marks = reader->QueryWatermarks({reports_, partition}, absl::Seconds(10));
      if (!marks.ok() || marks->high == 0) continue;
      const absl::Status read = reader->ReadRange(
          {reports_, partition}, 0, marks->high,
          [&](const kafka::Record& record) {
            members.emplace(record.key);
            return true;
          },
          absl::Seconds(10));
      EXPECT_TRUE(read.ok()) << read;
    }
    return members;
  }

  bool Eventually(size_t distinct) {
    const int64_t until = MonotonicMicros() + 90 * kMicrosPerSecond;
    while (MonotonicMicros() < until) {
      const auto members = Reported();
      if (std::set<std::string>(members.begin(), members.end()).size() >= distinct) return true;
    }
    return false;
  }

  std::unique_ptr<Sender> NewSender(const Provider& provider, int32_t slot) {
    SenderOptions options;
    options.generation = generation_;
    options.slot = slot;
    options.http.url = provider.url();
    options.http.in_flight_max = 32;
    options.retry = {30, 10'000, 200'000};
    return *Sender::Make(log_.get(), &probe_, {WallMicros, MonotonicMicros}, options);
  }

  kafka::RdkafkaOptions options_;
  int32_t generation_ = 1;
  std::string sends_, reports_;
  std::unique_ptr<kafka::RdkafkaLog> log_;
  SenderProbe probe_;
};

TEST_F(SenderOnKafkaTest, EverySendIsReportedAlthoughASenderLeavesHalfWay) {
  const Provider provider("--seed 11 --fail 0.3 --cut 0.1 --delay 0.5 --delay-ms 100");
  Decide();
  auto first = NewSender(provider, 0);
  auto second = NewSender(provider, 1);
  std::thread first_thread([&] { first->Run(); });
  std::thread second_thread([&] { second->Run(); });
  EXPECT_TRUE(Eventually(kSendCount / 4));
  first->Stop();
  first_thread.join();
  first.reset();
  EXPECT_TRUE(Eventually(kSendCount));
  second->Stop();
  second_thread.join();
  const Provider::Seen seen = provider.seen();
  EXPECT_EQ(seen.keys_of_member.size(), static_cast<size_t>(kSendCount));
  for (const auto& [member, keys] : seen.keys_of_member) EXPECT_EQ(keys.size(), 1U) << member;
}

}  // namespace
}  // namespace regulars::messaging
