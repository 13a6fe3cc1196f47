// Touches that are as they should be, for tests to spoil.
#ifndef REGULARS_SERVICES_INGEST_KERNEL_GOOD_TOUCHES_H_
#define REGULARS_SERVICES_INGEST_KERNEL_GOOD_TOUCHES_H_

#include <string>

#include "regulars/ingest/v1/ingest_service.pb.h"

namespace regulars::ingest {

inline constexpr int64_t kGoodSeconds = 1'700'000'000;

// An order of 12.34 CNY by card c1 at a till.
inline v1::TouchInput GoodOrder() {
  v1::TouchInput touch;
  touch.set_source("till:shop7");
  touch.set_native_id("n1");
  touch.mutable_occur_time()->set_seconds(kGoodSeconds);
  touch.set_channel("store");
  types::v1::ClearIdentifier* card = touch.add_identifiers();
  card->set_type("card");
  card->set_value("card-of-ann");
  v1::OrderPaid* order = touch.mutable_body()->mutable_order_paid();
  order->set_order_id("A1");
  order->set_amount_minor(1234);
  order->set_currency_code("CNY");
  v1::OrderLine* line = order->add_lines();
  line->set_sku("oolong");
  line->set_quantity(1);
  return touch;
}

inline v1::TouchInput GoodRefund() {
  v1::TouchInput touch = GoodOrder();
  v1::OrderRefunded* refund = touch.mutable_body()->mutable_order_refunded();
  refund->set_order_id("A1");
  refund->set_refund_id("R1");
  refund->set_amount_minor(100);
  refund->set_currency_code("CNY");
  return touch;
}

inline v1::TouchInput GoodScan() {
  v1::TouchInput touch = GoodOrder();
  touch.mutable_body()->mutable_code_scanned()->set_code("code-under-the-lid");
  return touch;
}

inline v1::TouchInput GoodChat() {
  v1::TouchInput touch = GoodOrder();
  touch.mutable_body()->mutable_chat()->set_from_member(true);
  touch.set_text("two\nlines, 好评");
  return touch;
}

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_KERNEL_GOOD_TOUCHES_H_
