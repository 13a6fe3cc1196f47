// Records, commands and queries of identity, in a pool that links. What identity says to itself is
// not played: a message that it never wrote breaks its invariants, as it should.
#include <string>
#include <string_view>
#include <vector>

#include "libs/events/types.h"
#include "libs/model/identifier.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/identity/v1/identity_links.pb.h"
#include "regulars/identity/v1/link_service.pb.h"
#include "regulars/ingest/v1/ingest_events.pb.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/codec/link_queries.h"
#include "tests/fuzz/shard.h"

namespace regulars::fuzz {
namespace {

const std::string& Hmac() {
  static const auto* const hmac = new std::string(model::kIdentifierHmacBytes, 'h');
  return *hmac;
}

const Menu& All() {
  static const auto* const pivot = new std::string(model::IdentifierKey(Hmac()));
  static const auto* const menu =
      new Menu{{events::kTouchReceived, events::kIdentifierAnchored},
               {identity::kMergeMembers, identity::kSplitMember, identity::kUndoMerge},
               {identity::kLookupMember, identity::kGetMember, identity::kGetMemberFull,
                identity::kSummarizeMember, identity::kListMerges, identity::kListLinks,
                identity::kListSuppressedLinks, identity::kDescribeAnchor, identity::kDescribePair},
               {*pivot, kMember, "i_other"}};
  return *menu;
}

}  // namespace

void One(std::string_view input) {
  static const auto* const program = new identity::IdentityProgram([] {
    identity::IdentityOptions options;
    options.links.enabled = true;
    return options;
  }());
  Play(*program, All(), input);
}

std::vector<std::string> Seeds() {
  using shard::InputKind;
  ingest::v1::TouchReceived received;
  ingest::v1::Touch* touch = received.mutable_touch();
  touch->set_touch_id("t_1");
  touch->set_source("till:shop7");
  touch->set_native_id("n1");
  touch->set_occurred_us(kStartUs);
  touch->set_channel("store");
  auto* person = touch->add_identifiers();
  person->set_type("card");
  person->set_hmac(Hmac());
  person->set_class_(types::v1::IDENTIFIER_CLASS_UNIQUE);
  touch->mutable_body()->mutable_order_paid()->set_order_id("A1");
  identity::v1::IdentifierAnchored anchored;
  anchored.set_member(std::string(kMember));
  anchored.set_fragment_id("f_1");
  *anchored.mutable_identifier() = *person;
  const std::string touches = Step(InputKind::kRecord, 0, 0, received.SerializeAsString());
  identity::v1::SplitMemberCommand split;
  split.add_identifier_hmacs(Hmac());
  split.set_operation_id("op");
  identity::v1::ListMergesRequest list;
  list.set_page_size(1);
  const std::string born = Step(InputKind::kRecord, 1, 1, anchored.SerializeAsString());
  return {born + std::string(Step(InputKind::kCommand, 1, 1, split.SerializeAsString())) +
              std::string(Step(InputKind::kQuery, 4, 1, list.SerializeAsString())),
          touches + touches + std::string(Later(255)) + touches,
          std::string(Step(InputKind::kRecord, 1, 1, anchored.SerializeAsString())) +
              std::string(Step(InputKind::kQuery, 1, 1, "")),
          touches + std::string(Step(InputKind::kQuery, 0, 0, ""))};
}

}  // namespace regulars::fuzz
