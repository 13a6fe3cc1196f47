// Makes the inputs of segmentation tests and prints figures and events as short text, so that a
// test table reads like a ledger: `buy A 1000` -> `1 USD 1000 d0..d0`, `+repeat_buyer d5`.
#ifndef REGULARS_SERVICES_SEGMENTATION_CODEC_LEDGER_TEXT_H_
#define REGULARS_SERVICES_SEGMENTATION_CODEC_LEDGER_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/assert.h"
#include "libs/base/time.h"
#include "libs/shard/testing/program_harness.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/segmentation/v1/segmentation_events.pb.h"
#include "regulars/segmentation/v1/segmentation_state.pb.h"

namespace regulars::segmentation {

inline identity::v1::MemberResolved Paid(const std::string& order, int64_t amount, Micros at,
                                         const std::string& currency = "USD") {
  identity::v1::MemberResolved event;
  event.set_member("m_1");
  event.set_fragment_id("f_1");
  event.mutable_touch()->set_touch_id("t_" + order);
  event.mutable_touch()->set_source("till");
  event.mutable_touch()->set_occurred_us(at);
  auto* paid = event.mutable_touch()->mutable_body()->mutable_order_paid();
  paid->set_order_id(order);
  paid->set_amount_minor(amount);
  paid->set_currency_code(currency);
  return event;
}

inline identity::v1::MemberResolved Refunded(const std::string& order, const std::string& refund,
                                             int64_t amount, bool whole, Micros at,
                                             const std::string& currency = "USD") {
  identity::v1::MemberResolved event;
  event.set_member("m_1");
  event.set_fragment_id("f_1");
  event.mutable_touch()->set_touch_id("t_" + refund);
  event.mutable_touch()->set_source("till");
  event.mutable_touch()->set_occurred_us(at);
  auto* refunded = event.mutable_touch()->mutable_body()->mutable_order_refunded();
  refunded->set_order_id(order);
  refunded->set_refund_id(refund);
  refunded->set_amount_minor(amount);
  refunded->set_currency_code(currency);
  refunded->set_whole_order(whole);
  return event;
}

inline shard::Effects Feed(shard::ProgramHarness& harness,
                           const identity::v1::MemberResolved& event) {
  return harness.Record("io.regulars.identity.v1.MemberResolved", event.touch().touch_id(),
                        event.SerializeAsString(), event.touch().occurred_us());
}

// "d180", "d180+1us"
inline std::string Day(Micros at) {
  const Micros rest = at % kMicrosPerDay;
  return absl::StrCat("d", at / kMicrosPerDay, rest == 0 ? "" : absl::StrCat("+", rest, "us"));
}

// "2 USD 1500 d0..d5 repeat_buyer"; "" without a root.
inline std::string Figures(const shard::EntityState& state) {
  const auto value = state.Get("");
  if (!value.has_value()) return "";
  v1::SegmentationRoot root;
  REGULARS_ASSERT(root.ParseFromString(*value), "unreadable root");
  std::string text = absl::StrCat(root.purchases());
  for (const auto& sum : root.sums()) {
    absl::StrAppend(&text, " ", sum.currency_code(), " ", sum.amount_minor());
  }
  if (root.purchases() > 0) {
    absl::StrAppend(&text, " ", Day(root.first_purchase_us()), "..", Day(root.last_purchase_us()));
  }
  for (const auto& segment : root.segments()) {
    if (segment.inside()) absl::StrAppend(&text, " ", segment.segment());
  }
  return text;
}

// "-lapsed d200, +repeat_buyer d200" of the events from `from` on.
inline std::string Events(const std::vector<shard::Publish>& publishes, size_t from) {
  std::vector<std::string> texts;
  for (size_t i = from; i < publishes.size(); ++i) {
    const shard::Publish& publish = publishes[i];
    if (publish.type == "io.regulars.segmentation.v1.SegmentEntered") {
      v1::SegmentEntered event;
      REGULARS_ASSERT(event.ParseFromString(publish.payload), "unreadable event");
      texts.push_back(absl::StrCat("+", event.segment(), " ", Day(event.occurrence_us())));
    } else {
      v1::SegmentExited event;
      REGULARS_ASSERT(event.ParseFromString(publish.payload), "unreadable event");
      texts.push_back(absl::StrCat("-", event.segment(), " ", Day(event.exit_us())));
    }
  }
  return absl::StrJoin(texts, ", ");
}

}  // namespace regulars::segmentation

#endif  // REGULARS_SERVICES_SEGMENTATION_CODEC_LEDGER_TEXT_H_
