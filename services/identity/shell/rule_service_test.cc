// SimulateRules through a real server over the log of two instances, and over a log that waits.
#include "services/identity/shell/rule_service.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "services/identity/shell/link_harness.h"

namespace regulars::identity {
namespace {

constexpr char kSame[] = "{linking: true, link_rules_version: '2'}";
constexpr char kStrict[] = "{linking: true, link_rules_version: '2', identifiers_max: 1}";

std::string Told(const grpc::Status& status) {
  return status.ok() ? "OK" : ReasonOf(rpc::FromGrpc(status));
}

// The log; while it is closed, readers get nothing, as from a broker that does not answer.
class Gate {
 public:
  void Close() { Set(false); }
  void Open() { Set(true); }
  // False: it did not open within this time.
  bool Wait(absl::Duration time) {
    std::unique_lock lock(mutex_);
    ++asked_;
    moved_.notify_all();
    return moved_.wait_for(lock, absl::ToChronoMilliseconds(time), [&] { return open_; });
  }
  void AwaitAsked() {
    std::unique_lock lock(mutex_);
    asked_ = 0;
    moved_.wait(lock, [&] { return asked_ > 0; });
  }

 private:
  void Set(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    moved_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable moved_;
  bool open_ = true;
  int asked_ = 0;
};

class GatedReader final : public kafka::Reader {
 public:
  GatedReader(std::unique_ptr<kafka::Reader> real, Gate* gate)
      : real_(std::move(real)), gate_(gate) {}
  absl::Status ReadRange(const kafka::TopicPartition& partition, int64_t from, int64_t to,
                         const std::function<bool(const kafka::Record&)>& fn,
                         absl::Duration timeout) override {
    if (!gate_->Wait(timeout)) return absl::DeadlineExceededError("closed");
    return real_->ReadRange(partition, from, to, fn, timeout);
  }
  absl::StatusOr<kafka::Watermarks> QueryWatermarks(const kafka::TopicPartition& partition,
                                                    absl::Duration timeout) override {
    return real_->QueryWatermarks(partition, timeout);
  }
  absl::Status Assign(const std::vector<kafka::TopicPartitionOffset>& offsets) override {
    return real_->Assign(offsets);
  }
  absl::StatusOr<std::optional<kafka::Record>> Poll(absl::Duration timeout) override {
    return real_->Poll(timeout);
  }

 private:
  const std::unique_ptr<kafka::Reader> real_;
  Gate* const gate_;
};

// Only reads: whoever wants to write gets nothing.
class GatedLog final : public kafka::Log {
 public:
  GatedLog(kafka::Log* real, Gate* gate) : real_(real), gate_(gate) {}
  absl::StatusOr<std::unique_ptr<kafka::Reader>> NewReader() override {
    auto reader = real_->NewReader();
    if (!reader.ok()) return reader.status();
    return std::make_unique<GatedReader>(*std::move(reader), gate_);
  }
  absl::StatusOr<std::unique_ptr<kafka::Consumer>> NewConsumer(
      const kafka::ConsumerOptions&) override {
    return absl::InternalError("no group");
  }
  absl::StatusOr<std::unique_ptr<kafka::TransactionalProducer>> NewTransactionalProducer(
      const kafka::TransactionalProducerOptions&) override {
    return absl::InternalError("no writing");
  }
  absl::StatusOr<std::unique_ptr<kafka::Producer>> NewProducer() override {
    return absl::InternalError("no writing");
  }
  absl::StatusOr<int32_t> PartitionCount(const std::string& topic,
                                         absl::Duration timeout) override {
    return real_->PartitionCount(topic, timeout);
  }

 private:
  kafka::Log* const real_;
  Gate* const gate_;
};

class Rules : public LinkServers {
 protected:
  struct Answer {
    std::vector<v1::SimulationProgress> progress;
    v1::RuleSimulation result;
    std::string told;
  };

  void Serve(RuleServiceOptions options = {}) {
    options.pools = {{"tea", world_.options.pool_links["tea"]}, {"cafe", {}}};
    options.changelog = "regulars.identity.changelog.v1.g1";
    options.shards = kTestShards;
    rpc::ApiKeys keys;
    EXPECT_TRUE(keys.Add(KeyLine("ruler", "tea", " simulate-rules") +
                         KeyLine("staff", "tea", " link-members") +
                         KeyLine("ruler", "cafe", " simulate-rules") +
                         KeyLine("ruler", "gone", " simulate-rules"))
                    .ok());
    edge_ = std::make_unique<rpc::Edge>(std::move(keys), &metrics_, &world_.logger);
    service_ =
        std::make_unique<RuleService>(edge_.get(), &log_, &world_.logger, std::move(options));
    server_ = *rpc::Server::Start({}, {service_.get()});
    stub_ =
        v1::RuleService::NewStub(*rpc::MakeChannel(Cat("127.0.0.1:", server_->port()), {}, false));
  }
  void TearDown() override {
    gate_.Open();
    if (server_ != nullptr) server_->Shutdown(0);
  }

