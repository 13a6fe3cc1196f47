// Merge, split and undo through real servers: outcomes in order of precedence, on two instances.
#include "services/identity/shell/link_service.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "services/identity/shell/link_harness.h"

namespace regulars::identity {
namespace {

constexpr char kNobody[] = "pools/tea/members/m_00000000000000000000000000";

std::string Uuid(int n) { return Cat("00000000-0000-4000-8000-00000000000", n); }

// "OK" or the reason.
std::string Told(const grpc::Status& status) {
  return status.ok() ? "OK" : ReasonOf(rpc::FromGrpc(status));
}

class Links : public LinkServers {
 protected:
  struct Merge {
    std::string name, other;
    std::string request_id{};
    bool validate_only = false;
    bool override_do_not_link = false;
    std::string key{"tea-staff"};
  };
  // Asked of both instances in turn: whoever is asked, the answer is the owner's.
  std::string Ask(const Merge& row) {
    v1::MergeMembersRequest request;
    request.set_name(row.name);
    request.set_other(row.other);
    request.set_request_id(row.request_id);
    request.set_validate_only(row.validate_only);
    request.set_override_do_not_link(row.override_do_not_link);
    return Told(Next().Links()->MergeMembers(Context(row.key).get(), request, &merged_));
  }
  struct Split {
    std::string name;
    std::vector<std::string> identifiers{};
    std::string request_id{};
    bool validate_only = false;
    std::string key{"tea-staff"};
  };
  std::string Ask(const Split& row) {
    v1::SplitMemberRequest request;
    request.set_name(row.name);
    for (const std::string& text : row.identifiers) *request.add_identifiers() = Clear(text);
    request.set_request_id(row.request_id);
    request.set_validate_only(row.validate_only);
    return Told(Next().Links()->SplitMember(Context(row.key).get(), request, &split_));
  }
  std::string Undo(const std::string& member, const std::string& merge,
                   const std::string& request_id = "", bool validate_only = false,
                   const std::string& key = "tea-staff") {
    v1::UndoMergeRequest request;
    request.set_name(Cat(member, "/merges/", merge));
    request.set_request_id(request_id);
    request.set_validate_only(validate_only);
    return Told(Next().Links()->UndoMerge(Context(key).get(), request, &split_));
  }
  // A split is refused until the merge before it has settled.
  std::string Settled(const std::function<std::string()>& ask) {
    std::string told;
    EXPECT_TRUE(Until([&] { return (told = ask()) != "MERGE_IN_PROGRESS"; }));
    return told;
  }
  Instance& Next() { return ++calls_ % 2 == 0 ? one_ : two_; }

