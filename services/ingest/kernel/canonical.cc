#include "services/ingest/kernel/canonical.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "libs/base/assert.h"
#include "libs/base/limits.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "libs/normalize/spelling.h"
#include "services/ingest/kernel/validate.h"

namespace regulars::ingest {
namespace {

using types::v1::Identifier;

Identifier Hashed(std::string_view type, std::string_view scope, std::string_view normal,
                  types::v1::IdentifierClass identifier_class, const IdentifierHasher& hasher) {
  Identifier id;
  id.set_type(std::string(type));
  id.set_scope(std::string(scope));
  id.set_hmac(hasher(type, scope, normal));
  id.set_class_(identifier_class);
  REGULARS_ASSERT(id.hmac().size() == model::kIdentifierHmacBytes, "hasher gave the wrong length");
  return id;
}

// Ids of business objects are keys of facts and of identifiers: one spelling for both.
void SpellObjects(v1::TouchBody* body) {
  const auto spell = [](std::string* id) {
    *id = normalize::SpellObject(*id, limits::kNativeIdMax);
  };
  switch (body->kind_case()) {
    case v1::TouchBody::kOrderPaid:
      return spell(body->mutable_order_paid()->mutable_order_id());
    case v1::TouchBody::kOrderRefunded:
      spell(body->mutable_order_refunded()->mutable_order_id());
      return spell(body->mutable_order_refunded()->mutable_refund_id());
    case v1::TouchBody::kReview:
      return spell(body->mutable_review()->mutable_order_id());
    case v1::TouchBody::kCodeScanned:
      return spell(body->mutable_code_scanned()->mutable_code());
    default:
      return;
  }
}

// The business object that the body names: touches meet at it (class object).
void AddObject(const v1::TouchInput& input, const IdentifierHasher& hasher,
               std::vector<Identifier>* ids) {
  const auto add_order = [&](std::string_view scope, std::string_view order_id) {
    if (order_id.empty()) return;
    ids->push_back(Hashed("order", scope.empty() ? std::string_view(input.source()) : scope,
                          order_id, types::v1::IDENTIFIER_CLASS_OBJECT, hasher));
  };
  switch (input.body().kind_case()) {
    case v1::TouchBody::kOrderPaid:
      return add_order(input.body().order_paid().order_scope(),
                       input.body().order_paid().order_id());
    case v1::TouchBody::kOrderRefunded:
      return add_order(input.body().order_refunded().order_scope(),
                       input.body().order_refunded().order_id());
    case v1::TouchBody::kReview:
      return add_order(input.body().review().order_scope(), input.body().review().order_id());
    case v1::TouchBody::kCodeScanned:
      ids->push_back(Hashed("code", "", input.body().code_scanned().code(),
                            types::v1::IDENTIFIER_CLASS_OBJECT, hasher));
      return;
    default:
      return;
  }
}

// Order of strength; equal identifiers side by side, the verified one first.
bool Before(const Identifier& a, const Identifier& b) {
  const auto key = [](const Identifier& id) {
    return std::tuple<int, std::string_view, std::string_view, std::string_view, bool>(
        ClassRank(id.class_()), id.type(), id.scope(), id.hmac(), !id.verified());
  };
  return key(a) < key(b);
}

std::vector<Identifier> Identifiers(const v1::TouchInput& input, const NormalIdentifiers& normal,
                                    const IdentifierHasher& hasher) {
  std::vector<Identifier> ids;
  ids.reserve(normal.kept.size() + 1);
  for (const KeptIdentifier& kept : normal.kept) {
    const types::v1::ClearIdentifier& clear = input.identifiers(kept.index);
    Identifier id = Hashed(clear.type(), clear.scope(), kept.value, kept.identifier_class, hasher);
    if (clear.verified()) {
      id.set_verified(true);
      id.set_verified_by(clear.verified_by());
      if (clear.has_verify_time()) id.set_verify_time_us(*MicrosOf(clear.verify_time()));
    }
    ids.push_back(std::move(id));
  }
  AddObject(input, hasher, &ids);
  std::sort(ids.begin(), ids.end(), Before);
  ids.erase(
      std::unique(ids.begin(), ids.end(),
                  [](const Identifier& a, const Identifier& b) { return a.hmac() == b.hmac(); }),
      ids.end());
  return ids;
}

}  // namespace

CanonicalTouch Canonicalize(v1::TouchInput* input, const NormalIdentifiers& identifiers,
                            Micros received_us, const IdentifierHasher& hasher) {
  CanonicalTouch out;
  SpellObjects(input->mutable_body());
  std::vector<Identifier> ids = Identifiers(*input, identifiers, hasher);
  REGULARS_ASSERT(!ids.empty() && NamesPerson(ids.front().class_()), "touch was not validated");
  out.pivot_key = model::IdentifierKey(ids.front().hmac());

  v1::Touch& touch = *out.received.mutable_touch();
  touch.set_touch_id(model::TouchId(input->source(), input->native_id()));
  touch.set_occurred_us(*MicrosOf(input->occur_time()));
  touch.set_received_us(received_us);
  touch.mutable_identifiers()->Reserve(static_cast<int>(ids.size()));
  for (Identifier& id : ids) *touch.add_identifiers() = std::move(id);
  touch.set_pivot_index(0);
  touch.set_source(std::move(*input->mutable_source()));
  touch.set_native_id(std::move(*input->mutable_native_id()));
  touch.set_shop(std::move(*input->mutable_shop()));
  touch.set_brand(std::move(*input->mutable_brand()));
  touch.set_channel(std::move(*input->mutable_channel()));
  if (input->has_attribution())
    *touch.mutable_attribution() = std::move(*input->mutable_attribution());
  *touch.mutable_body() = std::move(*input->mutable_body());
  if (touch.body().has_code_scanned()) {
    v1::CodeScanned* scan = touch.mutable_body()->mutable_code_scanned();
    scan->set_code_hmac(hasher("code", "", scan->code()));
    scan->clear_code();
  }
  // A field that this version does not know may hold anything, also what must not be in the clear.
  touch.DiscardUnknownFields();
  return out;
}

}  // namespace regulars::ingest