  static v1::SimulateRulesRequest Request(const std::string& rules,
                                          const std::string& parent = "pools/tea",
                                          int32_t differences_max = 0) {
    v1::SimulateRulesRequest request;
    request.set_parent(parent);
    request.set_rules(rules);
    request.set_differences_max(differences_max);
    return request;
  }
  Answer Ask(const v1::SimulateRulesRequest& request, const std::string& key = "tea-ruler") {
    return Ask(Context(key).get(), request);
  }
  Answer Ask(grpc::ClientContext* context, const v1::SimulateRulesRequest& request) {
    Answer answer;
    const auto stream = stub_->SimulateRules(context, request);
    for (v1::SimulateRulesResponse said; stream->Read(&said);) {
      EXPECT_TRUE(answer.result.rules_now().empty()) << "the result is the last message";
      if (said.has_progress()) answer.progress.push_back(said.progress());
      if (said.has_result()) answer.result = said.result();
    }
    answer.told = Told(stream->Finish());
    return answer;
  }
  // Ann and Bob come in twice each, under two identifiers that a third touch names together.
  void TwoPeople() {
    for (const char* name : {"ann", "bob"}) {
      const std::string card = Cat("card:", name), mail = Cat("email:", name, "@example.com");
      Touch(card);
      MemberOf(card);
      Touch(mail);
      MemberOf(mail);
      Touch(Cat(card, " ", mail));
      EXPECT_TRUE(Same(card, mail));
    }
    Settle();
  }
  // Until what was sent to itself is done: nothing grows between two looks of both instances.
  void Settle() {
    EXPECT_TRUE(Until([&] {
      const int64_t before = Written();
      MemberOf("card:ann");
      MemberOf("card:bob");
      return Written() == before;
    }));
  }
  int64_t Written() const {
    int64_t written = 0;
    for (const char* kind : {"events", "links", "changelog", "commands", "dlq"}) {
      for (int32_t shard = 0; shard < kTestShards; ++shard) {
        written += static_cast<int64_t>(
            world_.log.ReadCommitted({Cat("regulars.identity.", kind, ".v1.g1"), shard}).size());
      }
    }
    return written;
  }

