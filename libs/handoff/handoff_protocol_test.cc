// The protocol with a cargo of coins: each fragment has a number of them, a page takes one
// fragment. services/points and tests/property_handoff test it with a ledger and in every order.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/handoff/inbound.h"
#include "libs/handoff/protocol.h"
#include "regulars/identity/v1/identity_events.pb.h"

namespace regulars::handoff {
namespace {

constexpr std::string_view kCoins = "coins/";

class Memory : public shard::EntityState {
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
  std::optional<int64_t> Timer(std::string_view) const override { return std::nullopt; }

  std::map<std::string, std::string, std::less<>> values;
};

// "<fragment>=<coins>".
class Coins : public Cargo {
 public:
  explicit Coins(Memory* state) : state_(*state) {}

  bool Load(const Protocol& protocol, v1::Outgoing* move, v1::Page* page) override {
    std::vector<std::string> leaving;
    for (const auto& [sub, coins] : state_.values) {
      if (!sub.starts_with(kCoins)) continue;
      const std::string fragment = sub.substr(kCoins.size());
      if (protocol.Leaves(*move, fragment)) leaving.push_back(fragment);
    }
    if (leaving.empty()) return true;
    const std::string sub = Cat(kCoins, leaving.front());
    page->set_cargo(Cat(leaving.front(), "=", state_.values.at(sub)));
    state_.values.erase(sub);
    return leaving.size() == 1;
  }
  void Sent(const v1::Outgoing&) override {}
  Unloaded Unload(const Protocol& protocol, const v1::Page& page) override {
    const size_t equals = page.cargo().find('=');
    if (equals == std::string::npos) return {};
    const std::string fragment = page.cargo().substr(0, equals);
    if (auto member = protocol.FragmentAt(fragment)) return {"", {{*member, page.cargo()}}};
    Add(fragment, std::stoi(page.cargo().substr(equals + 1)));
    return {};
  }
  void AtRest() override {}

  void Add(const std::string& fragment, int coins) {
    std::string& value = state_.values[Cat(kCoins, fragment)];
    value = Cat((value.empty() ? 0 : std::stoi(value)) + coins);
  }

