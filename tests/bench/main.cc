// regulars-bench VERB --name=value ...: what the benchmark needs to be fast; bench.py calls it.
#include <map>
#include <string>

#include "libs/base/text.h"
#include "tests/bench/flags.h"
#include "tests/bench/verbs.h"

int main(int argc, char** argv) {
  namespace bench = regulars::bench;
  const std::map<std::string, void (*)(const bench::Flags&)> verbs = {
      {"fill", bench::Fill},         {"echo", bench::Echo},
      {"digest", bench::Digest},     {"fill-touches", bench::FillTouches},
      {"handlers", bench::Handlers}, {"view", bench::View},
      {"redeem", bench::Redeem},     {"touches", bench::Touches}};
  if (argc < 2) bench::Fail("a verb is missing");
  const auto verb = verbs.find(argv[1]);
  if (verb == verbs.end()) bench::Fail(regulars::Cat("no verb ", argv[1]));
  verb->second(bench::Flags(argc - 2, argv + 2));
  return 0;
}