  Gate gate_;
  GatedLog log_{&world_.log, &gate_};
  metrics::Registry metrics_;
  std::unique_ptr<rpc::Edge> edge_;
  std::unique_ptr<RuleService> service_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<v1::RuleService::Stub> stub_;
};

TEST_F(Rules, SayWhatTheyWouldUndoAndWriteNothing) {
  Serve();
  TwoPeople();
  const int64_t written = Written();

  const Answer same = Ask(Request(kSame));
  ASSERT_EQ(same.told, "OK");
  ASSERT_FALSE(same.progress.empty());
  EXPECT_EQ(same.progress.front().offsets_read(), 0);
  EXPECT_GT(same.progress.front().offsets_total(), 0);
  EXPECT_EQ(same.result.links(), 2);
  EXPECT_EQ(same.result.members_now(), 2);
  EXPECT_EQ(same.result.members_then(), 2);
  EXPECT_EQ(same.result.merges_then(), 2);
  EXPECT_EQ(same.result.members_not_reproduced(), 0);
  EXPECT_EQ(same.result.differences_size(), 0);
  EXPECT_FALSE(same.result.version_reused());

  const Answer strict = Ask(Request(kStrict));
  ASSERT_EQ(strict.told, "OK");
  EXPECT_EQ(strict.result.members_then(), 4);
  EXPECT_EQ(strict.result.merges_then(), 0);
  EXPECT_EQ(strict.result.members_fall_apart(), 2);
  EXPECT_EQ(strict.result.newly_stopped().at("max_identifiers"), 2);
  ASSERT_EQ(strict.result.differences_size(), 2);
  const v1::LinkDifference& first = strict.result.differences(0);
  EXPECT_FALSE(first.would_join());
  EXPECT_EQ(first.rule(), "max_identifiers");
  EXPECT_EQ(first.limit(), 1);
  EXPECT_EQ(first.first().type(), "card");
  EXPECT_EQ(first.second().type(), "email");
  EXPECT_EQ(first.first().member(), MemberOf("card:ann"));
  EXPECT_EQ(first.second().identifier_key(),
            model::IdentifierKey(Hidden("email:ann@example.com").hmac()));

  EXPECT_EQ(Ask(Request(kStrict, "pools/tea", 1)).result.differences_size(), 1);
  EXPECT_TRUE(Ask(Request("{linking: true, identifiers_max: 1}")).result.version_reused());
  EXPECT_EQ(Written(), written);
}

TEST_F(Rules, RefuseWhatIsWrongInTheDocumentedOrder) {
  Serve();
  struct Row {
    const char* key;
    v1::SimulateRulesRequest request;
    const char* told;
  };
  const auto deep = [](const char* one) {
    std::string text;
    while (text.size() + 8 < kRulesBytesMax) text += one;
    return text;
  };
  const Row rows[] = {
      {"", Request(kSame), "API_KEY_MISSING"},
      {"tea-nobody", Request(kSame), "API_KEY_INVALID"},
      {"tea-ruler", Request(kSame, "pools/cafe"), "POOL_MISMATCH"},
      {"tea-ruler", Request(kSame, "tea"), "NAME_MALFORMED"},
      {"tea-staff", Request(kSame, "pools/tea/members/m_1"), "RIGHT_MISSING"},
      {"tea-ruler", Request("", "pools/tea/members/m_1"), "NAME_MALFORMED"},
      {"gone-ruler", Request("", "pools/gone"), "POOL_UNKNOWN"},
      {"tea-ruler", Request("", "pools/tea", -1), "DIFFERENCES_MAX_INVALID"},
      {"tea-ruler", Request("", "pools/tea", 1'001), "DIFFERENCES_MAX_INVALID"},
      {"tea-ruler", Request(""), "RULES_INVALID"},
      {"tea-ruler", Request("linking: [true"), "RULES_INVALID"},
      {"tea-ruler", Request(deep("[")), "RULES_INVALID"},
      {"tea-ruler", Request(deep("{a: ")), "RULES_INVALID"},
      {"tea-ruler", Request(deep("- ")), "RULES_INVALID"},
      {"tea-ruler", Request(deep("? ")), "RULES_INVALID"},
      {"tea-ruler", Request(deep("&a ")), "RULES_INVALID"},
      {"tea-ruler", Request(deep("!a ")), "RULES_INVALID"},
      {"tea-ruler", Request(deep("\xc2\xa0: 1\n")), "RULES_INVALID"},
      {"tea-ruler", Request("[linking]"), "RULES_INVALID"},
      {"tea-ruler", Request("{linking: true, link_limts: []}"), "RULES_INVALID"},
      {"tea-ruler", Request("{linking: true, merges_max: 101}"), "RULES_INVALID"},
      {"tea-ruler", Request("{linking: true, link_limits: [phone]}"), "RULES_INVALID"},
      {"tea-ruler", Request(Cat(kSame, std::string(kRulesBytesMax, ' '))), "RULES_INVALID"},
      {"cafe-ruler", Request("{linking: false}", "pools/cafe"), "LINKING_OFF"},
      {"tea-ruler", Request("{linking: false}"), "RULES_NOT_SIMULATED"},
      {"tea-ruler", Request("{linking: true, recycle_after_days: 1}"), "RULES_NOT_SIMULATED"},
      {"tea-ruler", Request(kSame, "pools/tea", 1'000), "OK"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Ask(row.request, row.key).told, row.told) << row.request.ShortDebugString();
  }
}

TEST_F(Rules, OnlyOneAtATime) {
  Serve();
  gate_.Close();
  auto first = std::async(std::launch::async, [&] { return Ask(Request(kSame)); });
  gate_.AwaitAsked();
  EXPECT_EQ(Ask(Request(kSame)).told, "SIMULATION_RUNNING");
  gate_.Open();
  EXPECT_EQ(first.get().told, "OK");
  EXPECT_EQ(Ask(Request(kSame)).told, "OK");
}

TEST_F(Rules, EndWithinASecondWhenTheCallerGoesAway) {
  Serve();
  gate_.Close();
  const auto context = Context("tea-ruler");
  auto first = std::async(std::launch::async, [&] { return Ask(context.get(), Request(kSame)); });
  gate_.AwaitAsked();
  context->TryCancel();
  const Micros cancelled_us = MonotonicMicros();
  (void)first.get();
  // The next one gets its place; the log is still closed, so it ends by its own deadline.
  const auto ask = [&] {
    const auto hurried = Context("tea-ruler");
    hurried->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
    return Ask(hurried.get(), Request(kSame)).told;
  };
  EXPECT_TRUE(Until([&] { return ask() != "SIMULATION_RUNNING"; }));
  EXPECT_LT(MonotonicMicros() - cancelled_us, 2 * kMicrosPerSecond);
}

TEST_F(Rules, TakeNoLongerThanTheyMay) {
  RuleServiceOptions options;
  options.time_us_max = 100 * kMicrosPerMilli;
  Serve(options);
  gate_.Close();
  EXPECT_EQ(Ask(Request(kSame)).told, "SIMULATION_TOO_LONG");
}

TEST_F(Rules, TakeNoMoreMemoryThanTheyMay) {
  TwoPeople();
  RuleServiceOptions options;
  options.memory_bytes_max = 1'000;
  Serve(options);
  EXPECT_EQ(Ask(Request(kSame)).told, "HISTORY_TOO_LARGE");
}

TEST_F(Rules, StopWithTheService) {
  Serve();
  gate_.Close();
  auto first = std::async(std::launch::async, [&] { return Ask(Request(kSame)); });
  gate_.AwaitAsked();
  server_->Shutdown(0);
  service_.reset();  // waits for the thread
  EXPECT_NE(first.get().told, "OK");
}

}  // namespace
}  // namespace regulars::identity
