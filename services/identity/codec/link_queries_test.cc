// The history of a member's links as its owner tells it.
#include "services/identity/codec/link_queries.h"

#include <gtest/gtest.h>

#include <string>

#include "regulars/identity/v1/identity_service.pb.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/codec/pages.h"
#include "services/identity/codec/query_codec.h"
#include "services/identity/kernel/explain.h"
#include "services/identity/kernel/town.h"

namespace regulars::identity {
namespace {

class LinkQueries : public testing::Test {
 protected:
  template <typename Request>
  shard::Reply Ask(std::string_view query, const std::string& entity, const Request& request) {
    shard::Input input;
    input.kind = shard::InputKind::kQuery;
    input.pool = "tea";
    input.entity = entity;
    input.type = std::string(query);
    input.payload = request.SerializeAsString();
    bool skip = false;
    EXPECT_TRUE(program.Decode(&input, &skip).ok());
    return program.Query(town.states[entity], input);
  }
  // A page, or the reason in `told`.
  template <typename Response, typename Request>
  Response Page(std::string_view query, const std::string& member, int size,
                const std::string& token = "") {
    Request request;
    request.set_parent("pools/tea/members/" + member);
    request.set_page_size(size);
    request.set_page_token(token);
    const shard::Reply reply = Ask(query, member, request);
    told = reply.code == absl::StatusCode::kOk ? "OK" : reply.reason;
    survivor = reply.survivor;
    Response response;
    EXPECT_TRUE(response.ParseFromString(reply.payload));
    return response;
  }
  v1::ListMergesResponse Merges(const std::string& member, int size,
                                const std::string& token = "") {
    return Page<v1::ListMergesResponse, v1::ListMergesRequest>(kListMerges, member, size, token);
  }
  v1::ListLinksResponse Links(const std::string& member, int size, const std::string& token = "") {
    return Page<v1::ListLinksResponse, v1::ListLinksRequest>(kListLinks, member, size, token);
  }
  v1::ListSuppressedLinksResponse Suppressed(const std::string& member, int size,
                                             const std::string& token = "") {
    return Page<v1::ListSuppressedLinksResponse, v1::ListSuppressedLinksRequest>(
        kListSuppressedLinks, member, size, token);
  }
  // A member of three that were one each.
  std::string Three() {
    for (const char* name : {"card:ann", "customer:bob", "email:cid"}) {
      ++town.now_us;
      town.Touch(name);
    }
    ann = town.Root("card:ann");
    bob = town.Root("customer:bob");
    cid = town.Root("email:cid");
    EXPECT_EQ(town.Merge(ann, bob, "op1").outcome, CommandOutcome::kDone);
    ++town.now_us;
    EXPECT_EQ(town.Merge(ann, cid, "op2").outcome, CommandOutcome::kDone);
    EXPECT_TRUE(town.Same("card:ann", "email:cid"));
    return ann;
  }

