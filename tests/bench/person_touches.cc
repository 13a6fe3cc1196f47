#include "tests/bench/person_touches.h"

#include <utility>

#include "libs/base/text.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"

namespace regulars::bench {
namespace {

constexpr char kDoor[] = "bench";
constexpr int64_t kTouchDistanceUs = 1000;

}  // namespace

types::v1::Identifier IdentifierOf(std::string_view type, int64_t number) {
  const bool card = type == "card";
  std::string hmac;
  for (uint64_t word = 0; word < 4; ++word) {
    const uint64_t mixed = Mix((static_cast<uint64_t>(number) * 4 + word) * 2 + (card ? 0 : 1));
    hmac.append(reinterpret_cast<const char*>(&mixed), sizeof(mixed));
  }
  types::v1::Identifier id;
  id.set_type(std::string(type));
  id.set_hmac(std::move(hmac));
  id.set_class_(card ? types::v1::IDENTIFIER_CLASS_UNIQUE : types::v1::IDENTIFIER_CLASS_STRONG);
  if (!card) {
    id.set_scope("wx:bench");
    id.set_verified(true);
    id.set_verified_by("wechat");
  }
  return id;
}

PersonTouch Visit(int64_t number, int64_t occurred_us,
                  std::vector<types::v1::Identifier> identifiers) {
  PersonTouch out;
  out.pivot = model::IdentifierKey(identifiers.front().hmac());
  ingest::v1::Touch* touch = out.received.mutable_touch();
  const std::string native_id = Cat(number);
  touch->set_touch_id(model::TouchId(kDoor, native_id));
  touch->set_source(kDoor);
  touch->set_native_id(native_id);
  touch->set_occurred_us(occurred_us);
  touch->set_received_us(occurred_us + kTouchDistanceUs);
  touch->set_channel("web");
  for (types::v1::Identifier& id : identifiers) *touch->add_identifiers() = std::move(id);
  touch->mutable_body()->mutable_visit()->set_place("home");
  return out;
}

PersonTouch TouchAt(const Workload& workload, int64_t index) {
  const Order order = OrderAt(workload, index);
  return Visit(order.number, workload.begin_us + order.number * kTouchDistanceUs,
               {IdentifierOf("card", order.member), IdentifierOf("openid", order.member)});
}

}  // namespace regulars::bench
