// Replay of the changelog into the local store, after the ownership record is committed.
//
// The store is written every restore_records_max records or restore_bytes_max bytes, wherever that
// is: a compacted changelog holds few `@shard` records. What was restored so far is kept with the
// position, the log id and the instant from which on tombstones matter, so a restore that dies goes
// on where it was. Between two writes the group is served and the loop shows that it lives.
#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/shard/keys.h"
#include "libs/shard/worker.h"

namespace regulars::shard {
namespace {

// One read of the changelog: well below max.poll.interval, so that the group is served in time even
// while the broker sends nothing.
constexpr absl::Duration kReadTurn = absl::Seconds(5);
constexpr absl::Duration kReadPause = absl::Milliseconds(50);
constexpr int64_t kServeEveryUs = 1'000'000;
constexpr int64_t kRecordsPerLook = 256;
// Without one record for this long the restore is given up and begins again with a new assignment.
constexpr int64_t kSilenceUsMax = 30'000'000;

}  // namespace

// A restore under way.
struct Worker::RestoreRun {
  int64_t next = 0;  // changelog offset
  int64_t records = 0;
  int64_t served_us = 0;
  int64_t complete_us = 0;    // the store lacks nothing that was written before this broker time
  int64_t sequence_seen = 0;  // -1: none
  std::optional<ShardRecord> last;
  absl::Status status;
};

absl::Status Worker::ServeGroup() {
  alive_us_ = ports_.steady_us();
  return consumer_->Poll(absl::ZeroDuration()).status();
}

absl::Status Worker::FlushRestored(Shard* shard, const RestoreRun& run) {
  ShardRecord books;
  if (run.last) {
    books = *run.last;
  } else if (shard->store->stored_shard_record()) {
    books = *shard->store->stored_shard_record();
  } else {
    books.set_log_id(shard->log_id);
  }
  absl::Status flushed = shard->store->FlushRestore(books, run.next, run.complete_us);
  if (flushed.ok() && !At("restore_flushed")) return absl::CancelledError("crash");
  return flushed;
}

bool Worker::RestoreRecord(Shard* shard, const kafka::Record& record, RestoreRun* run) {
  ShardStore* store = shard->store.get();
  ++run->records;
  run->next = record.offset + 1;
  if (record.key == kShardKey) {
    run->last.emplace();
    REGULARS_ASSERT(
        run->last->ParseFromArray(record.value.data(), static_cast<int>(record.value.size())),
        "@shard of the changelog is garbled");
    // Compaction may have removed older ones; what is still there must be in order.
    if (run->last->sequence() <= run->sequence_seen) {
      ports_.probe->Alarm("shard_chain", Cat(shard->id, ": sequence ", run->last->sequence(),
                                             " after ", run->sequence_seen));
    }
    run->sequence_seen = run->last->sequence();
  } else {
    store->Restore(record.key, record.has_value ? std::optional(record.value) : std::nullopt);
  }
  const bool full = store->restore_buffered() >= options_.restore_records_max ||
                    store->restore_bytes() >= options_.restore_bytes_max;
  if (full) run->status = FlushRestored(shard, *run);
  if (run->status.ok() && (full || run->records % kRecordsPerLook == 0) &&
      (full || ports_.steady_us() - run->served_us >= kServeEveryUs)) {
    run->served_us = ports_.steady_us();
    run->status = ServeGroup();
  }
  return run->status.ok() && !rebalanced_;
}

absl::Status Worker::RestoreShard(Shard* shard) {
  ShardStore* store = shard->store.get();
  const kafka::TopicPartition changelog{Topic(service_, events::kChangelogKind), shard->id};
  const auto marks = reader_->QueryWatermarks(changelog, options_.kafka_timeout);
  if (!marks.ok()) return marks.status();
  const int64_t to = shard->record_offset + 1;
  RestoreRun run;
  run.next = std::max(store->position(), marks->low);
  run.served_us = ports_.steady_us();
  run.complete_us = store->broker_time_us() > 0 ? store->broker_time_us() : ports_.wall_us();
  run.sequence_seen = store->stored_shard_record() ? store->stored_shard_record()->sequence() : -1;
  int64_t heard_us = ports_.steady_us();
  while (true) {
    const int64_t from = run.next;
    const absl::Status read = reader_->ReadRange(
        changelog, from, to,
        [&](const kafka::Record& record) { return RestoreRecord(shard, record, &run); }, kReadTurn);
    if (!run.status.ok()) return run.status;
    if (rebalanced_) return absl::OkStatus();
    if (read.ok()) break;
    if (!absl::IsDeadlineExceeded(read)) return read;
    if (run.next > from) heard_us = ports_.steady_us();
    if (ports_.steady_us() - heard_us > kSilenceUsMax) return read;
    ports_.pause(kReadPause);
    if (absl::Status served = ServeGroup(); !served.ok()) return served;
    if (rebalanced_) return absl::OkStatus();
  }
  REGULARS_ASSERT(run.last.has_value() && run.last->sequence() == shard->open.sequence,
                  "the changelog does not end with our ownership record");
  if (absl::Status flushed = store->FlushRestore(*run.last, to, producer_->broker_time_us());
      !flushed.ok()) {
    return flushed;
  }
  shard->committed = shard->open;
  shard->out_counts.clear();
  shard->touched = false;
  ports_.probe->Event("restored", Cat(service_, "-", shard->id, ": ", run.records,
                                      " records, epoch ", shard->epoch));
  return absl::OkStatus();
}

}  // namespace regulars::shard
