#include "services/identity/kernel/explain.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

namespace regulars::identity {

std::vector<v1::MemberEdge> WayBetween(const std::vector<v1::MemberEdge>& edges,
                                       const std::string& from, const std::string& to) {
  std::map<std::string, std::vector<const v1::MemberEdge*>> at;
  for (const v1::MemberEdge& edge : edges) {
    at[edge.first_fragment()].push_back(&edge);
    at[edge.second_fragment()].push_back(&edge);
  }
  const auto other_end = [](const v1::MemberEdge& edge, const std::string& end) -> auto& {
    return edge.first_fragment() == end ? edge.second_fragment() : edge.first_fragment();
  };
  std::map<std::string, const v1::MemberEdge*> came_by{{from, nullptr}};
  std::deque<std::string> open{from};
  while (!open.empty() && !came_by.contains(to)) {
    const std::string here = std::move(open.front());
    open.pop_front();
    for (const v1::MemberEdge* edge : at[here]) {
      const std::string& there = other_end(*edge, here);
      if (came_by.try_emplace(there, edge).second) open.push_back(there);
    }
  }
  std::vector<v1::MemberEdge> way;
  if (!came_by.contains(to)) return way;
  for (std::string here = to; here != from;) {
    const v1::MemberEdge& edge = *came_by.at(here);
    way.push_back(edge);
    here = other_end(edge, here);
  }
  std::reverse(way.begin(), way.end());
  return way;
}

}  // namespace regulars::identity
