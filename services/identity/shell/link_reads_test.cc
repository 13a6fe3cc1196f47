// Why two are one, or are not, through real servers: every verdict, asked of either instance.
#include <gtest/gtest.h>

#include <string>

#include "services/identity/shell/link_harness.h"

namespace regulars::identity {
namespace {

class LinkReads : public LinkServers {
 protected:
  std::string Explain(const std::string& first, const std::string& second,
                      const std::string& key = "tea-staff") {
    v1::ExplainLinkRequest request;
    request.set_parent("pools/tea");
    *request.mutable_first() = Clear(first);
    *request.mutable_second() = Clear(second);
    Instance& asked = ++calls_ % 2 == 0 ? one_ : two_;
    const grpc::Status status = asked.Links()->ExplainLink(Context(key).get(), request, &why_);
    if (!status.ok()) return ReasonOf(rpc::FromGrpc(status));
    return v1::LinkVerdict_Name(why_.verdict()).substr(sizeof("LINK_VERDICT_") - 1);
  }
  // Until messages between the owners have settled.
  bool Explains(const std::string& first, const std::string& second, const std::string& verdict) {
    std::string told;
    const bool is_so = Until([&] { return (told = Explain(first, second)) == verdict; });
    EXPECT_EQ(told, verdict) << first << " " << second;
    return is_so;
  }
  v1::ExplainLinkResponse why_;
  int calls_ = 0;
};

TEST_F(LinkReads, EveryVerdictHasItsReason) {
  Touch("card:ann email:ann@tea.example");
  Touch("card:bob");
  const std::string ann = MemberOf("card:ann"), bob = MemberOf("card:bob");
  ASSERT_TRUE(Same("card:ann", "email:ann@tea.example"));

  EXPECT_EQ(Explain("card:ann", "card:bob", "tea-till"), "RIGHT_MISSING");
  EXPECT_EQ(Explain("Card!:1", "card:bob"), "IDENTIFIER_INVALID");
  EXPECT_EQ(Explain("card:nobody", "card:bob"), "IDENTIFIER_UNKNOWN");
  EXPECT_EQ(Explain("card:ann", "card:nobody"), "IDENTIFIER_UNKNOWN");
  EXPECT_EQ(Explain("card:ann", "card:bob"), "UNRELATED");

  Touch("card:bob ticket:7?");
  Touch("ticket:7?");
  MemberOf("ticket:7?");
  Explains("card:bob", "ticket:7", "HINT");

  Touch("email:ann@tea.example customer:c1");
  Touch("customer:c1");
  ASSERT_TRUE(Same("card:ann", "customer:c1"));
  ASSERT_TRUE(Explains("card:ann", "customer:c1", "LINKED"));
  EXPECT_EQ(why_.first_member(), ann);
  EXPECT_EQ(why_.second_member(), ann);
  ASSERT_EQ(why_.links_size(), 2);  // card - email - customer
  const auto names = [](const v1::MemberLink& link, const std::string& type) {
    return link.first().type() == type || link.second().type() == type;
  };
  EXPECT_TRUE(names(why_.links(0), "card") && names(why_.links(0), "email"));
  EXPECT_TRUE(names(why_.links(1), "email") && names(why_.links(1), "customer"));

  Touch("card:bob customer:c1");
  ASSERT_TRUE(Explains("card:bob", "customer:c1", "SUPPRESSED"));
  EXPECT_EQ(why_.suppressed(0).rule(), "unique:card");
  EXPECT_EQ(why_.second_member(), ann);
  EXPECT_EQ(MemberOf("card:bob"), bob);

  v1::SplitMemberRequest split;
  split.set_name(ann);
  *split.add_identifiers() = Clear("customer:c1");
  v1::MemberSplit done;
  ASSERT_TRUE(Until([&] { return one_.Links()->SplitMember(Context().get(), split, &done).ok(); }));
  ASSERT_TRUE(Explains("customer:c1", "card:ann", "SPLIT"));
  EXPECT_EQ(why_.split_id(), done.split_id());
  ASSERT_EQ(why_.links_size(), 1);
  EXPECT_TRUE(names(why_.links(0), "email") || names(why_.links(0), "customer"));
}

TEST_F(LinkReads, AMergeIsListedAndTheFullViewShowsIt) {
  Touch("card:ann");
  const std::string ann = MemberOf("card:ann");
  Touch("customer:bob");
  const std::string bob = MemberOf("customer:bob");
  v1::MergeMembersRequest merge;
  merge.set_name(ann);
  merge.set_other(bob);
  v1::MergeMembersResponse merged;
  ASSERT_TRUE(two_.Links()->MergeMembers(Context().get(), merge, &merged).ok());
  ASSERT_TRUE(Same("card:ann", "customer:bob"));
  for (Instance* asked : {&one_, &two_}) {
    v1::ListMergesRequest list;
    list.set_parent(ann);
    v1::ListMergesResponse merges;
    ASSERT_TRUE(asked->Links()->ListMerges(Context().get(), list, &merges).ok());
    ASSERT_EQ(merges.merges_size(), 1);
    EXPECT_EQ(merges.merges(0).absorbed(), bob);
    v1::GetMemberRequest get;
    get.set_name(ann);
    get.set_view(v1::MEMBER_VIEW_FULL);
    v1::Member member;
    ASSERT_TRUE(asked->Reads()->GetMember(Context("tea-till").get(), get, &member).ok());
    EXPECT_EQ(member.identifiers_size(), 2);
    ASSERT_EQ(member.merges_size(), 1);
    EXPECT_EQ(member.merges(0).name(), merges.merges(0).name());
  }
  v1::ListLinksRequest links;
  links.set_parent(ann);
  v1::ListLinksResponse listed;
  ASSERT_TRUE(one_.Links()->ListLinks(Context().get(), links, &listed).ok());
  ASSERT_EQ(listed.links_size(), 1);
  EXPECT_EQ(listed.links(0).rule_version(), "command");
  EXPECT_EQ(listed.links(0).actor(), "staff");
  EXPECT_TRUE(Explains("card:ann", "customer:bob", "LINKED"));
}

}  // namespace
}  // namespace regulars::identity
