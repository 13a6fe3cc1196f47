// One input of the link protocol while it is applied: the state of its entity, where it stands in
// the log, and what it sends. Thread-safety: none; lives for one input.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_STEP_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_STEP_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/base/time.h"
#include "regulars/identity/v1/identity_links.pb.h"
#include "services/identity/kernel/draft.h"
#include "services/identity/kernel/link_rules.h"

namespace regulars::identity {

// What became of a message; the label of the metric. No value is a refusal: a command has its own
// (link_commands.h).
enum class LinkOutcome : uint8_t {
  kAnchored,    // an identifier got its first member
  kIgnored,     // older than what is known, or known already
  kForwarded,   // went on to the member that it is about by now
  kWaits,       // for an answer or a message that overtook nobody yet
  kRecorded,    // a fragment or an edge was added
  kAsked,       // the next step of a link was sent
  kRestarted,   // the graph changed meanwhile; the link starts anew
  kStopped,     // a rule stopped it
  kMerged,      // two members are one
  kReanchored,  // an identifier follows its member
  kExpelled,    // an identifier became a member of its own
  kContested,   // an identifier was taken from its member or lost trust
  kRecycled,    // an identifier was given to somebody else
  kDetached,    // a fragment stays, its identifier left
  kRevived,     // a part of a split is a root
  kSettled,     // identifiers were told
  kResolved,    // a touch of an object has its member
  kReturned,    // a touch of an object goes back to its pivot
  kDuplicate,   // a touch of an object was reported before
};

std::string_view OutcomeLabel(LinkOutcome outcome);

class Step {
 public:
  // `origin` is unique among the inputs of the service: ids of messages are made of it.
  struct Where {
    std::string pool;
    std::string entity;
    std::string origin;
    Micros now_us = 0;
    int32_t partition = -1;
    int64_t offset = -1;
  };
  Step(const shard::EntityState& base, Where where, const LinkRules* rules, shard::Effects* effects)
      : state(base), where_(std::move(where)), rules_(*rules), effects_(*effects) {}

  Draft state;

  const std::string& pool() const { return where_.pool; }
  const std::string& entity() const { return where_.entity; }
  Micros now_us() const { return where_.now_us; }
  const LinkRules& rules() const { return rules_; }

  void Send(std::string_view to, const v1::LinkMessage& message);
  // Says when a new member is minted here; `part` tells several of one input apart (>= 1).
  v1::BirthOrder BirthHere(int64_t part) const;
  void Event(std::string_view member, std::string_view type, std::string id,
             const google::protobuf::Message& event, Micros time_us);
  void Sum(std::string_view name, int64_t delta = 1);
  shard::Effects* effects() { return &effects_; }
  // Turns the changes of state into effects. Once, at the end.
  void Finish(LinkOutcome outcome);

 private:
  const Where where_;
  const LinkRules& rules_;
  shard::Effects& effects_;
  int sent_ = 0;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_STEP_H_