  Town town;
  const IdentityProgram program;
  std::string ann, bob, cid;
  std::string told, survivor;
};

TEST_F(LinkQueries, MergesAreListedNewestFirst) {
  const std::string member = Three();
  const v1::ListMergesResponse all = Merges(member, 0);
  ASSERT_EQ(all.merges_size(), 2);
  EXPECT_EQ(all.merges(0).absorbed(), "pools/tea/members/" + cid);
  EXPECT_EQ(all.merges(1).absorbed(), "pools/tea/members/" + bob);
  EXPECT_EQ(all.merges(1).absorbed_by(), "pools/tea/members/" + ann);
  EXPECT_TRUE(all.merges(0).settled());
  EXPECT_EQ(all.next_page_token(), "");
  const v1::ListMergesResponse first = Merges(member, 1);
  ASSERT_EQ(first.merges_size(), 1);
  EXPECT_EQ(first.merges(0).name(), all.merges(0).name());
  const v1::ListMergesResponse second = Merges(member, 1, first.next_page_token());
  ASSERT_EQ(second.merges_size(), 1);
  EXPECT_EQ(second.merges(0).name(), all.merges(1).name());
  EXPECT_EQ(second.next_page_token(), "");
  // A name of that list undoes the merge.
  const std::string id = all.merges(0).name().substr(all.merges(0).name().rfind('/') + 1);
  EXPECT_EQ(town.Undo(member, id, "op3").outcome, CommandOutcome::kDone);
  EXPECT_EQ(Merges(member, 0).merges_size(), 1);
}

TEST_F(LinkQueries, PagesOfOtherListsAreRefused) {
  const std::string member = Three();
  const std::string token = Merges(member, 1).next_page_token();
  ASSERT_NE(token, "");
  const std::string edge = Links(member, 1).next_page_token();
  ASSERT_NE(edge, "");
  const struct {
    int size;
    std::string token;
    std::string told;
  } rows[] = {{-1, "x", "PAGE_SIZE_INVALID"},
              {0, "x", "PAGE_TOKEN_INVALID"},
              {0, edge, "PAGE_TOKEN_INVALID"},
              {0, token + "0", "PAGE_TOKEN_INVALID"},
              {0, std::string(10'000, 'a'), "PAGE_TOKEN_INVALID"},
              {1001, token, "OK"}};
  for (const auto& row : rows) {
    Merges(member, row.size, row.token);
    EXPECT_EQ(told, row.told) << row.size << " " << row.token.substr(0, 20);
  }
  // A token that somebody made for this list.
  Suppressed(member, 0, PageToken("pools/tea/members/" + member + "/suppressedLinks", "newest"));
  EXPECT_EQ(told, "PAGE_TOKEN_INVALID");
}

TEST_F(LinkQueries, LinksSayWhoseTheyAre) {
  ++town.now_us;
  town.Touch("card:ann phone:1 email:ann");
  const v1::ListLinksResponse all = Links(town.Root("card:ann"), 0);
  ASSERT_EQ(all.links_size(), 2);
  for (const v1::MemberLink& link : all.links()) {
    EXPECT_TRUE(link.first().type() == "card" || link.second().type() == "card");
    EXPECT_NE(link.touch_id(), "");
    EXPECT_EQ(link.rule_version(), town.rules.tag);
  }
  const std::string token = Links(town.Root("card:ann"), 1).next_page_token();
  EXPECT_EQ(Links(town.Root("card:ann"), 1, token).links(0).SerializeAsString(),
            all.links(1).SerializeAsString());
}

TEST_F(LinkQueries, SuppressedLinksNameTheRule) {
  town.Touch("card:ann phone:1");
  ++town.now_us;
  town.Touch("card:bob");
  ++town.now_us;
  town.Touch("card:bob phone:1");
  for (const char* name : {"card:ann", "card:bob"}) {
    const v1::ListSuppressedLinksResponse stopped = Suppressed(town.Root(name), 0);
    ASSERT_EQ(stopped.suppressed_links_size(), 1) << name;
    EXPECT_EQ(stopped.suppressed_links(0).rule(), "unique:card");
    EXPECT_NE(stopped.suppressed_links(0).other(), "");
  }
}

TEST_F(LinkQueries, SuppressedLinksArePagedNewestFirst) {
  constexpr int kStopped = static_cast<int>(kSuppressedMax) + 5;
  town.Touch("card:ann");
  const std::string member = town.Root("card:ann");
  Draft draft(town.states[member]);
  MemberBook book(&draft, member);
  for (int i = 0; i < kStopped; ++i) {
    v1::LinkSuppressed stopped;
    stopped.set_limit(i);
    book.AddSuppressed(stopped);
  }
  book.Save();
  shard::Effects effects;
  draft.Flush(&effects);
  town.states[member].Apply(effects);
  int expected = kStopped;
  std::string token;
  do {
    const v1::ListSuppressedLinksResponse page = Suppressed(member, 7, token);
    for (const v1::SuppressedLink& link : page.suppressed_links()) {
      EXPECT_EQ(link.limit(), --expected);
    }
    token = page.next_page_token();
  } while (!token.empty());
  EXPECT_EQ(expected, 5);  // older ones made room
}

TEST_F(LinkQueries, AnAliasNamesItsSurvivor) {
  const std::string member = Three();
  Merges(bob, 0);
  EXPECT_EQ(told, "MEMBER_IS_ALIAS");
  EXPECT_EQ(survivor, member);
  Suppressed(bob, 0);
  EXPECT_EQ(told, "OK");
  Merges("m_nobody", 0);
  EXPECT_EQ(told, "MEMBER_UNKNOWN");
}

TEST_F(LinkQueries, TheFullViewShowsWhereEverythingCameFrom) {
  const std::string member = Three();
  const shard::Reply reply = AnswerGetMember(town.states[member], "tea", member, true);
  v1::Member shown;
  ASSERT_TRUE(shown.ParseFromString(reply.payload));
  ASSERT_EQ(shown.identifiers_size(), 3);
  for (const v1::MemberIdentifier& id : shown.identifiers()) {
    const std::string& home = id.type() == "card" ? ann : id.type() == "email" ? cid : bob;
    EXPECT_EQ(id.home(), "pools/tea/members/" + home) << id.type();
  }
  EXPECT_EQ(shown.merges_size(), 2);
  EXPECT_EQ(shown.kept_apart_size(), 0);
  const std::string merge = shown.merges(0).name().substr(shown.merges(0).name().rfind('/') + 1);
  ASSERT_EQ(town.Undo(member, merge, "op3").outcome, CommandOutcome::kDone);
  ASSERT_TRUE(
      shown.ParseFromString(AnswerGetMember(town.states[member], "tea", member, true).payload));
  EXPECT_EQ(shown.identifiers_size(), 2);
  ASSERT_EQ(shown.kept_apart_size(), 1);
  EXPECT_EQ(shown.kept_apart(0), "pools/tea/members/" + cid);
  const shard::Reply alias = AnswerGetMember(town.states[bob], "tea", bob, false);
  EXPECT_EQ(alias.survivor, member);
}

TEST(WayBetween, IsAShortestOne) {
  const std::vector<v1::MemberEdge> edges = {MakeEdge("a", "b"), MakeEdge("b", "c"),
                                             MakeEdge("c", "d"), MakeEdge("a", "d"),
                                             MakeEdge("d", "e"), MakeEdge("x", "y")};
  const auto way = [&](const char* from, const char* to) {
    std::string text;
    for (const v1::MemberEdge& edge : WayBetween(edges, from, to)) text += EdgeKey(" ", edge);
    return text;
  };
  EXPECT_EQ(way("a", "e"), " a/d d/e");
  EXPECT_EQ(way("e", "a"), " d/e a/d");
  EXPECT_EQ(way("b", "e"), " a/b a/d d/e");
  EXPECT_EQ(way("a", "a"), "");
  EXPECT_EQ(way("a", "x"), "");
}

}  // namespace
}  // namespace regulars::identity
