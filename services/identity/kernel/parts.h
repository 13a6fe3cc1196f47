// How a member is taken apart. Edges between the named fragments and the others are taken away;
// what then hangs together is a part. A part that holds the first fragment of an absorbed member is
// that member again (of several the oldest), one that holds none gets a new id. Thread-safety:
// pure.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_PARTS_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_PARTS_H_

#include <set>
#include <string>
#include <vector>

#include "regulars/identity/v1/identity_state.pb.h"
#include "services/identity/kernel/member_book.h"
#include "services/identity/kernel/step.h"

namespace regulars::identity {

struct Part {
  std::string member;  // empty until minted
  v1::BirthOrder birth;
  uint32_t epoch = 0;
  uint32_t link_epoch = 0;
  std::string first_fragment;
  std::vector<v1::MemberFragment> fragments;
  std::vector<v1::MemberEdge> edges;
  std::vector<v1::AbsorbedMember> names;   // without the one that is its member
  std::set<std::string> origins;           // members of which it has something
  std::vector<v1::AbsorbedMember> follow;  // of `names`: whose parent is another one now
};

struct SplitPlan {
  std::vector<Part> parts;  // the first is what remains of the member itself
  std::vector<v1::MemberEdge> revoked;
};

// `apart`: fragments that leave. A plan with one part: there is nothing to split.
SplitPlan PlanSplit(const MemberBook& book, const std::set<std::string>& apart, Micros now_us);

// What SplitCommitted will say.
v1::SplitCommitted DescribeSplit(const MemberBook& book, const SplitPlan& plan,
                                 const std::string& split_id, const std::string& actor,
                                 Micros now_us);

// Carries the plan out at the member: other parts are sent off, what went is remembered, every two
// parts are kept apart from now on. Publishes `split`.
void CarryOutSplit(Step* step, MemberBook* book, const SplitPlan& plan,
                   const v1::SplitCommitted& split);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_PARTS_H_
