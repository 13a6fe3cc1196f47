#include "services/segmentation/kernel/purchase_book.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_format.h"
#include "libs/base/assert.h"
#include "libs/base/checked.h"
#include "libs/base/text.h"
#include "services/segmentation/kernel/rules.h"

namespace regulars::segmentation {
namespace {

constexpr std::string_view kIndexPrefix = "at/";
constexpr int64_t kTimeMax = std::numeric_limits<int64_t>::max();

int64_t RefundedMinor(const v1::PurchaseState& order) {
  return std::max(order.refunded_minor(), order.double_refunded_minor());
}

std::string IndexBound(int64_t inverted) { return absl::StrFormat("at/%016x", inverted); }

}  // namespace

std::string OrderKey(std::string_view scope, std::string_view id) {
  std::string key;
  key.reserve(scope.size() + 1 + id.size());
  for (const char c : scope) {
    if (c == '/') {
      key += "%2F";
    } else if (c == '%') {
      key += "%25";
    } else {
      key += c;
    }
  }
  key += '/';
  key += id;
  return key;
}

std::string OrderSub(std::string_view order_key) { return Cat("order/", order_key); }

std::string PurchaseSub(int64_t occurred_us, std::string_view order_key) {
  REGULARS_ASSERT(occurred_us >= 0, "purchase before 1970");
  return Cat(IndexBound(kTimeMax - occurred_us), "/", order_key);
}

bool Counts(const v1::PurchaseState& order) {
  if (!order.paid() || order.whole_order_refunded()) return false;
  if (order.without_room() || order.double_refunded_whole()) return false;
  return order.amount_minor() == 0 || RefundedMinor(order) < order.amount_minor();
}

int64_t NetMinor(const v1::PurchaseState& order) {
  if (!Counts(order)) return 0;
  return std::max<int64_t>(order.amount_minor() - RefundedMinor(order), 0);
}

template <typename Message>
std::optional<Message> ReadState(const shard::EntityState& state, std::string_view sub) {
  const std::optional<std::string> value = state.Get(sub);
  if (!value.has_value()) return std::nullopt;
  Message message;
  REGULARS_ASSERT(message.ParseFromString(*value), "unreadable state value");
  return message;
}
template std::optional<v1::SegmentationRoot> ReadState(const shard::EntityState&, std::string_view);
template std::optional<v1::PurchaseState> ReadState(const shard::EntityState&, std::string_view);
template std::optional<v1::MovedOrder> ReadState(const shard::EntityState&, std::string_view);

std::optional<std::pair<std::string, v1::PurchaseRef>> NextPurchase(const shard::EntityState& state,
                                                                    std::string_view from) {
  auto next = state.Next(kIndexPrefix, from);
  if (!next.has_value()) return std::nullopt;
  v1::PurchaseRef ref;
  REGULARS_ASSERT(ref.ParseFromString(next->second), "unreadable purchase reference");
  return std::make_pair(std::move(next->first), std::move(ref));
}

PurchaseBook::PurchaseBook(const shard::EntityState& state)
    : state_(state),
      root_(ReadState<v1::SegmentationRoot>(state, "").value_or(v1::SegmentationRoot())) {}

v1::PurchaseState PurchaseBook::Order(std::string_view order_key) const {
  return ReadState<v1::PurchaseState>(state_, OrderSub(order_key)).value_or(v1::PurchaseState());
}

std::optional<int64_t> PurchaseBook::SumWith(const std::string& currency, int64_t delta) const {
  for (const auto& sum : root_.sums()) {
    if (sum.currency_code() == currency) return CheckedAdd(sum.amount_minor(), delta);
  }
  return delta;
}

bool PurchaseBook::HasRoomFor(const v1::PurchaseState& before,
                              const v1::PurchaseState& after) const {
  const int64_t delta = NetMinor(after) - NetMinor(before);
  if (delta <= 0) return true;
  if (!SumWith(after.currency_code(), delta).has_value()) return false;
  const bool known = std::any_of(
      root_.sums().begin(), root_.sums().end(),
      [&](const types::v1::Money& sum) { return sum.currency_code() == after.currency_code(); });
  return known || root_.sums_size() < kCurrenciesPerMemberMax;
}

// Sums of 0 are left out, so that the figures do not depend on what happened in between.
void PurchaseBook::AddToSum(const std::string& currency, int64_t delta, shard::Effects* effects) {
  if (delta == 0) return;
  effects->sums.push_back({Cat("purchase_minor/", currency), delta});
  auto* sums = root_.mutable_sums();
  int at = 0;
  while (at < sums->size() && sums->Get(at).currency_code() < currency) ++at;
  if (at < sums->size() && sums->Get(at).currency_code() == currency) {
    const int64_t sum = AddOrDie(sums->Get(at).amount_minor(), delta);
    if (sum == 0) {
      sums->DeleteSubrange(at, 1);
    } else {
      sums->Mutable(at)->set_amount_minor(sum);
    }
    return;
  }
  types::v1::Money* money = sums->Add();
  money->set_currency_code(currency);
  money->set_amount_minor(delta);
  for (int i = sums->size() - 1; i > at; --i) sums->SwapElements(i, i - 1);
}

void PurchaseBook::CountOne(int64_t occurred_us, int64_t delta, shard::Effects* effects) {
  const int64_t before = root_.purchases();
  const int64_t after = before + delta;
  REGULARS_ASSERT(after >= 0, "purchases went below zero");
  root_.set_purchases(after);
  effects->sums.push_back({"purchases", delta});
  if (std::min(before, after) == 0) effects->sums.push_back({"buyers", delta});
  if (std::min(before, after) == 1) effects->sums.push_back({"repeat_members", delta});
  if (delta < 0) return;  // FindEnds does the rest
  root_.set_last_purchase_us(before == 0 ? occurred_us
                                         : std::max(root_.last_purchase_us(), occurred_us));
  root_.set_first_purchase_us(before == 0 ? occurred_us
                                          : std::min(root_.first_purchase_us(), occurred_us));
}

// The first purchase by bisection over the instants: some sixty seeks, only when the first purchase
// of a member is wholly refunded. A second index for that would cost a key on every purchase.
int64_t PurchaseBook::EarliestBut(std::string_view without_sub, int64_t latest_us) const {
  int64_t found = kTimeMax - latest_us;
  int64_t last = kTimeMax;
  while (found < last) {
    const int64_t probe = found + (last - found - 1) / 2 + 1;
    auto next = NextPurchase(state_, IndexBound(probe));
    if (next.has_value() && next->first == without_sub) {
      next = NextPurchase(state_, Cat(without_sub, "\x01"));
    }
    if (next.has_value()) {
      found = kTimeMax - next->second.occurred_us();
    } else {
      last = probe - 1;
    }
  }
  return kTimeMax - found;
}

// First and last purchase after the one under `without_sub` is gone.
void PurchaseBook::FindEnds(std::string_view without_sub) {
  if (root_.purchases() == 0) {
    root_.clear_first_purchase_us();
    root_.clear_last_purchase_us();
    return;
  }
  auto latest = NextPurchase(state_, kIndexPrefix);
  if (latest.has_value() && latest->first == without_sub) {
    latest = NextPurchase(state_, Cat(without_sub, "\x01"));
  }
  REGULARS_ASSERT(latest.has_value(), "a purchase that counts is not in the index");
  root_.set_last_purchase_us(latest->second.occurred_us());
  root_.set_first_purchase_us(EarliestBut(without_sub, root_.last_purchase_us()));
}

void PurchaseBook::Replace(std::string_view order_key, const v1::PurchaseState& before,
                           v1::PurchaseState* after, shard::Effects* effects) {
  after->set_counted(Counts(*after));
  AddToSum(after->currency_code(), NetMinor(*after) - NetMinor(before), effects);
  if (!before.counted() && after->counted()) {
    CountOne(after->occurred_us(), 1, effects);
    v1::PurchaseRef ref;
    ref.set_order(std::string(order_key));
    ref.set_occurred_us(after->occurred_us());
    effects->puts.push_back(
        {PurchaseSub(after->occurred_us(), order_key), ref.SerializeAsString()});
  } else if (before.counted() && !after->counted()) {
    TakeBack(after->occurred_us(), order_key, effects);
  }
  effects->puts.push_back({OrderSub(order_key), after->SerializeAsString()});
}

void PurchaseBook::TakeBack(int64_t occurred_us, std::string_view order_key,
                            shard::Effects* effects) {
  const std::string index_sub = PurchaseSub(occurred_us, order_key);
  CountOne(occurred_us, -1, effects);
  if (root_.purchases() == 0 || occurred_us == root_.last_purchase_us() ||
      occurred_us == root_.first_purchase_us()) {
    FindEnds(index_sub);
  }
  effects->deletes.push_back(index_sub);
}

void PurchaseBook::Remove(std::string_view order_key, const v1::PurchaseState& before,
                          shard::Effects* effects) {
  AddToSum(before.currency_code(), -NetMinor(before), effects);
  if (before.counted()) TakeBack(before.occurred_us(), order_key, effects);
  effects->deletes.push_back(OrderSub(order_key));
}

void PurchaseBook::Finish(shard::Effects* effects) const {
  effects->puts.push_back({"", root_.SerializeAsString()});
}

}  // namespace regulars::segmentation