  v1::MergeMembersResponse merged_;
  v1::MemberSplit split_;
  int calls_ = 0;
};

TEST_F(Links, MergeIsRefusedInThisOrder) {
  Touch("card:ann");
  const std::string ann = MemberOf("card:ann");
  Touch("card:cid");
  const std::string cid = MemberOf("card:cid");
  const struct {
    Merge asked;
    std::string told;
  } rows[] = {
      {{ann, cid, "", false, false, ""}, "API_KEY_MISSING"},
      {{"pools/cafe/members/x", cid, "no", false, false, "tea-till"}, "POOL_MISMATCH"},
      {{"pools/tea/members/x", cid, "no", false, false, "tea-till"}, "RIGHT_MISSING"},
      {{"pools/tea/members/x", "x", "no"}, "NAME_MALFORMED"},
      {{ann, "x", "no"}, "NAME_MALFORMED"},
      {{ann, "pools/cafe/members/m_00000000000000000000000000", "no"}, "POOL_MISMATCH"},
      {{ann, ann, "no"}, "REQUEST_ID_INVALID"},
      {{"pools/cafe/members/m_00000000000000000000000000",
        "pools/cafe/members/m_00000000000000000000000001", "", false, false, "cafe-staff"},
       "LINKING_OFF"},
      {{kNobody, kNobody}, "MEMBER_UNKNOWN"},
      {{ann, ann}, "MERGE_WITH_ITSELF"},
      {{ann, kNobody}, "MEMBER_UNKNOWN"},
      {{ann, cid}, "LIMIT_BROKEN"},  // two cards
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Ask(row.asked), row.told) << row.asked.name << " " << row.asked.other;
  }
}

TEST_F(Links, MergeJoinsSplitPartsAndBothAreGivenBack) {
  Touch("card:ann email:ann@tea.example");
  const std::string ann = MemberOf("card:ann");
  ASSERT_TRUE(Same("card:ann", "email:ann@tea.example"));
  Touch("customer:bob");
  const std::string bob = MemberOf("customer:bob");

  EXPECT_EQ(Ask(Merge{bob, ann, Uuid(1), true}), "OK");
  EXPECT_EQ(merged_.survivor(), ann);  // the older one, whoever was named first
  EXPECT_EQ(Ask(Merge{bob, ann, Uuid(1)}), "OK");
  EXPECT_EQ(merged_.survivor(), ann);
  EXPECT_EQ(Ask(Merge{bob, ann, Uuid(1)}), "OK");  // the same operation once more
  EXPECT_EQ(Ask(Merge{bob, kNobody, Uuid(1)}), "REQUEST_ID_CONFLICT");
  ASSERT_TRUE(Same("card:ann", "customer:bob"));
  EXPECT_EQ(MemberOf("customer:bob"), ann);

  EXPECT_EQ(Ask(Merge{ann, bob}), "MERGE_WITH_ITSELF");
  EXPECT_EQ(Ask(Merge{bob, kNobody}), "MEMBER_IS_ALIAS");
  EXPECT_EQ(Ask(Split{bob, {"customer:bob"}}), "MEMBER_IS_ALIAS");
  EXPECT_EQ(Undo(bob, "none"), "MEMBER_IS_ALIAS");

  // The dry run says what the split will do and does nothing.
  EXPECT_EQ(Settled([&] { return Ask(Split{ann, {"customer:bob"}, Uuid(2), true}); }), "OK");
  ASSERT_EQ(split_.parts_size(), 2);
  EXPECT_EQ(split_.parts(1).member(), bob);
  ASSERT_EQ(split_.merge_ids_size(), 1);
  const std::string merge = split_.merge_ids(0);
  EXPECT_EQ(MemberOf("customer:bob"), ann);
  EXPECT_EQ(Undo(ann, "none"), "MERGE_UNKNOWN");
  EXPECT_EQ(Undo(ann, merge, Uuid(3)), "OK");
  EXPECT_EQ(split_.member(), ann);
  EXPECT_EQ(split_.parts(1).member(), bob);
  EXPECT_EQ(Undo(ann, merge, Uuid(3)), "OK");  // the same operation once more
  EXPECT_EQ(Undo(ann, merge, Uuid(4)), "MERGE_UNKNOWN");
  ASSERT_TRUE(Apart("card:ann", "customer:bob"));
  EXPECT_EQ(MemberOf("customer:bob"), bob);

  EXPECT_EQ(Ask(Merge{ann, bob}), "DO_NOT_LINK");
  EXPECT_EQ(Ask(Merge{ann, bob, "", false, true}), "OK");
  EXPECT_TRUE(Same("card:ann", "customer:bob"));
}

TEST_F(Links, SplitIsRefusedInThisOrder) {
  Touch("card:ann email:ann@tea.example");
  const std::string ann = MemberOf("card:ann");
  ASSERT_TRUE(Same("card:ann", "email:ann@tea.example"));
  const std::string mail = "email:ann@tea.example", bad = "Phone!:1";
  const std::vector<std::string> many(kSplitIdentifiersMax + 1, bad);
  const struct {
    Split asked;
    std::string told;
  } rows[] = {
      {{"pools/tea/members/x", {}, "no", false, "tea-till"}, "RIGHT_MISSING"},
      {{"pools/tea/members/x", {}, "no"}, "NAME_MALFORMED"},
      {{ann, {}, "no"}, "REQUEST_ID_INVALID"},
      {{ann, {}}, "IDENTIFIERS_MISSING"},
      {{ann, many}, "IDENTIFIERS_TOO_MANY"},
      {{ann, {mail, bad}}, "IDENTIFIER_INVALID"},
      {{kNobody, {mail}}, "MEMBER_UNKNOWN"},
      {{ann, {mail, "card:nobody"}}, "IDENTIFIER_NOT_AT_MEMBER"},
      {{ann, {mail, "card:ann"}}, "NOTHING_TO_SPLIT"},
      {{ann, {mail, mail}, Uuid(1)}, "OK"},  // named twice is named
      {{ann, {"card:ann"}, Uuid(1)}, "REQUEST_ID_CONFLICT"},
      {{ann, {mail}}, "IDENTIFIER_NOT_AT_MEMBER"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Ask(row.asked), row.told) << row.asked.name << " " << row.told;
  }
  ASSERT_EQ(split_.parts_size(), 2);
  EXPECT_TRUE(Apart("card:ann", mail));
  EXPECT_EQ(MemberOf(mail), split_.parts(1).member());  // a new member
}

}  // namespace
}  // namespace regulars::identity
