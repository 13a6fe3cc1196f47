// A transaction without a service around it: librdkafka's C API with the settings of a worker's
// producer and consumer, in its own group and on its own topics. What it writes has the shape of
// one redemption: an event, a command record and the changelog, each in the shard's partition of
// its topic.
#ifndef REGULARS_TESTS_BENCH_BARE_TXN_H_
#define REGULARS_TESTS_BENCH_BARE_TXN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/raw_kafka.h"

namespace regulars::bench {

struct TxnShape {
  std::string topic;  // of one record
  int64_t records = 0;
  size_t bytes = 0;
};

class BareTxn {
 public:
  // Joins the group of `input`, a topic without records, and opens the producer (about a second).
  BareTxn(const std::string& bootstrap, const std::string& input, int32_t shards,
          std::vector<TxnShape> outputs);
  // One transaction in the partition of `shard`.
  void Run(int32_t shard);
  // Serves the group between transactions.
  void Idle();

 private:
  void Join(int32_t shards);

  const std::string input_;
  const std::vector<TxnShape> outputs_;
  Delivered delivered_;
  Client consumer_;
  Client producer_;
  std::vector<TopicHandle> topics_;
};

}  // namespace regulars::bench

#endif  // REGULARS_TESTS_BENCH_BARE_TXN_H_
