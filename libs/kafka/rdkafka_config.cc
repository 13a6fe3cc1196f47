#include "libs/kafka/rdkafka_config.h"

#include "absl/strings/str_cat.h"

namespace regulars::kafka::rd {

namespace {

std::string Ms(absl::Duration d) { return absl::StrCat(absl::ToInt64Milliseconds(d)); }
std::string Kib(size_t bytes) { return absl::StrCat(bytes >> 10); }

void AddIfSet(Settings* out, const char* name, const std::string& value) {
  if (!value.empty()) out->emplace_back(name, value);
}

Settings Connection(const RdkafkaOptions& o) {
  Settings out = {
      {"bootstrap.servers", o.bootstrap},
      {"client.id", o.client_id},
      // A request without an answer is the seed of a late EndTxn: notice it soon (default 60 s).
      {"socket.timeout.ms", Ms(o.socket_timeout)},
      // Small requests in sequence: Nagle costs tens of milliseconds each (on by default in 2.0.2).
      {"socket.nagle.disable", "true"},
      // A peer that vanished without a FIN is found by the kernel.
      {"socket.keepalive.enable", "true"},
      // A restarted broker is back in seconds; the default maximum of 10 s would dominate recovery.
      {"reconnect.backoff.ms", "50"},
      {"reconnect.backoff.max.ms", "1000"},
      // A name that is not there is a mistake, not a new topic.
      {"allow.auto.create.topics", "false"},
  };
  AddIfSet(&out, "security.protocol", o.security_protocol);
  AddIfSet(&out, "ssl.ca.location", o.ssl_ca_location);
  AddIfSet(&out, "ssl.certificate.location", o.ssl_certificate_location);
  AddIfSet(&out, "ssl.key.location", o.ssl_key_location);
  AddIfSet(&out, "ssl.key.password", o.ssl_key_password);
  AddIfSet(&out, "sasl.mechanisms", o.sasl_mechanism);
  AddIfSet(&out, "sasl.username", o.sasl_username);
  AddIfSet(&out, "sasl.password", o.sasl_password);
  return out;
}

Settings Fetching(const RdkafkaOptions& o) {
  Settings out = Connection(o);
  const Settings more = {
      // Records of aborted and open transactions do not exist for us. The default, but a law here.
      {"isolation.level", "read_committed"},
      // Offsets travel only inside transactions.
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      // A position that is not in the log is an alarm, never a silent jump to an end.
      {"auto.offset.reset", "error"},
      // Answer as soon as there is one record ...
      {"fetch.min.bytes", "1"},
      // ... and let an idle request wait; also the longest delay before a new assignment is
      // fetched.
      {"fetch.wait.max.ms", Ms(o.fetch_wait)},
      {"fetch.error.backoff.ms", "50"},
      // Prefetch is bounded by bytes alone: a full queue is looked at again only a second later in
      // 2.0.2, so the bound by count (default 100,000) must never be the one that bites.
      {"queued.max.messages.kbytes", Kib(o.prefetch_bytes)},
      {"queued.min.messages", "10000000"},
      {"fetch.message.max.bytes", "1048576"},
      // Damage on a broker's disk must not reach a kernel; with CRC32C in hardware it costs
      // nothing.
      {"check.crcs", "true"},
  };
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

Settings Producing(const RdkafkaOptions& o) {
  Settings out = Connection(o);
  const Settings more = {
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"max.in.flight.requests.per.connection", "5"},
      // Bursts still form batches; commit and flush do not wait for it.
      {"linger.ms", "1"},
      {"batch.num.messages", "10000"},
      {"batch.size", "1000000"},
      // kRecordBytesMax and its framing, below the broker's default of 1,048,588.
      {"message.max.bytes", "1040000"},
      {"compression.type", "lz4"},
      // Bounded by bytes (the default is 1 GiB); the count only bounds the overhead per record.
      {"queue.buffering.max.kbytes", Kib(o.producer_queue_bytes)},
      {"queue.buffering.max.messages", "200000"},
      // AddOffsetsToTxn of the next transaction waits this long while markers of the last one are
      // written (default 100).
      {"retry.backoff.ms", "5"},
  };
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

}  // namespace

Settings ConsumerSettings(const RdkafkaOptions& o, const ConsumerOptions& consumer) {
  Settings out = Fetching(o);
  const Settings more = {
      {"group.id", consumer.group_id},
      // Eager, because cooperative rebalancing loses positions and hangs in 2.0.2; range, because
      // it gives partition p of every topic to the same member.
      {"partition.assignment.strategy", "range"},
      // The time until a dead instance's shards move.
      {"session.timeout.ms", Ms(o.session_timeout)},
      {"heartbeat.interval.ms", Ms(o.heartbeat_interval)},
      {"max.poll.interval.ms", Ms(o.max_poll_interval)},
  };
  out.insert(out.end(), more.begin(), more.end());
  // Static membership: a restarted slot gets its shards back without a rebalance (KIP-345).
  AddIfSet(&out, "group.instance.id", consumer.instance_id);
  return out;
}

Settings ReaderSettings(const RdkafkaOptions& o) {
  Settings out = Fetching(o);
  // assign() needs a group id; nothing is ever committed under it and nobody joins it.
  out.emplace_back("group.id", absl::StrCat(o.client_id, "-reader"));
  // Tells where the last stable offset is reached, so that ReadRange ends behind markers.
  out.emplace_back("enable.partition.eof", "true");
  return out;
}

Settings TransactionalProducerSettings(const RdkafkaOptions& o,
                                       const TransactionalProducerOptions& producer) {
  Settings out = Producing(o);
  out.emplace_back("transactional.id", producer.transactional_id);
  // The longest stall of every read_committed reader behind a dead producer (default 60 s).
  out.emplace_back("transaction.timeout.ms", Ms(o.transaction_timeout));
  out.emplace_back("message.timeout.ms", Ms(o.transaction_timeout));
  return out;
}

Settings ProducerSettings(const RdkafkaOptions& o) {
  Settings out = Producing(o);
  out.emplace_back("message.timeout.ms", Ms(o.message_timeout));
  return out;
}

Settings AdminSettings(const RdkafkaOptions& o) { return Connection(o); }

}  // namespace regulars::kafka::rd
