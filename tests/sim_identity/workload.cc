#include "tests/sim_identity/workload.h"

#include <algorithm>
#include <utility>

#include "libs/base/text.h"
#include "libs/base/time.h"
#include "libs/events/types.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "regulars/ingest/v1/ingest_events.pb.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/kernel/facts.h"

namespace regulars::sim_identity {
namespace {

using types::v1::Identifier;

types::v1::IdentifierClass ClassOf(const std::string& type) {
  if (type == "card") return types::v1::IDENTIFIER_CLASS_UNIQUE;
  if (type == "device") return types::v1::IDENTIFIER_CLASS_WEAK;
  if (type == "order") return types::v1::IDENTIFIER_CLASS_OBJECT;
  return types::v1::IDENTIFIER_CLASS_STRONG;
}

bool Before(const Identifier& a, const Identifier& b) {
  return std::make_tuple(static_cast<int>(a.class_()), a.type(), a.hmac()) <
         std::make_tuple(static_cast<int>(b.class_()), b.type(), b.hmac());
}

}  // namespace

Workload::Workload(World* world, uint64_t seed)
    : world_(world), rng_(seed ^ 0x77a11), pivot_rng_(seed ^ 0x9170) {
  for (int p = 0; p < world->shape().people; ++p) {
    std::vector<Identifier>& ids = people_.emplace_back();
    if (rng_.PerMille(600)) ids.push_back(Id("card", Cat("c", p), true));
    const int64_t more = 1 + rng_.Below(4);
    for (int64_t i = 0; i < more; ++i) {
      const char* type = std::array{"openid", "phone", "email"}[static_cast<size_t>(rng_.Below(3))];
      ids.push_back(Id(type, Cat(p, "/", i), true));
    }
    if (rng_.PerMille(300)) ids.push_back(Id("device", Cat("d", p), false));
  }
  const int64_t shared = rng_.Below(6);
  for (int64_t i = 0; i < shared; ++i) {
    shared_.push_back(Id(rng_.PerMille(700) ? "phone" : "device", Cat("shared", i), true));
  }
}

Identifier Workload::Id(const std::string& type, const std::string& value, bool verified) const {
  Identifier id;
  id.set_type(type);
  id.set_hmac((model::HashedId({type, value}) + std::string(32, '.')).substr(0, 32));
  id.set_class_(ClassOf(type));
  id.set_verified(verified && type != "order" && type != "device");
  return id;
}

void Workload::Feed(std::vector<Identifier> ids, const std::string& native_id,
                    const std::string& order) {
  std::sort(ids.begin(), ids.end(), Before);
  ids.erase(std::unique(ids.begin(), ids.end(),
                        [](const auto& a, const auto& b) { return a.hmac() == b.hmac(); }),
            ids.end());
  if (world_->shape().any_pivot && pivot_rng_.PerMille(500)) {
    const auto at = pivot_rng_.Below(static_cast<int64_t>(ids.size()));
    if (ids[static_cast<size_t>(at)].type() != "device") {
      std::rotate(ids.begin(), ids.begin() + at, ids.begin() + at + 1);
    }
  }
  Touched touched{ids, ""};
  ingest::v1::TouchReceived received;
  ingest::v1::Touch& touch = *received.mutable_touch();
  touch.set_touch_id(model::TouchId("till", native_id));
  touch.set_source("till");
  touch.set_native_id(native_id);
  touch.set_occurred_us(world_->now_us());
  touch.set_channel("store");
  for (const Identifier& id : ids) *touch.add_identifiers() = id;
  if (order.empty()) {
    touch.mutable_body()->mutable_visit()->set_place("hall");
    touched.fact = touch.touch_id();
  } else {
    touch.mutable_body()->mutable_order_paid()->set_order_id(order);
    touch.mutable_body()->mutable_order_paid()->set_amount_minor(100);
    *touch.add_identifiers() = Id("order", order, false);
    touched.fact = identity::OrderKey("till", order);
  }
  Message message{true, model::IdentifierKey(ids.front().hmac()),
                  std::string(events::kTouchReceived), touch.touch_id(),
                  received.SerializeAsString()};
  facts_.insert(touched.fact);
  touched_.push_back(std::move(touched));
  sent_.push_back(message);
  ++fed_;
  world_->Feed(std::move(message));
}

void Workload::FeedOne() {
  if (!sent_.empty() && rng_.PerMille(100)) {
    ++fed_;
    world_->Feed(sent_[static_cast<size_t>(rng_.Below(static_cast<int64_t>(sent_.size())))]);
    return;
  }
  std::vector<Identifier> pool =
      people_[static_cast<size_t>(rng_.Below(static_cast<int64_t>(people_.size())))];
  if (!shared_.empty() && rng_.PerMille(80)) {
    pool.push_back(shared_[static_cast<size_t>(rng_.Below(static_cast<int64_t>(shared_.size())))]);
  }
  std::vector<Identifier> ids;
  const int64_t count = 1 + rng_.Below(std::min<int64_t>(4, static_cast<int64_t>(pool.size())));
  while (static_cast<int64_t>(ids.size()) < count) {
    Identifier id = pool[static_cast<size_t>(rng_.Below(static_cast<int64_t>(pool.size())))];
    if (rng_.PerMille(50)) id.set_verified(false);
    ids.push_back(std::move(id));
  }
  std::string order;
  if (rng_.PerMille(300)) {
    // Two channels may report one order, under whatever identifiers they know.
    order = rng_.PerMille(250) && next_ > 3 ? Cat("o", rng_.Below(next_)) : Cat("o", next_);
  }
  Feed(std::move(ids), Cat("n", next_++), order);
}

void Workload::FeedWarm(const Identifier& id) { Feed({id}, Cat("warm", next_++), ""); }

void Workload::AskOne() {
  if (!unanswered_.has_value()) {
    const std::vector<std::string> members = AllMembers(*world_);
    if (members.size() < 2) return;
    const auto any = [&] {
      return members[static_cast<size_t>(rng_.Below(static_cast<int64_t>(members.size())))];
    };
    Asked asked{any(), "", "", Cat("op", asked_++)};
    const auto root = RootOf(*world_, asked.member);
    if (!root.has_value()) return;
    const int64_t kind = rng_.Below(3);
    if (kind == 0) {
      v1::MergeMembersCommand merge;
      merge.set_other_member(any());
      merge.mutable_other()->ParseFromString(
          world_->Query(identity::kSummarizeMember, merge.other_member()).payload);
      merge.set_operation_id(asked.id);
      asked.type = identity::kMergeMembers;
      asked.payload = merge.SerializeAsString();
    } else if (kind == 1) {
      v1::SplitMemberCommand split;
      for (const v1::MemberIdentifierState& known : root->identifiers()) {
        if (rng_.PerMille(500)) split.add_identifier_hmacs(known.identifier().hmac());
      }
      split.set_operation_id(asked.id);
      asked.type = identity::kSplitMember;
      asked.payload = split.SerializeAsString();
    } else {
      v1::UndoMergeCommand undo;
      const identity::MapState* state = world_->StateOf(asked.member);
      if (const auto name = state->Next("name/", "name/"); name.has_value()) {
        v1::AbsorbedMember absorbed;
        absorbed.ParseFromString(name->second);
        undo.set_merge_id(absorbed.merge_id());
      }
      undo.set_operation_id(asked.id);
      asked.type = identity::kUndoMerge;
      asked.payload = undo.SerializeAsString();
    }
    unanswered_ = std::move(asked);
  }
  const shard::Reply reply = world_->Ask(*unanswered_);
  if (reply.code == absl::StatusCode::kUnavailable) return;
  if (reply.code == absl::StatusCode::kOk && unanswered_->type != identity::kMergeMembers) {
    ++splits_;
  }
  // Now and then the answer is lost on the way and the same is asked again.
  if (!rng_.PerMille(200)) unanswered_.reset();
}

std::vector<std::string> AllMembers(const World& world) {
  std::set<std::string> members;
  for (int32_t shard = 0; shard < world.shape().shards; ++shard) {
    for (const auto& [entity, state] : world.states(shard)) {
      if (entity.starts_with("m_") && RootOf(world, entity).has_value()) members.insert(entity);
    }
  }
  return {members.begin(), members.end()};
}

std::optional<v1::MemberState> RootOf(const World& world, const std::string& member) {
  const identity::MapState* state = world.StateOf(member);
  if (state == nullptr) return std::nullopt;
  v1::MemberState root;
  root.ParseFromString(state->Get("member").value_or(""));
  if (!root.has_birth()) return std::nullopt;
  return root;
}

}  // namespace regulars::sim_identity
