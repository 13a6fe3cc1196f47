#include "libs/config/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "libs/base/limits.h"

namespace regulars::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Pool {
  std::string name, clock;
  int64_t rate = 0;
};

class OptionsTest : public testing::Test {
 protected:
  OptionsTest() : options_("points", "Keeps points.") {
    options_.Add(TextOption{.name = "kafka", .group = "kafka", .fallback = "h:1", .sentence = "S."},
                 &kafka_);
    options_.Add(TextOption{.name = "log_level",
                            .group = "log",
                            .fallback = "info",
                            .sentence = "S.",
                            .choices = {"info", "warn"}},
                 &level_);
    options_.Add(IntOption{.name = "batch",
                           .group = "runtime",
                           .unit = "inputs",
                           .fallback = 10,
                           .min = 1,
                           .max = 100,
                           .sentence = "S."},
                 &batch_);
    options_.Add(BoolOption{.name = "tls", .group = "kafka", .sentence = "S."}, &tls_);
    options_.Add(
        ListOption{
            .name = "seeds", .group = "redis", .fallback = {}, .sentence = "S.", .items_max = 2},
        &seeds_);
    options_.Add(
        SectionOption{
            .name = "pools", .group = "pools", .sentence = "S.", .example = "pools: []\n"},
        [this](Section& root) {
          for (Section& item : root.Children("pools")) {
            Pool pool;
            pool.name = item.Text("name");
            pool.clock = item.Choice("clock", {"live", "event"}, "live");
            pool.rate = item.Int("rate", 0, 10, 1);
            item.Skip("identity");
            item.Finish();
            pools_.push_back(pool);
          }
        });
    options_.IgnoreSections({"ingest"});
  }

  Options::Result Parse(const std::string& yaml, std::vector<const char*> args = {}) {
    args.insert(args.begin(), "points");
    const std::string path = testing::TempDir() + "/options_test.yaml";
    std::ofstream(path) << yaml;
    args.push_back("--config");
    args.push_back(path.c_str());
    return options_.Parse(static_cast<int>(args.size()), args.data(), [this](const char* name) {
      const auto it = environment_.find(name);
      return it == environment_.end() ? nullptr : it->second.c_str();
    });
  }

  std::map<std::string, std::string> environment_;
  std::string kafka_, level_;
  int64_t batch_ = 0;
  bool tls_ = true;
  std::vector<std::string> seeds_;
  std::vector<Pool> pools_;
  Options options_;
};

TEST_F(OptionsTest, Nothing_GivesTheDefaults) {
  EXPECT_EQ(Parse("").exit_code, std::nullopt);
  EXPECT_EQ(kafka_, "h:1");
  EXPECT_EQ(batch_, 10);
  EXPECT_FALSE(tls_);
}

TEST_F(OptionsTest, LaterSourcesWin) {
  EXPECT_THAT(Parse("batch: 11\n").problems, IsEmpty());
  EXPECT_EQ(batch_, 11);
  EXPECT_THAT(Parse("batch: 11\npoints: {batch: 12}\ningest: {batch: 9999}\n").problems, IsEmpty());
  EXPECT_EQ(batch_, 12) << "the program's own map wins, another program's is not read";
  environment_["REGULARS_BATCH"] = "13";
  EXPECT_THAT(Parse("batch: 11\n").problems, IsEmpty());
  EXPECT_EQ(batch_, 13);
  EXPECT_THAT(Parse("batch: 11\n", {"--set", "batch=14", "--set", "kafka=a:1,b:2"}).problems,
              IsEmpty());
  EXPECT_EQ(batch_, 14);
  EXPECT_EQ(kafka_, "a:1,b:2");
}

TEST_F(OptionsTest, SectionsAreTyped) {
  EXPECT_THAT(Parse("pools:\n- {name: a, clock: event, rate: 3, identity: {x: 1}}\n- name: b\n"
                    "seeds: [x:1, y:2]\n")
                  .problems,
              IsEmpty());
  ASSERT_THAT(pools_, SizeIs(2));
  EXPECT_EQ(pools_[0].clock, "event");
  EXPECT_EQ(pools_[0].rate, 3);
  EXPECT_EQ(pools_[1].clock, "live");
  EXPECT_THAT(seeds_, ElementsAre("x:1", "y:2"));
}

TEST_F(OptionsTest, EveryMistakeIsReportedAtOnce) {
  environment_["REGULARS_TLS"] = "yes";
  environment_["REGULARS_POINTS_PORT"] = "tcp://10.0.0.1";  // Kubernetes, not a mistake
  const Options::Result result = Parse(
      "batch: 101\nunknown: 1\nlog_level: loud\nseeds: a,b,c\n"
      "pools:\n- {clock: sundial, rate: 11, extra: 1}\n",
      {"--set", "nothing=1", "--set", "batch"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.problems, SizeIs(11));
  const std::string all = testing::PrintToString(result.problems);
  for (const char* text :
       {"batch (", "unknown: unknown", "log_level (", "seeds (", "pools[0].name: is required",
        "pools[0].clock: must be one of live, event", "pools[0].rate: must be",
        "pools[0].extra: unknown", "tls (REGULARS_TLS)", "nothing (--set)"}) {
    EXPECT_THAT(all, HasSubstr(text));
  }
}

TEST_F(OptionsTest, BadFiles) {
  const std::string huge(limits::kConfigFileBytesMax + 1, '#');
  const std::string fits(limits::kConfigFileBytesMax, '#');
  EXPECT_THAT(Parse(fits).problems, IsEmpty());
  for (const std::string& bad :
       {std::string("- a list\n"), std::string("a: [\n"), std::string("batch: {x: 1}\n"),
        std::string("batch: 1\nbatch: 2\n"), std::string("pools: {name: a}\n"),
        std::string("pools: [a]\n"), std::string("batch: 1.5\n"),
        std::string("batch: 99999999999999999999\n"), huge}) {
    EXPECT_EQ(Parse(bad).exit_code, 2) << bad.substr(0, 40);
  }
}

TEST_F(OptionsTest, BadCommandLines) {
  for (const char* bad : {"--unknown", "positional"}) {
    const char* argv[] = {"points", bad};
    EXPECT_EQ(options_.Parse(2, argv, [](const char*) { return nullptr; }).exit_code, 2) << bad;
  }
  const char* argv[] = {"points", "--config", "/nonexistent.yaml"};
  EXPECT_EQ(options_.Parse(3, argv, [](const char*) { return nullptr; }).exit_code, 2);
}

TEST_F(OptionsTest, RequiredOption_MustBeGiven) {
  std::string name;
  options_.Add(
      TextOption{.name = "group", .group = "g", .fallback = "", .sentence = "S.", .required = true},
      &name);
  EXPECT_THAT(Parse("").problems, ElementsAre("group: is required"));
  EXPECT_THAT(Parse("group: x\n").problems, IsEmpty());
}

TEST_F(OptionsTest, DocsAndHelpNameEveryOption) {
  const Options::Result docs = Parse("", {"--print-config-docs"});
  EXPECT_EQ(docs.exit_code, 0);
  EXPECT_THAT(docs.output,
              HasSubstr("| `batch` | `REGULARS_BATCH` | number | inputs | `10` | 1 to 100 | S. |"));
  EXPECT_THAT(docs.output, HasSubstr("```yaml\npools: []\n```"));
  const Options::Result help = Parse("", {"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("batch"));
}

}  // namespace
}  // namespace regulars::config
