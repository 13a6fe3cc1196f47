#include "tests/sim_identity/ledger.h"

#include <algorithm>
#include <set>
#include <vector>

#include "libs/base/hash.h"
#include "libs/events/types.h"
#include "regulars/identity/v1/identity_events.pb.h"

namespace regulars::sim_identity {

namespace v1 = identity::v1;

int32_t Ledger::ShardOf(const std::string& member) const {
  return regulars::ShardOf(Bucket("tea", member), shards_);
}

void Ledger::Hear(int32_t from, const shard::Publish& event) {
  Note note;
  note.member = event.entity;
  if (event.type == events::kMemberResolved) {
    v1::MemberResolved resolved;
    resolved.ParseFromString(event.payload);
    note.fragment = resolved.fragment_id();
    note.name = resolved.member();
    note.live_epoch = resolved.member_epoch();
    ++resolved_;
    ++by_touch_[event.id.substr(event.id.find('/', 9) + 1)];
  } else if (event.type == events::kMergeCommitted) {
    v1::MergeCommitted merged;
    merged.ParseFromString(event.payload);
    if (event.entity != merged.loser()) return;
    note.kind = Note::kMerged;
    note.payload = event.payload;
  } else if (event.type == events::kSplitCommitted) {
    note.kind = Note::kSplit;
    note.payload = event.payload;
  } else {
    return;
  }
  channels_[{1000 + from, ShardOf(note.member)}].push_back(std::move(note));
}

void Ledger::Send(const std::string& from, Note note) {
  channels_[{ShardOf(from), ShardOf(note.member)}].push_back(std::move(note));
}

bool Ledger::StepOnce() {
  std::vector<std::pair<int32_t, int32_t>> ready;
  for (const auto& [channel, queue] : channels_) {
    if (!queue.empty()) ready.push_back(channel);
  }
  if (ready.empty()) return false;
  auto& queue =
      channels_[ready[static_cast<size_t>(rng_.Below(static_cast<int64_t>(ready.size())))]];
  const Note note = std::move(queue.front());
  queue.pop_front();
  Apply(note);
  return true;
}

void Ledger::Apply(const Note& note) {
  Account* account = &accounts_[note.member];
  // Who speaks of a newer life of this member than the one that ended here is right.
  account->live_epoch = std::max(account->live_epoch, note.live_epoch);
  if (account->live_epoch > account->stub_epoch) account->survivor.clear();
  switch (note.kind) {
    case Note::kEarn:
      return Earn(account, note);
    case Note::kMerged:
      return Merged(account, note);
    case Note::kSplit:
      return Split(account, note);
    case Note::kPage:
      return Page(account, note);
  }
}

void Ledger::Earn(Account* account, const Note& note) {
  Note on = note;
  on.live_epoch = 0;
  if (const auto moved = account->moved.find(note.fragment); moved != account->moved.end()) {
    on.member = moved->second.member;
  } else if (const auto gone = account->gone.find(note.name);
             gone != account->gone.end() && !account->fragments.contains(note.fragment)) {
    on.member = gone->second.member;
  } else if (!account->survivor.empty()) {
    on.member = account->survivor;
  } else {
    Held& held = account->fragments[note.fragment];
    if (held.via.empty()) held.via = note.name;
    ++held.points;
    return;
  }
  Send(note.member, std::move(on));
}

void Ledger::Merged(Account* account, const Note& note) {
  v1::MergeCommitted merged;
  merged.ParseFromString(note.payload);
  const auto epoch = static_cast<int64_t>(merged.loser_epoch());
  const bool late = epoch < account->live_epoch || epoch <= account->stub_epoch;
  Note page;
  page.kind = Note::kPage;
  page.member = merged.survivor();
  page.live_epoch = merged.survivor_epoch();
  // Also of a life that ended before: what it lists left with it and comes back under a greater
  // number only. A line that was on its way here follows.
  for (int i = 0; i < merged.fragment_ids_size(); ++i) {
    const std::string& fragment = merged.fragment_ids(i);
    const uint32_t number = merged.fragment_epochs(i);
    if (account->IsHereAfter(fragment, number)) continue;
    Account::At& at = account->moved[fragment];
    if (at.member.empty() || at.epoch <= number) at = {merged.survivor(), number + 1};
    const Held held = account->fragments[fragment];
    account->fragments.erase(fragment);
    page.lines.push_back({fragment, held.via, number, held.points});
  }
  if (late) return Send(note.member, std::move(page));
  account->survivor = merged.survivor();
  account->stub_epoch = epoch;
  page.loser_epoch = epoch;
  page.names.assign(merged.absorbed_members().begin(), merged.absorbed_members().end());
  page.names.push_back(merged.loser());
  // What identity did not count yet comes with the member.
  for (const auto& [fragment, held] : account->fragments) {
    const auto counted = account->here.find(fragment);
    const bool is_counted = counted != account->here.end();
    page.lines.push_back(
        {fragment, held.via, is_counted ? counted->second : 0, held.points, is_counted});
  }
  account->fragments.clear();
  Send(note.member, std::move(page));
}

void Ledger::Split(Account* account, const Note& note) {
  v1::SplitCommitted split;
  split.ParseFromString(note.payload);
  for (const v1::SplitPart& part : split.parts()) {
    if (part.member() == note.member) {
      account->live_epoch =
          std::max(account->live_epoch, static_cast<int64_t>(part.member_epoch()));
      if (account->live_epoch > account->stub_epoch) account->survivor.clear();
      for (int i = 0; i < part.fragment_ids_size(); ++i) {
        account->Counted(part.fragment_ids(i), part.fragment_epochs(i));
      }
    }
  }
  // Whoever was part of it learns where the rest is: a page of an earlier life may still come here.
  for (const v1::SplitPart& part : split.parts()) {
    if (part.member() == note.member) continue;
    std::set<std::string> names(part.absorbed_members().begin(), part.absorbed_members().end());
    names.insert(part.member());
    Note page;
    page.kind = Note::kPage;
    page.member = part.member();
    page.live_epoch = part.member_epoch();
    const auto take = [&](const std::string& fragment, uint32_t epoch, bool counted) {
      if (account->IsHereAfter(fragment, epoch)) return;
      const Held held = account->fragments[fragment];
      account->fragments.erase(fragment);
      Account::At& at = account->moved[fragment];
      if (at.epoch <= epoch) at = {part.member(), epoch};
      page.lines.push_back({fragment, held.via, epoch, held.points, counted});
    };
    std::set<std::string> listed;
    for (const v1::SplitPart& any : split.parts()) {
      listed.insert(any.fragment_ids().begin(), any.fragment_ids().end());
    }
    for (int i = 0; i < part.fragment_ids_size(); ++i) {
      take(part.fragment_ids(i), part.fragment_epochs(i), true);
    }
    // Only what identity never counted goes by the name that it was heard of under.
    std::vector<std::string> unlisted;
    for (const auto& [fragment, held] : account->fragments) {
      if (listed.contains(fragment) || account->here.contains(fragment)) continue;
      if (names.contains(held.via)) unlisted.push_back(fragment);
    }
    for (const std::string& fragment : unlisted) take(fragment, 0, false);
    // Whoever came back since then is not gone.
    const auto came = account->came.find(part.member());
    const bool back =
        came != account->came.end() && came->second >= static_cast<int64_t>(part.member_epoch());
    for (const std::string& name : names) {
      if (back || split.member() != note.member) break;
      Account::At& at = account->gone[name];
      if (at.member.empty() || at.epoch <= part.member_epoch()) {
        at = {part.member(), part.member_epoch()};
      }
    }
    Send(note.member, std::move(page));
  }
}

void Ledger::Page(Account* account, const Note& note) {
  std::map<std::string, Note> on;
  for (const Note::Line& line : note.lines) {
    const auto moved = account->moved.find(line.fragment);
    std::string to;
    if (moved != account->moved.end() && moved->second.epoch > line.epoch) {
      to = moved->second.member;
    } else {
      if (moved != account->moved.end()) account->moved.erase(moved);
      to = account->survivor;
    }
    if (!to.empty()) {
      on[to].lines.push_back(line);
      continue;
    }
    if (line.counted) account->Counted(line.fragment, line.epoch);
    Held& held = account->fragments[line.fragment];
    if (held.via.empty()) held.via = line.via;
    held.points += line.points;
  }
  if (!note.names.empty()) {
    int64_t& life = account->came.try_emplace(note.names.back(), -1).first->second;
    life = std::max(life, note.loser_epoch);
  }
  // Members that came with a merge are no longer somewhere else, unless that was an earlier life.
  for (const std::string& name : note.names) {
    const auto gone = account->gone.find(name);
    if (gone == account->gone.end()) continue;
    const bool earlier = note.names.back() == gone->second.member &&
                         note.loser_epoch < static_cast<int64_t>(gone->second.epoch);
    if (!earlier) account->gone.erase(gone);
  }
  if (!note.names.empty() && !account->survivor.empty()) on[account->survivor];
  for (auto& [to, page] : on) {
    page.kind = Note::kPage;
    page.member = to;
    if (to == account->survivor) {
      page.names = note.names;
      page.loser_epoch = note.loser_epoch;
    }
    Send(note.member, std::move(page));
  }
}

}  // namespace regulars::sim_identity
