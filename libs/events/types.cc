#include "libs/events/types.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "libs/base/assert.h"
#include "libs/base/text.h"

namespace regulars::events {
namespace {

bool IsWord(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// "<letter><number>" with a number from 1 on, without leading zeros.
std::optional<int32_t> NumberAfter(char letter, std::string_view text) {
  if (text.size() < 2 || text[0] != letter || text[1] < '1' || text[1] > '9') return std::nullopt;
  int32_t number = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data() + 1, end, number);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

std::string TopicName(std::string_view domain, std::string_view kind, int32_t generation) {
  REGULARS_ASSERT(IsWord(domain) && IsWord(kind) && generation >= 1, "not a topic of ours");
  return Cat("regulars.", domain, ".", kind, ".v", kTopicVersion, ".g", generation);
}

std::optional<TopicParts> ParseTopicName(std::string_view topic) {
  std::array<std::string_view, 5> words;
  for (size_t i = 0; i < words.size(); ++i) {
    const size_t dot = topic.find('.');
    const bool last = i + 1 == words.size();
    if (last != (dot == std::string_view::npos)) return std::nullopt;
    words[i] = topic.substr(0, dot);
    if (!last) topic.remove_prefix(dot + 1);
  }
  const std::optional<int32_t> version = NumberAfter('v', words[3]);
  const std::optional<int32_t> generation = NumberAfter('g', words[4]);
  if (words[0] != "regulars" || !IsWord(words[1]) || !IsWord(words[2]) || !version || !generation) {
    return std::nullopt;
  }
  return TopicParts{words[1], words[2], *version, *generation};
}

std::string SourceOf(std::string_view domain) { return Cat("/regulars/", domain); }

}  // namespace regulars::events
