// The running auditor on a log that grows: what is sound is clean however it is cut into rounds,
// and every kind of damage is found while it streams. One row per damage.
#include "tools/regularsctl/auditor.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "libs/kafka/fake_log.h"
#include "libs/shard/keys.h"
#include "tools/regularsctl/audit/history.h"

namespace regulars::ctl {
namespace {

constexpr int kTransactions = 8;

class FakeInspector : public kafka::Inspector {
 public:
  explicit FakeInspector(kafka::FakeLog* log) : log_(log) {}
  absl::StatusOr<std::map<std::string, int32_t>> Topics(absl::Duration) override {
    return std::map<std::string, int32_t>{{kHistoryChangelog, kHistoryShards},
                                          {kHistoryEvents, kHistoryShards}};
  }
  absl::StatusOr<kafka::PartitionEnds> Ends(const kafka::TopicPartition& place,
                                            absl::Duration) override {
    if (before_ends) before_ends();
    const auto marks = log_->WatermarksOf(place);
    return kafka::PartitionEnds{marks.low, marks.high, log_->EndOffset(place)};
  }
  absl::StatusOr<std::map<std::string, std::map<std::string, std::string>>> Configs(
      const std::vector<std::string>&, absl::Duration) override {
    return absl::UnimplementedError("not asked");
  }
  std::function<void()> before_ends;

 private:
  kafka::FakeLog* const log_;
};

// A log of one service, written record by record while an auditor follows it.
class Stream {
 public:
  Stream() {
    EXPECT_TRUE(log_.CreateTopic(kHistoryChangelog, kHistoryShards).ok());
    EXPECT_TRUE(log_.CreateTopic(kHistoryEvents, kHistoryShards).ok());
    producer_ = *log_.NewProducer();
    reader_ = *LogReader::Make(&log_, &inspector_, 1);
  }
  void Audit(bool from_start, int64_t records_per_round = kRecordsPerRound) {
    auditor_ = std::make_unique<Auditor>(
        reader_.get(), Auditor::Options{{"points"}, from_start, records_per_round});
    ASSERT_TRUE(auditor_->Start().ok());
  }
  void Write(const HistoryRecord& record) {
    ASSERT_TRUE(producer_
                    ->Produce({record.topic, 0, record.key, record.value, record.headers},
                              [](const absl::StatusOr<int64_t>&) {})
                    .ok());
    ASSERT_TRUE(producer_->Flush(absl::Seconds(1)).ok());
  }
  // The transactions with these sequences: state, event, @shard.
  void Write(const History& history, int64_t first, int64_t last) {
    size_t event = 0;
    int64_t sequence = 1;
    for (const HistoryRecord& record : history.changelog) {
      const bool closes = record.key == shard::kShardKey;
      if (closes) {
        for (; event < history.events.size() && SequenceOf(history.events[event]) <= sequence;
             ++event) {
          if (sequence >= first && sequence <= last) Write(history.events[event]);
        }
      }
      if (sequence >= first && sequence <= last) Write(record);
      if (closes) ++sequence;
    }
  }
  // Rounds until nothing changes.
  void Follow(int rounds = 3) {
    for (int i = 0; i < rounds; ++i) ASSERT_TRUE(auditor_->Look(&findings_).ok());
  }

  kafka::FakeLog& log() { return log_; }
  FakeInspector& inspector() { return inspector_; }
  Auditor& auditor() { return *auditor_; }
  Findings& findings() { return findings_; }

