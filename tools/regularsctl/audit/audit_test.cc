// Every kind of damage is found, and a sound history is clean. One row per damage.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/store/memory_store.h"
#include "tools/regularsctl/audit/changelog_fold.h"
#include "tools/regularsctl/audit/history.h"
#include "tools/regularsctl/audit/output_audit.h"
#include "tools/regularsctl/audit/state_audit.h"
#include "tools/regularsctl/audit/store_audit.h"
#include "tools/regularsctl/audit/view_audit.h"

namespace regulars::ctl {
namespace {

constexpr int kTransactions = 5;

// The view and the store as a sound owner would have filled them.
struct Copies {
  std::optional<redis::ViewMeta> meta;
  std::vector<redis::ViewOp> view;
  std::vector<store::Op> store;
};

Copies CopiesOf(const History& history) {
  Copies copies;
  for (const HistoryRecord& record : history.changelog) {
    if (record.key == shard::kShardKey) continue;
    runtime::v1::StateValue value;
    (void)value.ParseFromString(*record.value);
    const shard::StateKeyParts parts = shard::ParseStateKey(record.key);
    copies.view.push_back({Cat(parts.pool, "|", parts.entity, "|", parts.sub), value.value()});
    copies.store.push_back({record.key, record.value});
  }
  const runtime::v1::ShardRecord last = History::Books(history.changelog.back());
  copies.meta = redis::ViewMeta{"log", 0, 7, last.sequence(), true};
  copies.store.push_back({std::string(shard::kShardKey), history.changelog.back().value});
  copies.store.push_back(
      {std::string(shard::kPositionKey), Cat(history.changelog.back().offset + 1)});
  return copies;
}

Findings Audit(const History& history, const Copies& copies,
               const std::map<kafka::TopicPartition, int64_t>& low = {}) {
  Findings findings;
  store::MemoryStoreFactory disks;
  auto store = *disks.Open("points-0");
  EXPECT_TRUE(store->Write(copies.store).ok());
  auto audit = *StoreAudit::Open("points-0", std::move(store));
  ChangelogFold fold("points", 0, kHistoryShards, kHistoryChangelog, &findings);
  for (const HistoryRecord& record : history.changelog) {
    EXPECT_TRUE(audit->Before(fold.fold(), record.offset).ok());
    audit->Touched(record.key);
    fold.Add(record.View());
  }
  fold.Finish();
  EXPECT_TRUE(audit->Before(fold.fold(), fold.fold().last_offset + 1).ok());
  audit->Finish(fold.fold(), &findings);
  const auto program = ProgramOf("points");
  CheckSums(fold.fold(), &findings);
  CheckView(fold.fold(), *program, copies.meta, copies.view, &findings);
  OutputAudit outputs("points", &findings);
  outputs.Promise(fold.fold());
  for (const HistoryRecord& record : history.events) outputs.See(record.View());
  outputs.Finish(low);
  return findings;
}

struct Damage {
  const char* what;
  const char* figure;  // the figure that must show it
  std::function<void(History*, Copies*)> damage;
};

void Erase(std::deque<HistoryRecord>* records,
           const std::function<bool(const HistoryRecord&)>& is) {
  records->erase(std::remove_if(records->begin(), records->end(), is), records->end());
}

bool IsShard(const HistoryRecord& record, int64_t sequence) {
  return record.key == shard::kShardKey && History::Books(record).sequence() == sequence;
}

const std::vector<Damage>& Table() {
  static const std::vector<Damage> table = {
      {"a lost transaction: a sequence is missing", "chain_breaks",
       [](History* h, Copies*) {
         Erase(&h->changelog, [](const HistoryRecord& r) {
           return IsShard(r, 3) || r.key == shard::StateKey(kHistoryPool, HistoryMember(3), "");
         });
       }},
      {"a transaction that stands there twice", "chain_breaks",
       [](History* h, Copies*) { h->Change(4, [](auto* r) { r->set_sequence(3); }); }},
      {"inputs that were skipped", "chain_breaks",
       [](History* h, Copies*) {
         h->Change(4, [](auto* r) { r->mutable_inputs(0)->set_from(3); });
       }},
      {"inputs that were read twice", "chain_breaks",
       [](History* h, Copies*) {
         h->Change(4, [](auto* r) { r->mutable_inputs(0)->set_from(1); });
       }},
      {"a position that is gone", "chain_breaks",
       [](History* h, Copies*) { h->Change(4, [](auto* r) { r->clear_inputs(); }); }},
      {"a zombie: written under an older epoch", "chain_breaks",
       [](History* h, Copies*) { h->Change(4, [](auto* r) { r->set_epoch(1); }); }},
      {"another log", "chain_breaks",
       [](History* h, Copies*) { h->Change(5, [](auto* r) { r->set_log_id("other"); }); }},
      {"a clock that goes back", "chain_breaks",
       [](History* h, Copies*) {
         h->Change(4, [](auto* r) { r->mutable_pool_clocks(0)->set_now_us(1); });
       }},
      {"@shard that does not parse", "chain_breaks",
       [](History* h, Copies*) { h->Shard(4).value = "\xff\xff"; }},
      {"a torn transaction: its state is not there", "torn_transactions",
       [](History* h, Copies*) {
         Erase(&h->changelog, [](const HistoryRecord& r) {
           return r.key == shard::StateKey(kHistoryPool, HistoryMember(4), "");
         });
       }},
      {"a torn transaction: its @shard is not there", "torn_transactions",
       [](History* h, Copies*) {
         Erase(&h->changelog, [](const HistoryRecord& r) { return IsShard(r, 5); });
       }},
      {"a torn transaction: its event is not there", "output_mismatches",
       [](History* h, Copies*) { h->events.pop_back(); }},
      {"an event that came twice", "output_mismatches",
       [](History* h, Copies*) { h->events.push_back(h->events.back()); }},
      {"an event of an aborted transaction", "output_mismatches",
       [](History* h, Copies*) {
         h->events.push_back(h->events.back());
         h->events.back().headers[1].second = "99";
       }},
      {"an event from nowhere", "output_mismatches",
       [](History* h, Copies*) {
         h->events.push_back(h->events.back());
         h->events.back().headers.clear();
       }},
      {"a key of another shard", "keys_garbled",
       [](History* h, Copies*) {
         std::string other = "m_1";
         while (ShardOf(Bucket(kHistoryPool, other), kHistoryShards) == 0) other += "1";
         h->Root(HistoryMember(3)).key = shard::StateKey(kHistoryPool, other, "");
       }},
      {"a key of nobody", "keys_garbled",
       [](History* h, Copies*) { h->Root(HistoryMember(3)).key = "what"; }},
      {"a value that does not parse", "keys_garbled",
       [](History* h, Copies*) { h->Root(HistoryMember(3)).value = "\xff\xff"; }},
      {"sums that do not balance", "ledger_imbalance",
       [](History* h, Copies*) {
         h->Change(5, [](auto* r) { r->mutable_sums(0)->set_value(141); });
       }},
      {"a balance that the sums do not have", "sum_mismatches",
       [](History* h, Copies*) { h->Root(HistoryMember(3)).value = StoredRoot(31); }},
      {"a view key with an older value", "view_mismatches",
       [](History*, Copies* c) { c->view.front().value = "older"; }},
      {"a view key that should have been deleted", "view_mismatches",
       [](History*, Copies* c) {
         c->view.push_back({"cofco|m_gone|", "x"});
       }},
      {"a view that was flushed", "views_not_whole",
       [](History*, Copies* c) {
         c->meta.reset();
         c->view.clear();
       }},
      {"a view that is being rebuilt", "views_not_whole",
       [](History*, Copies* c) { c->meta->whole = false; }},
      {"a view of another log", "views_not_whole",
       [](History*, Copies* c) { c->meta->log_id = "other"; }},
      {"a view that was put back from an old dump", "views_behind",
       [](History*, Copies* c) { c->meta->applied = 3; }},
      {"a view of a former owner", "views_behind", [](History*, Copies* c) { c->meta->epoch = 5; }},
      {"a store with another value", "store_mismatches",
       [](History*, Copies* c) { c->store.front().value = StoredRoot(999); }},
      {"a store that lacks a key", "store_mismatches",
       [](History*, Copies* c) { c->store.erase(c->store.begin()); }},
      {"a store with a key too much", "store_mismatches",
       [](History*, Copies* c) {
         c->store.push_back({shard::StateKey(kHistoryPool, "m_other", ""), StoredRoot(1)});
       }},
      {"a store with a timer that nobody set", "store_mismatches",
       [](History*, Copies* c) {
         c->store.push_back({shard::DueKey(kHistoryPool, 5, HistoryMember(3), "expire"), ""});
       }},
      {"a store that ran ahead of the log", "store_mismatches",
       [](History*, Copies* c) { c->store.back().value = "1000"; }},
      {"a store without its position", "store_mismatches",
       [](History*, Copies* c) { c->store.pop_back(); }},
  };
  return table;
}

TEST(AuditTest, FindsNothingInASoundHistory) {
  const History history = MakeHistory(kTransactions);
  const Findings findings = Audit(history, CopiesOf(history));
  EXPECT_TRUE(findings.ok()) << testing::PrintToString(findings.sentences());
  EXPECT_EQ(findings.figure("transactions"), kTransactions);
  EXPECT_EQ(findings.figure("keys_folded"), kTransactions - 1);
  EXPECT_EQ(findings.figure("view_keys"), kTransactions - 1);
  EXPECT_EQ(findings.figure("output_records"), kTransactions - 1);
  EXPECT_EQ(findings.figure("stores_at_end"), 1);
}

TEST(AuditTest, FindsEveryKindOfDamage) {
  for (const Damage& row : Table()) {
    SCOPED_TRACE(row.what);
    History history = MakeHistory(kTransactions);
    Copies copies = CopiesOf(history);
    row.damage(&history, &copies);
    const Findings findings = Audit(history, copies);
    EXPECT_FALSE(findings.ok());
    EXPECT_GT(findings.figure(row.figure), 0) << testing::PrintToString(findings.sentences());
    EXPECT_FALSE(findings.sentences().empty());
  }
}

// What the cleaner leaves of a log: the chain begins later, and everything is still sound.
TEST(AuditTest, ACompactedChangelogIsClean) {
  History history = MakeHistory(kTransactions);
  const Copies copies = CopiesOf(history);
  Erase(&history.changelog, [](const HistoryRecord& r) { return IsShard(r, 1) || IsShard(r, 2); });
  const Findings findings = Audit(history, copies);
  EXPECT_TRUE(findings.ok()) << testing::PrintToString(findings.sentences());
  EXPECT_EQ(findings.figure("transactions"), kTransactions - 2);
  EXPECT_EQ(findings.figure("outputs_unchecked"), 1);  // the event of sequence 2
}

TEST(AuditTest, EventsThatRetentionRemovedAreNotMissed) {
  History history = MakeHistory(kTransactions);
  history.events.pop_front();
  const Findings findings = Audit(history, CopiesOf(history), {{{kHistoryEvents, 0}, 3}});
  EXPECT_TRUE(findings.ok()) << testing::PrintToString(findings.sentences());
  EXPECT_EQ(findings.figure("outputs_unchecked"), 1);
}

TEST(AuditTest, AnEvictedViewKeyIsCountedAndAllowed) {
  const History history = MakeHistory(kTransactions);
  Copies copies = CopiesOf(history);
  copies.view.pop_back();
  const Findings findings = Audit(history, copies);
  EXPECT_TRUE(findings.ok());
  EXPECT_EQ(findings.figure("view_absent"), 1);
}

TEST(AuditTest, AStoreBehindTheLogMustMatchAtItsPosition) {
  const History history = MakeHistory(kTransactions);
  History earlier = MakeHistory(3);
  Copies copies = CopiesOf(history);
  copies.store = CopiesOf(earlier).store;
  EXPECT_TRUE(Audit(history, copies).ok());
  EXPECT_EQ(Audit(history, copies).figure("stores_behind"), 1);
  copies.store.front().value = StoredRoot(999);
  EXPECT_EQ(Audit(history, copies).figure("store_mismatches"), 1);
}

// The log has only the newer value of a key that was written again after the store's position.
TEST(AuditTest, AStoreIsNotBlamedForWhatCompactionRemoved) {
  History history = MakeHistory(kTransactions);
  Copies copies = CopiesOf(history);
  copies.store = CopiesOf(MakeHistory(3)).store;
  // Sequence 5 writes the member of sequence 2 once more; the cleaner took the older value.
  Erase(&history.changelog, [](const HistoryRecord& r) {
    return r.key == shard::StateKey(kHistoryPool, HistoryMember(2), "") || IsShard(r, 1) ||
           IsShard(r, 2);
  });
  HistoryRecord& moved = history.Root(HistoryMember(5));
  moved.key = shard::StateKey(kHistoryPool, HistoryMember(2), "");
  const Findings findings = Audit(history, copies);
  EXPECT_EQ(findings.figure("store_mismatches"), 0) << testing::PrintToString(findings.sentences());
}

TEST(AuditTest, AStoreOfAnotherLogIsCountedOnly) {
  const History history = MakeHistory(kTransactions);
  Copies copies = CopiesOf(history);
  runtime::v1::ShardRecord books;
  ASSERT_TRUE(books.ParseFromString(*copies.store[copies.store.size() - 2].value));
  books.set_log_id("other");
  copies.store[copies.store.size() - 2].value = books.SerializeAsString();
  const Findings findings = Audit(history, copies);
  EXPECT_TRUE(findings.ok()) << testing::PrintToString(findings.sentences());
  EXPECT_EQ(findings.figure("stores_foreign"), 1);
}

TEST(AuditTest, RunsTheKernelsInvariants) {
  Findings findings;
  History history = MakeHistory(kTransactions);
  ChangelogFold fold("points", 0, kHistoryShards, kHistoryChangelog, &findings);
  for (const HistoryRecord& record : history.changelog) fold.Add(record.View());
  // Roots that have points but no lots: the kernel says so for each of the four members.
  CheckInvariants(fold.fold(), *ProgramOf("points"), &findings);
  EXPECT_EQ(findings.figure("entities_checked"), 4);
  EXPECT_EQ(findings.figure("invariant_violations"), 4);
}

TEST(AuditTest, KeepsTheFirstSentencesAndCountsAll) {
  Findings findings;
  for (int i = 0; i < 100; ++i) findings.Wrong("x", Cat("number ", i));
  EXPECT_EQ(findings.figure("x"), 100);
  EXPECT_EQ(findings.sentences().size(), static_cast<size_t>(kSentencesPerFigure));
}

TEST(AuditTest, KnowsTheStatefulServicesOnly) {
  for (const char* service : {"identity", "points", "segmentation", "messaging"}) {
    EXPECT_NE(ProgramOf(service), nullptr) << service;
  }
  EXPECT_EQ(ProgramOf("ingest"), nullptr);
}

}  // namespace
}  // namespace regulars::ctl
