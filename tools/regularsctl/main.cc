// regularsctl: looks into a running system. Reads the log, the view and the local stores, and asks
// the services; `dlq redrive` and `parked redrive` alone change something.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "tools/regularsctl/answer.h"

namespace regulars::ctl {
namespace {

constexpr char kUsage[] =
    R"(regularsctl: looks into a running system.

  regularsctl verify [--service=S]... [--data=DIR]... [--wait=10s] [--report=FILE]
      folds the changelogs again and compares chains, outputs, positions, states, ledger sums,
      the view in Redis and the local stores below DIR
  regularsctl audit [--service=S]... [--from-start] [--for=1h] [--listen=HOST:PORT]
      follows the changelogs and what they count until SIGTERM; a line per torn, lost or miscounted
      transaction; health and metrics on HOST:PORT
  regularsctl lag [--service=S]...
      per service and shard: records behind, clock, owner
  regularsctl topics [--topics-file=FILE] [--profile=production]
      topics of the generation against the file: missing, partitions, settings
  regularsctl member show POOL MEMBER | POOL --identifier=TYPE:VALUE
      who it is, balance, segments, messages
  regularsctl points explain POOL MEMBER [--limit=20]
      why the balance is what it is
  regularsctl dlq list [--service=S]...
  regularsctl dlq show TOPIC PARTITION OFFSET [--unseal-key-file=FILE]
      what was set aside, with its reason
  regularsctl dlq redrive TOPIC PARTITION OFFSET... | TOPIC PARTITION --reason=R
      applies letters again, in order and each at most once, after their cause was mended
  regularsctl parked list POOL [--service=S]...
      keys set aside because an input crashed their owner
  regularsctl parked redrive POOL ENTITY --service=S
      applies what waits for the key and lifts it; it and dlq redrive alone change anything
  regularsctl identity simulate-rules POOL --rules=FILE [--limit=20] [--memory-mb=1024] [--seconds=1800]
      [--report=FILE]
      which merges the linking rules in FILE (the keys of the pool's `identity` section) would do or
      undo, over the log, against those in --config
  regularsctl keys rotate FILE [--retention-days=14] [--ahead-days=3]
      makes the transport keys of the days to come in FILE and destroys those whose touches are gone

Every command:
  --config=FILE          the services' configuration file; REGULARS_CONFIG
  --brokers=HOST:PORT    REGULARS_KAFKA_BOOTSTRAP
  --redis=HOST:PORT      REGULARS_REDIS_ADDRESSES; without one the view is not checked
  --generation=1         generation of the topics
  --set=NAME=VALUE       any other option of docs/config.md, e.g. TLS to the brokers
  --endpoint=[S=]HOST:PORT   gRPC of service S, or of all; without it the owners in the log
  --api-key-file=FILE    key of the pool; REGULARS_API_KEY, or api-key beside its api_keys_file
  --tls-ca=FILE          TLS to the services, trusting this CA
  --json                 for programs

Exit status: 0 fine, 1 something is wrong, 2 could not look or was called wrongly.
)";

int Fail(const absl::Status& status, bool json) {
  const std::string reason = ReasonOf(status);
  const std::string text =
      Cat(reason.empty() ? "" : Cat(reason, ": "), std::string(status.message()));
  std::fprintf(stderr, "regularsctl: %s\n", text.c_str());
  if (json) {
    const nlohmann::json body = {{"ok", false}, {"error", text}};
    std::printf("%s\n", body.dump(2).c_str());
  }
  return kExitError;
}

using Command = absl::StatusOr<Answer> (*)(Context*);

Command Find(const std::vector<std::string>& words) {
  if (words.empty()) return nullptr;
  const std::string& name = words.front();
  if (name == "verify") return RunVerify;
  if (name == "audit") return RunAudit;
  if (name == "lag") return RunLag;
  if (name == "topics") return RunTopics;
  if (name == "member") return RunMember;
  if (name == "points") return RunPoints;
  if (name == "dlq") return RunDeadLetters;
  if (name == "parked") return RunParked;
  if (name == "keys") return RunKeys;
  if (name == "identity") return RunIdentity;
  return nullptr;
}

int Main(int argc, char** argv) {
  auto line = CommandLine::Parse(argc, argv);
  if (!line.ok()) return Fail(line.status(), false);
  const bool json = line->Has("json");
  if (line->Has("help")) {
    std::fputs(kUsage, stdout);
    return kExitOk;
  }
  const Command command = Find(line->words());
  if (command == nullptr) {
    const std::string what = line->words().empty() ? "no command" : line->words().front();
    return Fail(
        absl::InvalidArgumentError(Cat(what,
                                       ": must be verify, audit, lag, topics, member, "
                                       "points, dlq, parked, keys or identity; see --help")),
        json);
  }
  const auto context = Context::Make(*std::move(line));
  if (!context.ok()) return Fail(context.status(), json);
  const auto answer = command(context->get());
  if (!answer.ok()) return Fail(answer.status(), json);
  if (json) {
    std::printf("%s\n",
                answer->json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else {
    std::fputs(answer->text.c_str(), stdout);
  }
  return answer->exit_code;
}

}  // namespace
}  // namespace regulars::ctl

int main(int argc, char** argv) { return regulars::ctl::Main(argc, argv); }