 private:
  static int64_t SequenceOf(const HistoryRecord& event) {
    return event.headers.size() < 2 ? 0 : std::stoll(event.headers[1].second);
  }
  kafka::FakeLog log_{kafka::FakeLogOptions{}};
  FakeInspector inspector_{&log_};
  std::unique_ptr<kafka::Producer> producer_;
  std::unique_ptr<LogReader> reader_;
  std::unique_ptr<Auditor> auditor_;
  Findings findings_;
};

std::string Said(Stream& stream) { return testing::PrintToString(stream.findings().sentences()); }

TEST(AuditorTest, ASoundLogIsCleanInRoundsOfAnySize) {
  for (const int64_t size : {1, 2, 5, 1000}) {
    SCOPED_TRACE(size);
    Stream stream;
    stream.Write(MakeHistory(kTransactions), 1, kTransactions);
    stream.Audit(/*from_start=*/true, size);
    stream.Follow(2 * kTransactions);
    EXPECT_TRUE(stream.findings().ok()) << Said(stream);
    EXPECT_EQ(stream.findings().figure("transactions"), kTransactions);
    EXPECT_EQ(stream.findings().figure("output_records"), kTransactions - 1);
    EXPECT_EQ(stream.findings().figure("outputs_unchecked"), 0);
    EXPECT_EQ(stream.auditor().lag(), 0);
  }
}

TEST(AuditorTest, FollowsALogThatGrows) {
  Stream stream;
  const History history = MakeHistory(kTransactions);
  stream.Audit(/*from_start=*/false);
  for (int sequence = 1; sequence <= kTransactions; ++sequence) {
    stream.Write(history, sequence, sequence);
    stream.Follow(1);
  }
  stream.Follow();
  EXPECT_TRUE(stream.findings().ok()) << Said(stream);
  EXPECT_EQ(stream.findings().figure("transactions"), kTransactions);
}

TEST(AuditorTest, JudgesNothingBeforeItsAnchor) {
  Stream stream;
  History history = MakeHistory(kTransactions);
  history.Change(3, [](auto* r) { r->mutable_inputs(0)->set_from(7); });
  history.events.pop_front();
  stream.Write(history, 1, 5);
  stream.Audit(/*from_start=*/false);
  stream.Write(history, 6, kTransactions);
  stream.Follow();
  EXPECT_TRUE(stream.findings().ok()) << Said(stream);
  EXPECT_EQ(stream.findings().figure("transactions"), kTransactions - 5 + 1);  // and the anchor
}

// Transactions are written between any two questions that the auditor asks.
TEST(AuditorTest, JoinsAndFollowsALogUnderLoad) {
  constexpr int kMany = 60;
  for (const bool from_start : {true, false}) {
    SCOPED_TRACE(from_start);
    Stream stream;
    const History history = MakeHistory(kMany);
    int written = 3;
    stream.Write(history, 1, written);
    stream.inspector().before_ends = [&] {
      if (written < kMany) ++written, stream.Write(history, written, written);
    };
    stream.Audit(from_start);
    stream.Follow(10);
    EXPECT_EQ(written, kMany);
    EXPECT_TRUE(stream.findings().ok()) << Said(stream);
    EXPECT_EQ(stream.auditor().lag(), 0);
  }
}

struct Row {
  const char* what;
  const char* kind;
  std::function<void(History*)> damage;
};

HistoryRecord* EventOf(History* history, int64_t sequence) {
  return &history->events[static_cast<size_t>(sequence - 2)];
}

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"lost: inputs were skipped", "chain_breaks",
       [](History* h) { h->Change(6, [](auto* r) { r->mutable_inputs(0)->set_from(5); }); }},
      {"gap: a sequence is missing", "chain_breaks",
       [](History* h) { h->Change(6, [](auto* r) { r->set_sequence(7); }); }},
      {"a zombie's epoch", "chain_breaks",
       [](History* h) { h->Change(6, [](auto* r) { r->set_epoch(1); }); }},
      {"@shard that does not parse", "chain_breaks",
       [](History* h) { h->Shard(6).value = "\xff\xff"; }},
      {"torn: the changelog has fewer records than counted", "torn_transactions",
       [](History* h) { h->Change(6, [](auto* r) { r->mutable_outputs(0)->set_records(3); }); }},
      {"torn: a stray record", "torn_transactions",
       [](History* h) {
         h->changelog.push_back(h->changelog.front().key == shard::kShardKey
                                    ? h->Root(HistoryMember(4))
                                    : h->changelog.front());
       }},
      {"a key of another shard", "keys_garbled",
       [](History* h) { h->Root(HistoryMember(6)).key = "what"; }},
      {"count: an event is missing", "output_mismatches",
       [](History* h) { h->events.erase(h->events.begin() + 4); }},
      {"count: the last event is missing", "output_mismatches",
       [](History* h) { h->events.pop_back(); }},
      {"count: an event too many", "output_mismatches",
       [](History* h) { h->events.push_back(*EventOf(h, kTransactions)); }},
      {"count: an older event once more", "output_mismatches",
       [](History* h) {
         h->events.push_back(*EventOf(h, 5));
         std::swap(h->events[5], h->events.back());
       }},
      {"lost: an event whose @shard never comes", "output_mismatches",
       [](History* h) {
         EventOf(h, 7)->headers[1].second = "99";
         h->Change(7, [](auto* r) { r->mutable_outputs()->RemoveLast(); });
       }},
      {"an event that names nobody", "output_mismatches",
       [](History* h) { EventOf(h, 6)->headers.clear(); }},
  };
  return rows;
}

