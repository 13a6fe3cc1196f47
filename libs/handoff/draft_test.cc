#include "libs/handoff/draft.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "libs/base/text.h"

namespace regulars::handoff {
namespace {

class Base : public shard::EntityState {
 public:
  std::optional<std::string> Get(std::string_view sub) const override {
    const auto found = values.find(sub);
    if (found == values.end()) return std::nullopt;
    return found->second;
  }
  std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                          std::string_view from) const override {
    const auto found = values.lower_bound(std::max(prefix, from));
    if (found == values.end() || !found->first.starts_with(prefix)) return std::nullopt;
    return *found;
  }
  std::optional<int64_t> Timer(std::string_view name) const override {
    if (name != "old") return std::nullopt;
    return 5;
  }

  std::map<std::string, std::string, std::less<>> values;
};

std::string Listed(const Draft& draft, const std::string& prefix) {
  std::string text;
  for (auto next = draft.Next(prefix, prefix); next.has_value();
       next = draft.Next(prefix, Cat(next->first, "\x01"))) {
    Append(&text, next->first, "=", next->second, " ");
  }
  return text;
}

TEST(Draft, AStepReadsWhatTheStepsBeforeWrote) {
  Base base;
  base.values = {{"a/1", "x"}, {"a/2", "y"}, {"a/4", "z"}, {"b", "w"}};
  Draft draft(base);
  EXPECT_EQ(Listed(draft, "a/"), "a/1=x a/2=y a/4=z ");
  shard::Effects step;
  step.puts = {{"a/0", "new"}, {"a/2", "changed"}, {"a/3", "new"}};
  step.deletes = {"a/1", "a/4"};
  draft.Take(std::move(step));
  EXPECT_EQ(Listed(draft, "a/"), "a/0=new a/2=changed a/3=new ");
  EXPECT_EQ(draft.Get("a/1"), std::nullopt);
  EXPECT_EQ(draft.Get("b"), "w");
  EXPECT_EQ(draft.Next("a/", "a/31"), std::nullopt);
}

TEST(Draft, FinishGivesOneEffectOfAllSteps) {
  Base base;
  base.values = {{"a", "x"}, {"b", "y"}, {"c", "z"}};
  Draft draft(base);
  shard::Effects first;
  first.puts = {{"a", "1"}, {"b", "2"}, {"d", "3"}};
  first.sums = {{"n", 2}, {"m", 1}};
  first.set_timers = {{"new", 9}};
  first.cancel_timers = {"old"};
  first.publishes = {{"events", "e", "t", "id1", "", 1}};
  draft.Take(std::move(first));
  shard::Effects second;
  second.puts = {{"a", "x"}};
  second.deletes = {"c", "d"};
  second.sums = {{"n", -2}, {"m", 1}};
  second.publishes = {{"events", "e", "t", "id2", "", 1}};
  draft.Take(std::move(second));
  EXPECT_EQ(draft.Timer("old"), std::nullopt);
  const shard::Effects all = draft.Finish();
  ASSERT_EQ(all.puts.size(), 1U);
  EXPECT_EQ(all.puts[0].sub, "b");
  EXPECT_EQ(all.deletes, std::vector<std::string>{"c"});
  ASSERT_EQ(all.sums.size(), 1U);
  EXPECT_EQ(all.sums[0].delta, 2);
  ASSERT_EQ(all.set_timers.size(), 1U);
  EXPECT_EQ(all.cancel_timers, std::vector<std::string>{"old"});
  ASSERT_EQ(all.publishes.size(), 2U);
  EXPECT_EQ(all.publishes[1].id, "id2");
}

}  // namespace
}  // namespace regulars::handoff
