#include "services/identity/kernel/guard_rails.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "libs/base/text.h"

namespace regulars::identity {
namespace {

using Fragments = std::vector<const v1::MemberFragment*>;

void AddActive(const std::vector<v1::MemberFragment>& all, Fragments* active) {
  for (const v1::MemberFragment& fragment : all) {
    if (!fragment.detached()) active->push_back(&fragment);
  }
}

// Different values of a unique type in one scope.
std::optional<Broken> CheckUnique(const LinkRules& rules, const Fragments& active) {
  if (!rules.unique_is_one) return std::nullopt;
  std::map<std::pair<std::string_view, std::string_view>, std::string_view> values;
  for (const v1::MemberFragment* fragment : active) {
    const types::v1::Identifier& id = fragment->identifier();
    if (id.class_() != types::v1::IDENTIFIER_CLASS_UNIQUE) continue;
    const auto [it, added] = values.try_emplace({id.type(), id.scope()}, id.hmac());
    if (!added && it->second != id.hmac()) return Broken{Cat("unique:", id.type()), 1};
  }
  return std::nullopt;
}

// `only`: the limits of that type; empty: all.
std::optional<Broken> CheckLimits(const LinkRules& rules, const Fragments& active, Micros now_us,
                                  std::string_view only = {}) {
  for (const TypeLimit& limit : rules.limits) {
    if (!only.empty() && limit.type != only) continue;
    std::set<std::string_view> values;
    for (const v1::MemberFragment* fragment : active) {
      if (fragment->identifier().type() != limit.type) continue;
      if (limit.window_us > 0 && fragment->added_us() <= now_us - limit.window_us) continue;
      values.insert(fragment->identifier().hmac());
    }
    if (static_cast<int64_t>(values.size()) > limit.max) {
      return Broken{Cat("max_per_type:", limit.type), limit.max};
    }
  }
  return std::nullopt;
}

// Merges of either side count, and the one that is asked for.
std::optional<Broken> CheckMergeRate(const LinkRules& rules, const Summary& old,
                                     const Summary& young, Micros now_us) {
  const MergeRate& rate = rules.merge_rate;
  if (rate.max <= 0) return std::nullopt;
  int64_t merges = 1;
  for (const Summary* side : {&old, &young}) {
    merges += std::count_if(side->merges_us.begin(), side->merges_us.end(),
                            [&](Micros at_us) { return at_us > now_us - rate.window_us; });
  }
  if (merges <= rate.max) return std::nullopt;
  return Broken{"merges_per_window", rate.max};
}

bool IsPart(const Summary& side, std::string_view member) {
  return side.member == member ||
         std::find(side.names.begin(), side.names.end(), member) != side.names.end();
}

bool StayApart(const Summary& a, const Summary& b) {
  return std::any_of(a.do_not_link.begin(), a.do_not_link.end(),
                     [&](const v1::DoNotLink& pair) { return IsPart(b, pair.other()); });
}

Sizes SizesOf(const Summary& side) {
  return {static_cast<int64_t>(side.fragments.size()), static_cast<int64_t>(side.names.size())};
}

}  // namespace

std::optional<Broken> CheckSizes(const LinkRules& rules, const Sizes& old, const Sizes& young) {
  if (old.fragments + young.fragments > rules.identifiers_max) {
    return Broken{"max_identifiers", rules.identifiers_max};
  }
  if (old.names + young.names + 1 > rules.merges_max) return Broken{"max_merges", rules.merges_max};
  return std::nullopt;
}

std::optional<Broken> CheckUnion(const LinkRules& rules, const Summary& old, const Summary& young,
                                 Micros now_us, bool override_do_not_link) {
  if (!override_do_not_link && (StayApart(old, young) || StayApart(young, old))) {
    return Broken{"do_not_link", 0};
  }
  if (auto broken = CheckSizes(rules, SizesOf(old), SizesOf(young)); broken.has_value()) {
    return broken;
  }
  Fragments active;
  AddActive(old.fragments, &active);
  AddActive(young.fragments, &active);
  if (auto broken = CheckMergeRate(rules, old, young, now_us); broken.has_value()) return broken;
  if (old.edges + young.edges + 1 > kEdgesMax) return Broken{"max_edges", kEdgesMax};
  if (auto broken = CheckUnique(rules, active); broken.has_value()) return broken;
  return CheckLimits(rules, active, now_us);
}

std::optional<Broken> CheckIdentifierFits(const LinkRules& rules,
                                          const std::vector<v1::MemberFragment>& fragments,
                                          const v1::MemberFragment& added, Micros now_us) {
  if (static_cast<int64_t>(fragments.size()) + 1 > rules.identifiers_max) {
    return Broken{"max_identifiers", rules.identifiers_max};
  }
  Fragments active;
  AddActive(fragments, &active);
  v1::MemberFragment comes_now = added;
  comes_now.set_added_us(now_us);
  active.push_back(&comes_now);
  if (auto broken = CheckUnique(rules, active); broken.has_value()) return broken;
  return CheckLimits(rules, active, now_us, added.identifier().type());
}

}  // namespace regulars::identity
