// Candidates through the whole program: from what people say at a till to what somebody decides.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "services/identity/candidates/turn.h"
#include "services/identity/codec/candidates_town.h"
#include "services/identity/vault/erasure.h"

namespace regulars::identity {
namespace {

const Says kAnn = {"Ann Wynn", "+8613912345670", "12 Wynn Street", "Carlton"};
const Says kAnnAgain = {"Ann Wynn", "+8613912345670", "12 Wynn Street", "Carlton"};
const Says kAnnsSon = {"Tom Wynn", "", "12 Wynn Street", "Carlton"};
const Says kBob = {"Bob Jones", "+8613700000009", "9 Long Road", "Fitzroy"};

TEST(Candidates, ThreeBands) {
  CandidatesTown town;
  town.Touch("ann", kAnn);
  EXPECT_EQ(town.Candidates("ann"), "");
  town.Touch("bob", kBob);
  EXPECT_EQ(town.Candidates("bob"), "") << "nothing in common";
  town.Touch("ann2", kAnnAgain);
  town.Touch("son", kAnnsSon);
  EXPECT_EQ(town.Candidates("ann"), "ann2:strong son:review");
  EXPECT_EQ(town.Candidates("ann2"), "ann:strong son:review");
  EXPECT_EQ(town.Candidates("son"), "ann:review ann2:review");
  EXPECT_EQ(town.Candidates("bob"), "");
  EXPECT_EQ(town.sums["candidates_found"], 6) << "at both sides of three pairs";
  EXPECT_NE(town.LeadsTo("ann"), town.LeadsTo("ann2")) << "likeness alone merges nobody";
}

TEST(Candidates, AnswersSayWhyWithoutAnyValue) {
  CandidatesTown town;
  town.Touch("ann", kAnn);
  town.Touch("son", kAnnsSon);
  const shard::Reply told = town.Ask(candidates::kListCandidates, town.MemberOf("ann"), "");
  v1::ListCandidatesResponse response;
  ASSERT_TRUE(response.ParseFromString(told.payload));
  ASSERT_EQ(response.candidates_size(), 1);
  const v1::CandidateVerdict& verdict = response.candidates(0).verdict();
  EXPECT_EQ(verdict.reason(), "household");
  std::string levels;
  for (const v1::FieldAgreement& field : verdict.evidence()) {
    Append(&levels, field.field(), "=", field.level(), " ");
  }
  EXPECT_EQ(levels,
            "given_name=different surname=equal street_number=equal address_1=equal "
            "locality=equal ");
  for (const char* word : {"Ann", "ann", "Wynn", "wynn", "13912345670", "Carlton"}) {
    EXPECT_FALSE(town.IsReadable(word)) << word;
  }
}

TEST(Candidates, AVerdictFollowsTheContactData) {
  CandidatesTown town;
  town.Touch("ann", kAnn);
  town.Touch("son", kAnnsSon);
  ASSERT_EQ(town.Candidates("ann"), "son:review");
  town.Touch("son", {"Ann Wynn", "+8613912345670", "", ""});
  EXPECT_EQ(town.Candidates("ann"), "son:strong");
  EXPECT_EQ(town.Candidates("son"), "ann:strong");
  town.Touch("son", {"Tim Smith", "+8613700000001", "1 Park Lane", "Perth"});
  EXPECT_EQ(town.Candidates("ann"), "");
  EXPECT_EQ(town.Candidates("son"), "");
  town.Touch("son", {"Tim Smith", "", "", ""});
  EXPECT_EQ(town.outcomes["withdrawn"], 2);
}

TEST(Candidates, ConfirmingMergesByTheSameWayAsEveryLink) {
  CandidatesTown town;
  town.Touch("ann", kAnn);
  town.Touch("ann2", kAnnAgain);
  town.Touch("son", kAnnsSon);
  EXPECT_EQ(town.Confirm("ann2", "ann", /*dry=*/true), "OK");
  EXPECT_EQ(town.Candidates("ann2"), "ann:strong son:review") << "a dry run changes nothing";
  EXPECT_EQ(town.Confirm("ann2", "ann"), "OK");
  v1::Candidate decided;
  ASSERT_TRUE(decided.ParseFromString(town.reply.payload));
  EXPECT_EQ(decided.decision(), v1::CANDIDATE_DECISION_CONFIRMED);
  EXPECT_EQ(decided.decided_by(), "k7");
  EXPECT_EQ(town.LeadsTo("ann2"), town.MemberOf("ann")) << "the older one survives";
  EXPECT_EQ(town.Candidates("ann2"), "MEMBER_IS_ALIAS");
  EXPECT_EQ(town.Candidates("ann"), "son:review") << "the pair is gone with its younger member";
  EXPECT_EQ(town.Candidates("son"), "ann:review");
  EXPECT_EQ(town.BlocksOf("ann2"), 0);
  EXPECT_GT(town.BlocksOf("ann"), 0);
  EXPECT_EQ(town.sums["members_merged"], 1);
}

TEST(Candidates, RejectingKeepsThemApart) {
  CandidatesTown town;
  town.Touch("ann", kAnn);
  town.Touch("son", kAnnsSon);
  EXPECT_EQ(town.Reject("ann", "son", /*dry=*/true), "OK");
  EXPECT_EQ(town.Candidates("son"), "ann:review");
  EXPECT_EQ(town.Reject("ann", "son"), "OK");
  EXPECT_EQ(town.Reject("ann", "son"), "OK") << "a repeat answers as the first time";
  EXPECT_EQ(town.sums["candidates_rejected"], 1);
  EXPECT_EQ(town.Candidates("ann"), "son:review-");
  EXPECT_EQ(town.Candidates("son"), "ann:review-") << "the other side is told";
  EXPECT_EQ(town.Confirm("son", "ann"), "CANDIDATE_DECIDED");
  town.Touch("son", {"Ann Wynn", "+8613912345670", "", ""});
  EXPECT_EQ(town.Candidates("son"), "ann:review-") << "a decision outlives new contact data";
  EXPECT_NE(town.LeadsTo("ann"), town.LeadsTo("son"));
}

TEST(Candidates, WhoWasSplitIsNotProposedAgain) {
  CandidatesTown town;
  town.Touch("ann", kAnn);
  town.Touch("ann2", kAnnAgain);
  ASSERT_EQ(town.Confirm("ann", "ann2"), "OK");
  ASSERT_EQ(town.LeadsTo("ann2"), town.MemberOf("ann"));
  ASSERT_EQ(town.Split("ann2"), "OK");
  ASSERT_EQ(town.LeadsTo("ann2"), town.MemberOf("ann2"));
  EXPECT_EQ(town.BlocksOf("ann2"), 0) << "until contact data is reported again";
  town.Touch("ann2", kAnnAgain);
  EXPECT_GT(town.BlocksOf("ann2"), 0);
  EXPECT_GT(town.outcomes["kept_apart"], 0);
  EXPECT_EQ(town.Candidates("ann"), "");
  EXPECT_EQ(town.Candidates("ann2"), "");
  town.Touch("son", kAnnsSon);
  EXPECT_EQ(town.Candidates("ann2"), "son:review");
}

TEST(Candidates, WhenTheDayIsDestroyedNothingIsCompared) {
  CandidatesTown town;
  town.Touch("ann", kAnn);
  town.hold = true;
  town.Touch("ann2", kAnnAgain);
  while (town.outcomes["asked"] == 0) town.DeliverSome(1);
  const vault::TestKeys later(vault::KeyLine("k1", 'k'),
                              vault::KeyLine("transport/2026-11-24", 'u'));
  town.program = std::make_unique<IdentityProgram>(CandidatesTown::Options(later));
  town.Deliver();
  EXPECT_GT(town.sums["comparisons_unreadable"], 0);
  EXPECT_EQ(town.Candidates("ann"), "");
}

TEST(Candidates, ContradictoryDecisionsAtOnce_LeaveThePairRejectedOnBothSides) {
  CandidatesTown town;
  town.Touch("ann", kAnn);
  town.Touch("ann2", kAnnAgain);
  town.hold = true;
  EXPECT_EQ(town.Reject("ann", "ann2"), "OK");
  EXPECT_EQ(town.Confirm("ann2", "ann"), "OK");
  town.Deliver();
  EXPECT_EQ(town.Candidates("ann"), "ann2:strong-");
  EXPECT_EQ(town.Candidates("ann2"), "ann:strong-");
  EXPECT_NE(town.LeadsTo("ann"), town.LeadsTo("ann2"));
}

TEST(Candidates, RefusalsInOrderOfPrecedence) {
  CandidatesTown town;
  town.Touch("ann", kAnn);
  town.Touch("ann2", kAnnAgain);
  town.Touch("bob", kBob);
  town.Touch("gone", kAnn);
  ASSERT_EQ(town.Erase("gone"), "OK");
  v1::ConfirmCandidateRequest request;
  for (const char* name : {"", "pools/tea/members/m_1", "pools/tea/members/m_1/candidates/x"}) {
    request.set_name(name);
    EXPECT_EQ(town.Command(candidates::kConfirmCandidate, town.MemberOf("ann"), request),
              "NAME_MALFORMED");
  }
  EXPECT_EQ(town.Confirm("nobody", "ann"), "MEMBER_UNKNOWN");
  EXPECT_EQ(town.Confirm("gone", "ann"), "MEMBER_ERASED");
  EXPECT_EQ(town.Confirm("ann", "bob"), "CANDIDATE_UNKNOWN");
  EXPECT_EQ(town.Confirm("ann", "ann"), "CANDIDATE_UNKNOWN");
  EXPECT_EQ(town.Candidates("nobody"), "MEMBER_UNKNOWN");
  EXPECT_EQ(town.Candidates("gone"), "MEMBER_ERASED");
  v1::ListCandidatesRequest list;
  list.set_page_size(-1);
  EXPECT_EQ(
      town.Ask(candidates::kListCandidates, town.MemberOf("ann"), list.SerializeAsString()).reason,
      "PAGE_SIZE_INVALID");
  list.set_page_size(1);
  list.set_page_token("2");
  EXPECT_EQ(
      town.Ask(candidates::kListCandidates, town.MemberOf("ann"), list.SerializeAsString()).reason,
      "PAGE_TOKEN_INVALID");
  town.Confirm("ann", "ann2");
  EXPECT_EQ(town.Confirm("ann2", "ann"), "MEMBER_IS_ALIAS");
}

TEST(Candidates, OffUnlessThePoolHasAMatcher_AndLinks_AndHasKeys) {
  const std::function<void(IdentityOptions*)> rows[] = {
      [](IdentityOptions* options) { options->matchers.clear(); },
      [](IdentityOptions* options) { options->pool_links.clear(); },
      [](IdentityOptions* options) { options->vault_keys.clear(); }};
  for (const auto& change : rows) {
    CandidatesTown town(change);
    town.Touch("ann", kAnn);
    town.Touch("ann2", kAnnAgain);
    EXPECT_EQ(town.Candidates("ann"), "MATCHING_OFF");
    EXPECT_EQ(town.Confirm("ann", "ann2"), "MATCHING_OFF");
    EXPECT_EQ(town.BlocksOf("ann"), 0);
  }
}

TEST(Candidates, AnErasedMemberLeavesBlocksAndCandidates_AlsoWhenMatchingIsOffByThen) {
  for (const bool off : {false, true}) {
    CandidatesTown town;
    town.Touch("ann", kAnn);
    town.Touch("ann2", kAnnAgain);
    town.Touch("son", kAnnsSon);
    ASSERT_EQ(town.Candidates("son"), "ann:review ann2:review");
    ASSERT_GT(town.BlocksOf("ann"), 0);
    if (off) {
      IdentityOptions options = CandidatesTown::Options(town.keys);
      options.matchers.clear();
      town.program = std::make_unique<IdentityProgram>(options);
    }
    EXPECT_EQ(town.Erase("ann"), "OK");
    if (off) town.program = std::make_unique<IdentityProgram>(CandidatesTown::Options(town.keys));
    EXPECT_EQ(town.BlocksOf("ann"), 0);
    EXPECT_EQ(town.states[town.MemberOf("ann")].size(), 1U) << "the tombstone";
    EXPECT_EQ(town.Candidates("ann2"), "son:review");
    EXPECT_EQ(town.Candidates("son"), "ann2:review");
  }
}

TEST(Candidates, AComparisonThatComesAfterTheErasureLeavesNothing) {
  CandidatesTown town;
  town.Touch("ann", kAnn);
  town.hold = true;
  town.Touch("ann2", kAnnAgain);
  // Until ann2 has asked ann, who has not looked yet.
  while (town.outcomes["asked"] == 0) town.DeliverSome(1);
  EXPECT_EQ(town.Erase("ann"), "OK");
  town.Deliver();
  EXPECT_EQ(town.states[town.MemberOf("ann")].size(), 1U);
  EXPECT_EQ(town.Candidates("ann2"), "");
}

TEST(Candidates, OneMoreThanABlockHolds_AndItSaysNothingAboutAnybody) {
  CandidatesTown town;
  const auto family = [&](int i) {
    return Says{"", "", "12 Wynn Street",
                Cat("Town", std::string(1, static_cast<char>('a' + i % 26)))};
  };
  for (int i = 0; i < candidates::kBlockMembersMax; ++i) town.Touch(Cat("p", i), family(i));
  EXPECT_EQ(town.BlocksOf("p0"), 1);
  EXPECT_EQ(town.sums["blocks_full"], 0);
  town.Touch("one-more", family(0));
  EXPECT_EQ(town.sums["blocks_full"], 1);
  EXPECT_EQ(town.BlocksOf("p0"), 0);
  EXPECT_EQ(town.BlocksOf("one-more"), 0);
  town.Touch("another", family(0));
  EXPECT_EQ(town.sums["blocks_full"], 1);
  EXPECT_EQ(town.Erase("p0"), "OK");
}

TEST(Candidates, OneMoreThanAMemberHolds_IsNotKeptByEither) {
  CandidatesTown town;
  const int max = static_cast<int>(candidates::kCandidatesMax);
  town.Touch("ann", kAnn);
  for (int i = 0; i <= max; ++i) town.Touch(Cat("p", i), kAnnAgain);
  v1::ListCandidatesRequest request;
  request.set_page_size(20);
  std::vector<int> pages;
  do {
    v1::ListCandidatesResponse response;
    ASSERT_TRUE(response.ParseFromString(
        town.Ask(candidates::kListCandidates, town.MemberOf("ann"), request.SerializeAsString())
            .payload));
    pages.push_back(response.candidates_size());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, (std::vector<int>{20, max - 20}));
  EXPECT_GT(town.sums["candidates_no_room"], 0);
  EXPECT_EQ(town.Candidates(Cat("p", max)).find("ann:"), std::string::npos);
}

// Whatever order messages of different receivers come in, both sides of every pair end with what
// their newest contact data says.
TEST(Candidates, EveryInterleavingEndsInTheSamePairs) {
  const std::vector<std::pair<std::string, Says>> script = {
      {"ann", kAnn},       {"ann2", kAnnsSon}, {"son", kAnnsSon},
      {"ann2", kAnnAgain}, {"bob", kBob},      {"son", kBob},
      {"ann", kAnnAgain},  {"son", kAnnsSon},  {"bob", {"Bobby Jones", "+8613700000009", "", ""}}};
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    CandidatesTown town;
    for (const char* person : {"ann", "ann2", "son", "bob"}) town.Touch(person, {});
    town.hold = true;
    for (const auto& [person, says] : script) {
      town.Touch(person, says);
      // Part of what waits is delivered before the next touch.
      town.DeliverSome(random() % 12, [&](size_t count) { return random() % count; });
    }
    town.Deliver([&](size_t count) { return random() % count; });
    EXPECT_EQ(town.Candidates("ann"), "ann2:strong son:review") << seed;
    EXPECT_EQ(town.Candidates("ann2"), "ann:strong son:review") << seed;
    EXPECT_EQ(town.Candidates("son"), "ann:review ann2:review") << seed;
    EXPECT_EQ(town.Candidates("bob"), "") << seed;
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace regulars::identity
