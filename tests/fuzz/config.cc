// Configuration files: the YAML reader, the options, and the sections of the services.
#include <string>
#include <string_view>
#include <vector>

#include "libs/config/options.h"
#include "libs/config/section.h"
#include "libs/normalize/phone.h"
#include "libs/normalize/section.h"
#include "services/identity/shell/pool_section.h"
#include "services/ingest/shell/pool_section.h"
#include "services/points/shell/program_section.h"
#include "services/segmentation/shell/rules_section.h"
#include "tests/fuzz/target.h"

namespace regulars::fuzz {
namespace {

constexpr std::string_view kFile =
    "shard_count: 4\n"
    "brokers: [a:9092, b:9092]\n"
    "points: {shard_inputs_max: 4000}\n"
    "pools:\n"
    "  - name: tea\n"
    "    clock: event\n"
    "    identifiers: {default_region: HK, shapes: [\"card=digits:4..8\"], "
    "blocked: [\"phone=61234567\", \"*=demo\"]}\n"
    "    ingest: {identifier_classes: [\"vip_card=unique\", \"fax=blocked\"]}\n"
    "    identity: {touch_window_days: 400}\n"
    "    points: {program: loyalty, points_numerator: 3, expiry_days: 365}\n"
    "    segmentation: {lapsed_after_days: 180, repeat_purchases_min: 2}\n";

void File(std::string_view text) {
  config::Problems problems;
  auto root = config::ParseYaml(text, &problems);
  FUZZ_CHECK(root.has_value() || !problems.empty());
  if (!root) return;
  (void)root->Int("shard_count", 1, 4096, 4);
  (void)root->Texts("brokers");
  (void)root->Flat("brokers");
  (void)root->Bool("dry", false);
  for (config::Section& pool : root->Children("pools")) {
    (void)pool.Text("name");
    (void)pool.Choice("clock", {"live", "event"}, "live");
    const normalize::Options spelling = normalize::ReadOptions(&pool);
    FUZZ_CHECK(normalize::IsPhoneRegion(spelling.default_region));
    if (auto ingest = pool.Child("ingest")) {
      ingest::PoolRules rules;
      ingest::ReadIdentifierClasses(&*ingest, &rules);
      ingest->Finish();
    }
    if (auto identity = pool.Child("identity")) {
      (void)identity::ReadTouchRules(&*identity);
      identity->Finish();
    }
    const auto program = points::ReadProgram(&pool);
    FUZZ_CHECK(!program || program->Validate().ok() || !problems.empty());
    (void)segmentation::ReadRules(&pool);
    pool.Finish();
  }
  root->Finish();
}

// --set and the environment go through the same readers as the file.
void Values(Bytes bytes) {
  int64_t number = 0;
  bool flag = false;
  std::string text, choice;
  std::vector<std::string> list;
  config::Options options("points", "Fuzzed.");
  options.Add(config::IntOption{.name = "number",
                                .group = "g",
                                .unit = "inputs",
                                .fallback = 5,
                                .min = 1,
                                .max = 10,
                                .sentence = "A number."},
              &number);
  options.Add(config::BoolOption{.name = "flag", .group = "g", .sentence = "A flag."}, &flag);
  options.Add(
      config::TextOption{.name = "text", .group = "g", .fallback = "t", .sentence = "A text."},
      &text);
  options.Add(config::TextOption{.name = "choice",
                                 .group = "g",
                                 .fallback = "a",
                                 .sentence = "One of two.",
                                 .choices = {"a", "b"}},
              &choice);
  options.Add(
      config::ListOption{
          .name = "list", .group = "g", .fallback = {}, .sentence = "A list.", .items_max = 4},
      &list);
  const std::string set = "--set=" + Bytes::WithoutZeros(bytes.Text());
  const std::string variable = Bytes::WithoutZeros(bytes.Rest());
  const char* const argv[] = {"points", set.c_str()};
  const auto result = options.Parse(2, argv, [&](const char* name) {
    return std::string_view(name) == "REGULARS_NUMBER" && !variable.empty() ? variable.c_str()
                                                                            : nullptr;
  });
  if (result.exit_code) return;
  FUZZ_CHECK(number >= 1 && number <= 10 && (choice == "a" || choice == "b") && list.size() <= 4);
}

}  // namespace

void One(std::string_view input) {
  Bytes bytes(input);
  if (bytes.Byte() % 2 == 0) return File(bytes.Rest());
  Values(bytes);
}

std::vector<std::string> Seeds() {
  return {Input().Byte(0).Rest(kFile),
          Input().Byte(0).Rest("pools: [{name: tea, points: {}}, 3, [x]]\nanchor: &a {b: *a}\n"),
          Input().Byte(1).Text("number=7").Rest("11"), Input().Byte(1).Text("list=a,b").Rest(""),
          Input().Byte(1).Text("choice=c").Rest("")};
}

}  // namespace regulars::fuzz