TEST(AuditorTest, FindsEveryKindOfDamageWhileItStreams) {
  for (const Row& row : Rows()) {
    for (const bool from_start : {true, false}) {
      for (const int64_t size : {1, 1000}) {
        SCOPED_TRACE(Cat(row.what, from_start ? ", from the start" : "", ", rounds of ", size));
        Stream stream;
        History history = MakeHistory(kTransactions);
        row.damage(&history);
        stream.Write(history, 1, 3);
        stream.Audit(from_start, size);
        stream.Follow(1);
        stream.Write(history, 4, kTransactions + 1);
        stream.Follow(3 * kTransactions);
        EXPECT_GT(stream.findings().figure(row.kind), 0) << Said(stream);
        // A transaction is seen from its neighbours and its outputs too; nothing else is accused.
        EXPECT_LE(stream.findings().sentences().size(), 5U) << Said(stream);
        EXPECT_EQ(stream.auditor().lag(), 0) << "the auditor went on";
      }
    }
  }
}

// The cleaner takes what was not read yet: the chain begins anew with what it left.
TEST(AuditorTest, CompactionBetweenTwoRoundsIsNoBreak) {
  Stream stream;
  const History history = MakeHistory(kTransactions);
  stream.Write(history, 1, 6);
  stream.Audit(/*from_start=*/true, /*records_per_round=*/3);
  stream.Follow(1);
  stream.log().Compact(kHistoryChangelog);
  stream.Write(history, 7, kTransactions);
  stream.Follow(kTransactions);
  EXPECT_TRUE(stream.findings().ok()) << Said(stream);
  EXPECT_EQ(stream.findings().figure("chains_restarted"), 1);
  EXPECT_EQ(stream.auditor().lag(), 0);
}

TEST(AuditorTest, EventsThatRetentionRemovedAreNotMissed) {
  Stream stream;
  const History history = MakeHistory(kTransactions);
  stream.Write(history, 1, 6);
  stream.log().DeleteRecordsBefore({kHistoryEvents, 0}, 3);
  stream.Audit(/*from_start=*/true);
  stream.Write(history, 7, kTransactions);
  stream.Follow();
  EXPECT_TRUE(stream.findings().ok()) << Said(stream);
  EXPECT_GT(stream.findings().figure("outputs_unchecked"), 0);
}

TEST(AuditorTest, ANewOwnerContinuesTheChain) {
  Stream stream;
  History history = MakeHistory(3);
  stream.Write(history, 1, 3);
  stream.Audit(/*from_start=*/false);
  HistoryRecord owner = history.changelog.back();
  history.Change(3, [](auto* r) {
    r->set_sequence(4);
    r->set_ownership(true);
    r->mutable_inputs(0)->set_from(r->inputs(0).to());
    r->mutable_outputs()->RemoveLast();
    r->mutable_outputs(0)->set_records(1);
  });
  stream.Write(history.changelog.back());
  stream.Follow();
  EXPECT_TRUE(stream.findings().ok()) << Said(stream);
  EXPECT_EQ(stream.findings().figure("transactions"), 2);
}

}  // namespace
}  // namespace regulars::ctl
