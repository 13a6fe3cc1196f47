// What must hold when no message is on its way, computed in another way than the service does: an
// offline union-find over the evidence of the touches, a search over recorded edges, and counting.
// Thread-safety: none.
#ifndef REGULARS_TESTS_SIM_IDENTITY_AUDITOR_H_
#define REGULARS_TESTS_SIM_IDENTITY_AUDITOR_H_

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "regulars/identity/v1/identity_state.pb.h"
#include "tests/sim_identity/ledger.h"
#include "tests/sim_identity/workload.h"
#include "tests/sim_identity/world.h"

namespace regulars::sim_identity {

// What a reader sees of who is who: every identifier with its member, every fragment with its root.
// Left out: epochs, do-not-link, suppressed links and history, which grow by design.
std::string VisibleState(const World& world);

class Auditor {
 public:
  Auditor(World* world, const Workload& workload, const Ledger& ledger)
      : world_(*world), workload_(workload), ledger_(ledger) {
    Collect();
  }
  // Adds what is wrong to the world's violations.
  void Audit();

 private:
  struct Member {
    v1::MemberState root;
    std::vector<v1::MemberFragment> fragments;
    std::vector<v1::MemberEdge> edges;
    std::vector<v1::AbsorbedMember> names;
    std::vector<v1::DoNotLink> pairs;
  };
  void Collect();
  void Wrong(std::string text) { world_.Violation(std::move(text)); }
  const std::string& RootOfMember(const std::string& member);
  void NothingWaits();
  void AnchorsAndFragments();
  void RootsAreOldest();
  void EdgesHoldTogether();
  void SameAsUnionFind();
  void LimitsHold();
  void EvidenceIsExplained();
  void TouchesCountOnce();
  void PointsAreWhereTheirFragmentIs();

  World& world_;
  const Workload& workload_;
  const Ledger& ledger_;
  std::map<std::string, Member> members_;
  std::map<std::string, v1::IdentifierState> anchors_;     // by identifier key
  std::map<std::string, std::string> home_;                // fragment -> root that holds it
  std::set<std::pair<std::string, std::string>> revoked_;  // edges that splits took away
};

}  // namespace regulars::sim_identity

#endif  // REGULARS_TESTS_SIM_IDENTITY_AUDITOR_H_
