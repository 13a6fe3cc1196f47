#include "services/identity/codec/touch_codec.h"

#include <string_view>
#include <utility>

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/ingest/v1/ingest_events.pb.h"

namespace regulars::identity {
namespace {

using ingest::v1::Touch;
using ingest::v1::TouchBody;

// The scope of an order that names none is its reporter.
std::string_view ScopeOf(std::string_view order_scope, const Touch& touch) {
  return order_scope.empty() ? std::string_view(touch.source()) : order_scope;
}

Fact FactOf(const Touch& touch) {
  Fact fact;
  switch (touch.body().kind_case()) {
    case TouchBody::kOrderPaid: {
      const ingest::v1::OrderPaid& order = touch.body().order_paid();
      fact.key = OrderKey(ScopeOf(order.order_scope(), touch), order.order_id());
      fact.amount_minor = order.amount_minor();
      fact.currency_code = order.currency_code();
      break;
    }
    case TouchBody::kOrderRefunded: {
      const ingest::v1::OrderRefunded& refund = touch.body().order_refunded();
      fact.key =
          RefundKey(ScopeOf(refund.order_scope(), touch), refund.order_id(), refund.refund_id());
      fact.amount_minor = refund.amount_minor();
      fact.currency_code = refund.currency_code();
      fact.whole_order = refund.whole_order();
      break;
    }
    case TouchBody::kCodeScanned:
      fact.key = CodeKey(touch.body().code_scanned().code_hmac());
      break;
    default:
      break;
  }
  return fact;
}

template <typename Order>
bool IsName(const Order& order) {
  return model::IsPlainText(order.order_scope()) && model::IsPlainText(order.order_id());
}

// What is wrong with a touch that ingest would never have written. "" = nothing.
std::string_view Malformed(std::string_view pivot_key, const Touch& touch) {
  if (touch.touch_id().size() != model::kHashedIdBytes) return "touch id malformed";
  if (touch.source().empty() || touch.native_id().empty()) return "source or native id missing";
  // They become ids of events, which hold no control characters.
  if (!model::IsPlainText(touch.touch_id())) return "touch id malformed";
  if (!model::IsPlainText(touch.source())) return "source malformed";
  if (!IsValidInstant(touch.occurred_us())) return "time out of range";
  if (touch.pivot_index() >= static_cast<uint32_t>(touch.identifiers_size())) {
    return "pivot missing";
  }
  const types::v1::Identifier& pivot = touch.identifiers(static_cast<int>(touch.pivot_index()));
  if (pivot.hmac().size() != model::kIdentifierHmacBytes) return "pivot malformed";
  if (model::IdentifierKey(pivot.hmac()) != pivot_key) return "record is not keyed by its pivot";
  switch (touch.body().kind_case()) {
    case TouchBody::KIND_NOT_SET:
      return "body missing";
    case TouchBody::kOrderPaid:
      if (touch.body().order_paid().order_id().empty()) return "order id missing";
      if (!IsName(touch.body().order_paid())) return "order id malformed";
      if (touch.body().order_paid().amount_minor() < 0) return "amount negative";
      break;
    case TouchBody::kOrderRefunded:
      if (touch.body().order_refunded().order_id().empty()) return "order id missing";
      if (!IsName(touch.body().order_refunded()) ||
          !model::IsPlainText(touch.body().order_refunded().refund_id())) {
        return "refund id malformed";
      }
      if (touch.body().order_refunded().refund_id().empty()) return "refund id missing";
      if (touch.body().order_refunded().amount_minor() < 0) return "amount negative";
      break;
    case TouchBody::kCodeScanned:
      if (touch.body().code_scanned().code_hmac().size() != model::kIdentifierHmacBytes) {
        return "code malformed";
      }
      break;
    default:
      break;
  }
  return "";
}

// Without what differs between two reports of one event: time of receipt, nonces of sealed parts.
uint64_t ContentHash(const Touch& touch) {
  std::string text = touch.body().SerializeAsString();
  Append(&text, "@", touch.occurred_us());
  return Xxh3(text);
}

// The order or code that the touch is about, as an identifier; nullptr if it names none.
const types::v1::Identifier* ObjectOf(const Touch& touch) {
  std::string_view type;
  switch (touch.body().kind_case()) {
    case TouchBody::kOrderPaid:
    case TouchBody::kOrderRefunded:
    case TouchBody::kReview:
      type = "order";
      break;
    case TouchBody::kCodeScanned:
      type = "code";
      break;
    default:
      return nullptr;
  }
  for (const types::v1::Identifier& id : touch.identifiers()) {
    if (id.class_() == types::v1::IDENTIFIER_CLASS_OBJECT && id.type() == type &&
        id.hmac().size() == model::kIdentifierHmacBytes) {
      return &id;
    }
  }
  return nullptr;
}

// What the kernel needs to know of a touch, and the touch as it goes downstream.
void TakeTouch(const shard::Input& input, Touch touch, bool linking, TouchBodyOfInput* body) {
  body->contact =
      vault::ContactOf(touch.has_contact() ? &touch.contact() : nullptr, touch.identifiers());
  TouchFacts& facts = body->facts;
  facts.pool = input.pool;
  facts.pivot_key = input.entity;
  const auto pivot = static_cast<int>(touch.pivot_index());
  if (linking) {
    if (const auto* object = ObjectOf(touch); object != nullptr) facts.object = *object;
    for (int i = 0; i < touch.identifiers_size(); ++i) {
      if (i != pivot && touch.identifiers(i).hmac().size() == model::kIdentifierHmacBytes) {
        facts.others.push_back(touch.identifiers(i));
      }
    }
  }
  facts.pivot = std::move(*touch.mutable_identifiers(pivot));
  facts.touch_id = touch.touch_id();
  facts.occurred_us = touch.occurred_us();
  facts.fact = FactOf(touch);
  if (facts.fact.key.empty()) facts.content_hash = ContentHash(touch);
  facts.partition = input.partition;
  facts.offset = input.offset;
  touch.clear_identifiers();
  touch.clear_pivot_index();
  touch.clear_contact();
  body->touch = std::move(touch);
}

// The inverse for identifiers (the pivot first) and contact.
void Restore(const TouchBodyOfInput& body, Touch* touch) {
  const TouchFacts& facts = body.facts;
  *touch->add_identifiers() = facts.pivot;
  for (const types::v1::Identifier& other : facts.others) *touch->add_identifiers() = other;
  touch->set_pivot_index(0);
  if (body.contact.contact.has_value()) *touch->mutable_contact() = *body.contact.contact;
}

void Add(shard::Effects* effects, std::string_view kind, const std::string& member,
         std::string_view type, std::string id, std::string payload, Micros time_us) {
  effects->publishes.push_back(
      {std::string(kind), member, std::string(type), std::move(id), std::move(payload), time_us});
}

}  // namespace

TouchBodyOfInput DecodeTouch(const shard::Input& input, bool linking) {
  TouchBodyOfInput body;
  ingest::v1::TouchReceived received;
  if (!received.ParseFromString(input.payload)) {
    body.malformed = "not a TouchReceived";
    return body;
  }
  Touch& touch = *received.mutable_touch();
  body.malformed = Malformed(input.entity, touch);
  if (!body.malformed.empty()) return body;
  TakeTouch(input, std::move(touch), linking, &body);
  if (body.facts.object.has_value()) {
    // It travels as it came: its pivot may have to claim the others later.
    *body.travelling.mutable_touch() = body.touch;
    Restore(body, body.travelling.mutable_touch());
  }
  return body;
}

TouchBodyOfInput DecodeTravelling(const shard::Input& input, v1::ObjectTouch travelling) {
  TouchBodyOfInput body;
  const Touch& touch = travelling.touch();
  if (touch.identifiers_size() == 0) {
    body.malformed = "pivot missing";
    return body;
  }
  const std::string pivot_key =
      model::IdentifierKey(touch.identifiers(static_cast<int>(touch.pivot_index())).hmac());
  body.malformed = Malformed(pivot_key, touch);
  if (!body.malformed.empty()) return body;
  TakeTouch(input, touch, true, &body);
  body.facts.pivot_key = pivot_key;
  body.travelling = std::move(travelling);
  return body;
}

void PublishBirth(const TouchBodyOfInput& body, const v1::IdentifierState& anchor,
                  shard::Effects* effects) {
  const std::string& member = anchor.member();
  const Micros time_us = body.facts.occurred_us;
  v1::MemberCreated created;
  created.set_member(member);
  created.set_fragment_id(anchor.fragment_id());
  *created.mutable_birth() = anchor.birth();
  *created.mutable_anchor() = anchor.identifier();
  Add(effects, events::kEventsKind, member, events::kMemberCreated, Cat("created/", member),
      created.SerializeAsString(), time_us);

  v1::IdentifierAnchored anchored;
  anchored.set_member(member);
  anchored.set_fragment_id(anchor.fragment_id());
  *anchored.mutable_birth() = anchor.birth();
  *anchored.mutable_identifier() = anchor.identifier();
  anchored.set_first_seen_us(anchor.first_seen_us());
  anchored.set_anchor_epoch(anchor.anchor_epoch());
  Add(effects, events::kLinksKind, member, events::kIdentifierAnchored,
      Cat("anchored/", anchor.fragment_id()), anchored.SerializeAsString(), time_us);
}

void PublishResolved(const TouchBodyOfInput& body, const Resolution& resolution,
                     shard::Effects* effects) {
  const v1::IdentifierState& anchor = resolution.anchor;
  const std::string& member = anchor.member();
  v1::MemberResolved resolved;
  resolved.set_member(member);
  resolved.set_fragment_id(anchor.fragment_id());
  *resolved.mutable_birth() = anchor.birth();
  resolved.set_is_new_member(resolution.is_new_member);
  *resolved.mutable_pivot() = body.facts.pivot;
  *resolved.mutable_touch() = body.touch;
  resolved.set_provisional(resolution.provisional);
  resolved.set_member_epoch(anchor.member_epoch());
  // The fact is the id where there is one: a second report of it under another touch id is no
  // event.
  const std::string& what = body.facts.fact.key.empty() ? body.facts.touch_id : body.facts.fact.key;
  Add(effects, events::kEventsKind, member, events::kMemberResolved,
      Cat("resolved/", anchor.fragment_id(), "/", what), resolved.SerializeAsString(),
      body.facts.occurred_us);
  vault::PublishContact(body.contact,
                        {.member = member,
                         .fragment_id = anchor.fragment_id(),
                         .touch_id = body.facts.touch_id,
                         .source = body.touch.source(),
                         .occurred_us = body.facts.occurred_us},
                        effects);
}

}  // namespace regulars::identity
