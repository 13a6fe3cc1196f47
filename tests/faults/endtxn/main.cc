// endtxn_driver: late EndTxn requests against the real producer.
//   endtxn_driver --broker=PORT --behind-proxy=PORT --proxy=PORT --tries=N --rule=on|off
// The producer reaches the broker by the proxy, everything else directly. Prints one JSON object.
// A try: a transaction ends, its EndTxn is held and the client repeats it; the next transaction
// writes its first part; the held request is delivered; the transaction writes its second part and
// ends the other way. What is told as committed or aborted is compared with what is visible.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/kafka/admin.h"
#include "libs/kafka/rdkafka_log.h"
#include "tests/faults/endtxn/books.h"
#include "tests/faults/endtxn/proxy.h"
#include "tests/faults/endtxn/writer.h"

namespace regulars::endtxn {
namespace {

constexpr absl::Duration kAdminTimeout = absl::Seconds(30);
constexpr absl::Duration kDeliverTimeout = absl::Seconds(10);
// Short, so that a try by silence takes seconds; half of it stays above a new producer's first
// transaction, which takes 1 s.
constexpr absl::Duration kSocketTimeout = absl::Seconds(3);
// Every so many tries the client is left in silence instead of being cut off.
constexpr int64_t kSilenceEvery = 20;

struct Arguments {
  int broker = 0, behind_proxy = 0, proxy = 0;
  int64_t tries = 0;
  std::string rule;
};

struct Counts {
  int64_t held = 0, silent = 0, delivered = 0, accepted = 0;
};

kafka::RdkafkaOptions Options(int port, bool dirty_rule) {
  kafka::RdkafkaOptions options;
  options.bootstrap = Cat("127.0.0.1:", port);
  options.client_id = "endtxn";
  options.socket_timeout = kSocketTimeout;
  options.dirty_rule = dirty_rule;
  if (std::getenv("ENDTXN_LOG") != nullptr) {
    options.log = [](int level, std::string_view facility, std::string_view text) {
      std::fprintf(stderr, "%d %.*s %.*s\n", level, static_cast<int>(facility.size()),
                   facility.data(), static_cast<int>(text.size()), text.data());
    };
  }
  return options;
}

void Try(int64_t number, Writer* writer, Proxy* proxy, Counts* counts) {
  // Two kinds and three layouts: all pairs in six tries.
  const bool commit_is_late = number % 2 == 0;
  const auto layout = static_cast<Layout>(number / 2 % kLayouts);
  const bool silent = number % kSilenceEvery == kSilenceEvery / 2 - 1;
  Writer::Hooks first, second;
  first.ending = [&] { proxy->HoldNext(silent ? Cut::kSilence : Cut::kClose); };
  second.between = [&] {
    if (!proxy->holds()) return;
    const auto answer = proxy->Deliver(kDeliverTimeout);
    if (answer) ++counts->delivered;
    if (answer == 0) ++counts->accepted;
  };
  (void)writer->Write(layout, commit_is_late, first);
  proxy->Disarm();
  if (proxy->holds()) {
    ++counts->held;
    if (silent) ++counts->silent;
  }
  const int64_t sequence = writer->sequence();
  (void)writer->Write(layout, !commit_is_late, second);
  REGULARS_ASSERT(!proxy->holds(), "the next transaction did not reach its second part");
  if (writer->sequence() == sequence) writer->WriteUntilCommitted(layout);
}

int Run(const Arguments& arguments) {
  const bool rule = arguments.rule == "on";
  const Topics topics = {Cat("endtxn.changelog.", arguments.rule),
                         Cat("endtxn.events.", arguments.rule)};
  const auto direct = Options(arguments.broker, true);
  const absl::Status created =
      kafka::CreateTopics(direct,
                          {{.name = topics.changelog, .partitions = kShards},
                           {.name = topics.events, .partitions = kEventPartitions}},
                          kAdminTimeout);
  REGULARS_ASSERT(created.ok(), "the topics cannot be created");
  kafka::RdkafkaLog log(direct), proxied(Options(arguments.proxy, rule));
  Proxy proxy(arguments.proxy, arguments.behind_proxy);
  Counts counts;
  Writer writer(&proxied, topics, Cat("endtxn-", arguments.rule));
  for (int64_t i = 0; i < arguments.tries; ++i) Try(i, &writer, &proxy, &counts);
  // Everything settles: a successor decides what is open, and closes the chain with a whole link.
  const int64_t producers = writer.producers();
  writer.Renew();
  writer.WriteUntilCommitted(Layout::kShardThenShard);

  const auto visible = ReadVisible(&log, topics);
  REGULARS_ASSERT(visible.ok(), "the topics cannot be read");
  const Truth truth = Compare(writer.attempts(), *visible);
  const std::set<int64_t> found = CheckChains(topics, *visible);
  std::set<int64_t> both;
  for (const int64_t sequence : truth.torn) {
    if (found.contains(sequence)) both.insert(sequence);
  }
  std::printf("%s\n",
              Cat("{\"sequences\": ", writer.sequence() - 1,
                  ", \"transactions\": ", writer.attempts().size(), ", \"held\": ", counts.held,
                  ", \"by_silence\": ", counts.silent, ", \"delivered_late\": ", counts.delivered,
                  ", \"accepted\": ", counts.accepted, ", \"torn\": ", truth.torn.size(),
                  ", \"found\": ", found.size(), ", \"torn_and_found\": ", both.size(),
                  ", \"lost\": ", truth.lost, ", \"aborted_visible\": ", truth.aborted_visible,
                  ", \"unknown\": ", writer.unknown(), ", \"producers\": ", producers,
                  ", \"version\": ", proxy.version(), ", \"recreated\": ", writer.recreated(), "}")
                  .c_str());
  return 0;
}

}  // namespace
}  // namespace regulars::endtxn

int main(int argc, char** argv) {
  regulars::endtxn::Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    const auto number = [&](std::string_view name) {
      return std::atoi(std::string(arg.substr(name.size())).c_str());
    };
    if (arg.starts_with("--broker=")) {
      arguments.broker = number("--broker=");
    } else if (arg.starts_with("--behind-proxy=")) {
      arguments.behind_proxy = number("--behind-proxy=");
    } else if (arg.starts_with("--proxy=")) {
      arguments.proxy = number("--proxy=");
    } else if (arg.starts_with("--tries=")) {
      arguments.tries = number("--tries=");
    } else if (arg == "--rule=on" || arg == "--rule=off") {
      arguments.rule = std::string(arg.substr(7));
    } else {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
  }
  if (arguments.broker <= 0 || arguments.behind_proxy <= 0 || arguments.proxy <= 0 ||
      arguments.tries <= 0 || arguments.rule.empty()) {
    std::fprintf(stderr, "every argument is needed\n");
    return 2;
  }
  return regulars::endtxn::Run(arguments);
}