 private:
  Memory& state_;
};

class Members {
 public:
  // The newest outcome's label.
  std::string Give(const std::string& member, std::string_view type, const std::string& payload) {
    shard::Input input;
    input.entity = member;
    input.type = type;
    input.id = "i";
    input.payload = payload;
    std::optional<Inbound> inbound;
    const absl::Status read = ReadInbound(input, &inbound);
    if (!read.ok()) return ReasonOf(read);
    Protocol protocol(state[member], input);
    Coins coins(&state[member]);
    std::string outcome = "coin";
    const auto* message = inbound ? std::get_if<v1::HandoffMessage>(&*inbound) : nullptr;
    const bool record = !inbound || (message != nullptr && message->has_record());
    if (record) {
      const std::string fragment = message != nullptr ? message->record().payload() : payload;
      if (message != nullptr) protocol.Learn(*message, &coins);
      if (const auto elsewhere = protocol.Elsewhere(fragment)) {
        outcome = protocol.SendOn(*elsewhere, message) ? "forwarded" : "lost";
      } else {
        coins.Add(fragment, 1);
        if (message != nullptr) protocol.Applied(*message, fragment, "");
      }
    } else {
      outcome = protocol.Take(*inbound, &coins);
    }
    shard::Effects effects;
    protocol.Finish(&effects);
    for (const shard::Put& put : effects.puts) state[member].values[put.sub] = put.value;
    for (const std::string& sub : effects.deletes) state[member].values.erase(sub);
    for (const shard::Publish& out : effects.publishes) {
      EXPECT_EQ(out.type, events::kHandoffMessage);
      on_its_way.emplace_back(out.entity, out.payload);
    }
    return outcome;
  }
  void Coin(const std::string& member, const std::string& fragment) {
    Give(member, "coin", fragment);
  }
  std::string Merge(const std::string& at, const std::string& id, const std::string& loser,
                    const std::string& survivor,
                    const std::vector<std::pair<std::string, uint32_t>>& fragments) {
    identity::v1::MergeCommitted event;
    event.set_merge_id(id);
    event.set_loser(loser);
    event.set_survivor(survivor);
    for (const auto& [fragment, epoch] : fragments) {
      event.add_fragment_ids(fragment);
      event.add_fragment_epochs(epoch);
      event.set_loser_epoch(std::max(event.loser_epoch(), epoch));
      if (event.first_fragment_ids().empty()) event.add_first_fragment_ids(fragment);
    }
    return Give(at, events::kMergeCommitted, event.SerializeAsString());
  }
  std::string Split(const std::string& at, const std::string& id, const std::string& from,
                    const std::string& to, const std::string& fragment, uint32_t epoch,
                    const std::string& merge_id) {
    identity::v1::SplitCommitted event;
    event.set_split_id(id);
    event.set_member(from);
    auto* part = event.add_parts();
    part->set_member(to);
    part->add_fragment_ids(fragment);
    part->add_fragment_epochs(epoch);
    part->set_member_epoch(epoch);
    part->add_first_fragment_ids(fragment);
    if (!merge_id.empty()) event.add_merge_ids(merge_id);
    return Give(at, events::kSplitCommitted, event.SerializeAsString());
  }
  std::string Deliver() {
    const auto [member, payload] = on_its_way.front();
    on_its_way.pop_front();
    return Give(member, events::kHandoffMessage, payload);
  }
  void Settle() {
    for (int i = 0; i < 1'000 && !on_its_way.empty(); ++i) Deliver();
    EXPECT_TRUE(on_its_way.empty());
  }
  std::string CoinsOf(const std::string& member) {
    std::string text;
    for (const auto& [sub, coins] : state[member].values) {
      if (sub.starts_with(kCoins)) Append(&text, sub.substr(kCoins.size()), "=", coins, " ");
    }
    return text;
  }
  std::string Refusal(const std::string& member, const std::string& name) {
    shard::Input input;
    input.entity = member;
    const auto reply = Protocol(state[member], input).Refuse(name);
    return reply ? Cat(reply->reason, " ", reply->survivor) : "";
  }

  std::map<std::string, Memory> state;
  std::deque<std::pair<std::string, std::string>> on_its_way;
};

TEST(Protocol, MovesEveryPageOnceAndThenTheAliasIsSettled) {
  Members members;
  members.Coin("l", "f1");
  members.Coin("l", "f2");
  members.Coin("s", "g");
  EXPECT_EQ(members.Merge("l", "m1", "l", "s", {{"f1", 0}, {"f2", 0}}), "merge");
  EXPECT_EQ(members.Merge("s", "m1", "l", "s", {{"f1", 0}, {"f2", 0}}), "merge_survivor");
  EXPECT_EQ(members.Refusal("l", "l"), "MEMBER_MOVING ");
  members.Settle();
  EXPECT_EQ(members.CoinsOf("l"), "");
  EXPECT_EQ(members.CoinsOf("s"), "f1=1 f2=1 g=1 ");
  EXPECT_EQ(members.Refusal("l", "l"), "MEMBER_MERGED s");
  EXPECT_EQ(members.Refusal("s", "l"), "");
  EXPECT_EQ(members.Merge("l", "m1", "l", "s", {{"f1", 0}}), "merge_again");
}

TEST(Protocol, PagesAndAcknowledgementsThatComeTwiceCountOnce) {
  Members members;
  members.Coin("l", "f1");
  members.Coin("l", "f2");
  members.Merge("l", "m1", "l", "s", {{"f1", 0}, {"f2", 0}});
  members.on_its_way.push_back(members.on_its_way.front());
  EXPECT_EQ(members.Deliver(), "page");
  EXPECT_EQ(members.Deliver(), "page_again");
  members.on_its_way.push_back(members.on_its_way.front());
  EXPECT_EQ(members.Deliver(), "acknowledged");
  EXPECT_EQ(members.Deliver(), "acknowledged_again");
  members.Settle();
  EXPECT_EQ(members.CoinsOf("s"), "f1=1 f2=1 ");
}

TEST(Protocol, ASplitIsLearntFromWhatItSendsEvenBeforeTheMergeItUndoes) {
  Members members;
  members.Coin("l", "f");
  EXPECT_EQ(members.Split("s", "p1", "s", "l", "f", 1, "m1"), "split");
  members.Coin("s", "f");  // a late record follows its fragment
  members.Settle();
  EXPECT_EQ(members.CoinsOf("l"), "f=2 ");
  EXPECT_EQ(members.Merge("l", "m1", "l", "s", {{"f", 0}}), "merge_late");
  EXPECT_EQ(members.Split("l", "p1", "s", "l", "f", 1, "m1"), "split_home");
  members.Settle();
  EXPECT_EQ(members.Refusal("l", "l"), "");
}

TEST(Protocol, ALatePageOfAnUndoneMergeGoesStraightBackAndCallsTheMemberHome) {
  Members members;
  members.Coin("l", "f");
  members.Merge("l", "m1", "l", "s", {{"f", 0}});
  members.Split("s", "p1", "s", "l", "f", 1, "m1");
  EXPECT_EQ(members.Deliver(), "page_sent_on");
  members.Settle();
  EXPECT_EQ(members.CoinsOf("l"), "f=1 ");
  EXPECT_EQ(members.CoinsOf("s"), "");
  EXPECT_EQ(members.Refusal("l", "l"), "");
  EXPECT_EQ(members.Split("l", "p1", "s", "l", "f", 1, "m1"), "split_home");
  members.Settle();
  EXPECT_EQ(members.Refusal("l", "l"), "");
}

TEST(Protocol, AFragmentThatWasSplitOffMayComeBackWithALaterMerge) {
  Members members;
  members.Coin("l", "f");
  members.Merge("l", "m1", "l", "s", {{"f", 0}});
  members.Settle();
  members.Split("s", "p1", "s", "l", "f", 1, "m1");
  members.Split("l", "p1", "s", "l", "f", 1, "m1");
  members.Settle();
  EXPECT_EQ(members.CoinsOf("l"), "f=1 ");
  members.Merge("l", "m2", "l", "s", {{"f", 1}});
  members.Settle();
  EXPECT_EQ(members.CoinsOf("s"), "f=1 ");
  members.Coin("s", "f");
  EXPECT_EQ(members.CoinsOf("s"), "f=2 ");
}

TEST(Protocol, AMergeThatIsHeardOfAfterTheSplitThatUndidItStillLetsGoOfWhatStayed) {
  Members members;
  members.Coin("l", "f");
  members.Coin("l", "g");
  EXPECT_EQ(members.Split("l", "p1", "s", "l", "f", 1, "m1"), "split_home");
  members.Split("s", "p1", "s", "l", "f", 1, "m1");
  EXPECT_EQ(members.Merge("l", "m1", "l", "s", {{"f", 0}, {"g", 0}}), "merge_late");
  members.Settle();
  EXPECT_EQ(members.CoinsOf("l"), "f=1 ");
  EXPECT_EQ(members.CoinsOf("s"), "g=1 ");
}

TEST(Protocol, AnAliasEndsItsMoveAfterThoseThatComeToIt) {
  Members members;
  members.Coin("l", "f1");
  members.Coin("l", "f2");
  members.Merge("l", "m1", "l", "s", {{"f1", 0}, {"f2", 0}});
  members.Deliver();  // the first page, and another one is to come
  EXPECT_EQ(members.Refusal("s", "s"), "MEMBER_MOVING ");
  members.Merge("s", "m2", "s", "t", {{"f1", 0}, {"f2", 0}});
  members.Settle();
  EXPECT_EQ(members.CoinsOf("t"), "f1=1 f2=1 ");
  EXPECT_EQ(members.Refusal("t", "t"), "");
  EXPECT_EQ(members.Refusal("l", "l"), "MEMBER_MERGED s");
  EXPECT_EQ(members.Refusal("s", "l"), "MEMBER_MERGED t");
}

TEST(Protocol, ARecordThatCirclesIsSetAside) {
  Members members;  // what identity never says
  members.Merge("a", "m1", "a", "b", {});
  members.Merge("b", "m2", "b", "a", {});
  members.on_its_way.clear();
  members.Coin("a", "f");
  std::string outcome;
  for (uint32_t hop = 0; hop < kHopsMax; ++hop) outcome = members.Deliver();
  EXPECT_EQ(outcome, "lost");
}

TEST(Inbound, MalformedInputsAreRefused) {
  Members members;
  EXPECT_EQ(members.Give("l", events::kMergeCommitted, "\xff"), "PAYLOAD_MALFORMED");
  EXPECT_EQ(members.Merge("l", "", "l", "s", {}), "PAYLOAD_MALFORMED");
  EXPECT_EQ(members.Merge("l", "m", "l", "l", {}), "PAYLOAD_MALFORMED");
  EXPECT_EQ(members.Merge("l", std::string(kIdBytesMax + 1, 'm'), "l", "s", {}),
            "PAYLOAD_MALFORMED");
  EXPECT_EQ(members.Split("s", "p", "s", "", "f", 1, ""), "PAYLOAD_MALFORMED");
  EXPECT_EQ(members.Give("l", events::kHandoffMessage, ""), "PAYLOAD_MALFORMED");
}

}  // namespace
}  // namespace regulars::handoff
