// Candidates through real servers, on two instances: members, blocks and the instance that is asked
// are in any of four shards.
#include "services/identity/shell/candidate_service.h"

#include <gtest/gtest.h>

#include <string>

#include "services/identity/shell/link_harness.h"

namespace regulars::identity {
namespace {

constexpr char kUuid[] = "00000000-0000-4000-8000-000000000001";

// "OK" or the reason.
std::string Told(const grpc::Status& status) {
  return status.ok() ? "OK" : ReasonOf(rpc::FromGrpc(status));
}

ingest::v1::ContactDetails Contact(const std::string& name) {
  ingest::v1::ContactDetails contact;
  contact.set_full_name(name);
  contact.set_phone("+8613912345670");
  contact.add_address_lines("12 Wynn Street");
  contact.set_city("Carlton");
  return contact;
}

class Candidates : public LinkServers {
 protected:
  v1::ListCandidatesResponse List(const std::string& member, const std::string& key = "tea-staff") {
    v1::ListCandidatesRequest request;
    request.set_parent(member);
    request.set_show_decided(true);
    v1::ListCandidatesResponse response;
    told_ = Told(Next().Candidates()->ListCandidates(Context(key).get(), request, &response));
    return response;
  }
  // Waits until the member lists the other one; the name of the candidate.
  std::string Found(const std::string& member) {
    std::string name;
    EXPECT_TRUE(Until([&] {
      const v1::ListCandidatesResponse listed = List(member);
      if (listed.candidates_size() == 1) name = listed.candidates(0).name();
      return !name.empty();
    })) << told_;
    return name;
  }
  template <typename Request>
  static Request Named(const std::string& name, const std::string& request_id) {
    Request request;
    request.set_name(name);
    request.set_request_id(request_id);
    return request;
  }
  std::string Confirm(const std::string& name, const std::string& request_id = "",
                      const std::string& key = "tea-staff") {
    const auto request = Named<v1::ConfirmCandidateRequest>(name, request_id);
    return Told(Next().Candidates()->ConfirmCandidate(Context(key).get(), request, &decided_));
  }
  std::string Reject(const std::string& name, const std::string& request_id = "",
                     const std::string& key = "tea-staff") {
    const auto request = Named<v1::RejectCandidateRequest>(name, request_id);
    return Told(Next().Candidates()->RejectCandidate(Context(key).get(), request, &decided_));
  }
  int Events(std::string_view type) const {
    int count = 0;
    for (int32_t shard = 0; shard < kTestShards; ++shard) {
      for (const auto& record :
           world_.log.ReadCommitted({"regulars.identity.events.v1.g1", shard})) {
        const auto event = events::FromHeaders(record.headers);
        count += event.ok() && event->type == type ? 1 : 0;
      }
    }
    return count;
  }
  Instance& Next() { return ++calls_ % 2 == 0 ? one_ : two_; }

  v1::Candidate decided_;
  std::string told_;
  int calls_ = 0;
};

TEST_F(Candidates, AreFoundListedAndConfirmed) {
  Touch("card:ann", Contact("Ann Wynn"));
  const std::string ann = MemberOf("card:ann");
  Touch("email:ann@example.com", Contact("Ann Wynn"));
  const std::string other = MemberOf("email:ann@example.com");
  ASSERT_NE(ann, other);
  const std::string name = Found(other);
  EXPECT_EQ(name, Cat(other, "/candidates/", ann.substr(ann.rfind('/') + 1)));
  EXPECT_EQ(List(other).candidates(0).verdict().band(), v1::CANDIDATE_BAND_STRONG);
  Found(ann);

  EXPECT_EQ(Confirm(name, kUuid, "tea-till"), "RIGHT_MISSING");
  EXPECT_EQ(Confirm(name, kUuid, "cafe-staff"), "POOL_MISMATCH");
  EXPECT_EQ(Confirm(name, "no uuid"), "REQUEST_ID_INVALID");
  EXPECT_EQ(Confirm(other, kUuid), "NAME_MALFORMED");
  EXPECT_EQ(Confirm(name, kUuid), "OK");
  EXPECT_EQ(decided_.decided_by(), "staff");
  EXPECT_EQ(Confirm(name, kUuid), "OK") << "a repeat";
  EXPECT_EQ(Reject(name, kUuid), "REQUEST_ID_CONFLICT");
  EXPECT_TRUE(Same("card:ann", "email:ann@example.com"));
  EXPECT_TRUE(Until([&] { return List(ann).candidates_size() == 0 && told_ == "OK"; }));
  EXPECT_TRUE(Until([&] { return List(other), told_ == "MEMBER_IS_ALIAS"; }));
}

TEST_F(Candidates, ThatAreRejectedStayTwoWhateverTouchesSay) {
  Touch("card:ann", Contact("Ann Wynn"));
  const std::string ann = MemberOf("card:ann");
  Touch("email:ann@example.com", Contact("Tom Wynn"));
  const std::string tom = MemberOf("email:ann@example.com");
  const std::string name = Found(ann);
  EXPECT_EQ(List(ann).candidates(0).verdict().band(), v1::CANDIDATE_BAND_REVIEW);
  EXPECT_EQ(Reject(name), "OK");
  EXPECT_EQ(Confirm(name), "CANDIDATE_DECIDED");
  EXPECT_TRUE(Until([&] {
    const v1::ListCandidatesResponse listed = List(tom);
    return listed.candidates_size() == 1 &&
           listed.candidates(0).decision() == v1::CANDIDATE_DECISION_REJECTED;
  }));
  Touch("card:ann email:ann@example.com");
  EXPECT_TRUE(Until([&] { return Events(events::kLinkSuppressed) > 0; }));
  EXPECT_NE(MemberOf("card:ann"), MemberOf("email:ann@example.com"));
}

TEST_F(Candidates, ListingNeedsTheRight_AndAPoolThatMatches) {
  Touch("card:ann", Contact("Ann Wynn"));
  const std::string ann = MemberOf("card:ann");
  List(ann, "tea-till");
  EXPECT_EQ(told_, "RIGHT_MISSING");
  List("pools/tea/members/m_00000000000000000000000000");
  EXPECT_EQ(told_, "MEMBER_UNKNOWN");
  List(ann);
  EXPECT_EQ(told_, "OK");
  List(Cat(ann, "/candidates"));
  EXPECT_EQ(told_, "NAME_MALFORMED");
}

}  // namespace
}  // namespace regulars::identity
