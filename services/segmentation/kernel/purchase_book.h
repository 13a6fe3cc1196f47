// The purchases of one member as state keys, and the figures kept in the root.
//
//   ""                                    SegmentationRoot: count, sums, first, last, memberships
//   order/<order key>                     PurchaseState, one per order, for ever
//   at/<inverted time>/<order key>        PurchaseRef, one per purchase that counts, newest first
//
// A purchase counts from the order's payment until it is wholly refunded. Its part of the sum is
// what was paid less what was refunded. A refund may come before its order: it waits in the order's
// key (`paid` = false). An order of 0 counts and is only taken back by a refund of the whole order.
//
// A PurchaseBook lives for one input: it reads through EntityState, keeps the changed root, and
// writes its changes into Effects at the end. Not thread-safe. No errors: what may be refused is
// asked before (HasRoomFor).
#ifndef REGULARS_SERVICES_SEGMENTATION_KERNEL_PURCHASE_BOOK_H_
#define REGULARS_SERVICES_SEGMENTATION_KERNEL_PURCHASE_BOOK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "libs/shard/kernel.h"
#include "regulars/segmentation/v1/segmentation_state.pb.h"

namespace regulars::segmentation {

// "<scope>/<id>" with '/' and '%' of the scope percent-encoded, so that no two orders share a key.
[[nodiscard]] std::string OrderKey(std::string_view scope, std::string_view id);
[[nodiscard]] std::string OrderSub(std::string_view order_key);
// 16 hexadecimal digits of 2^63 - 1 - time: later purchases come first in byte order.
[[nodiscard]] std::string PurchaseSub(int64_t occurred_us, std::string_view order_key);

// Whether an order is a purchase, and its part of the sum (0 when it is none). What a double says
// was refunded counts, too.
[[nodiscard]] bool Counts(const v1::PurchaseState& order);
[[nodiscard]] int64_t NetMinor(const v1::PurchaseState& order);

// Parsing state the program wrote itself: anything else is a broken invariant.
template <typename Message>
[[nodiscard]] std::optional<Message> ReadState(const shard::EntityState& state,
                                               std::string_view sub);

class PurchaseBook {
 public:
  explicit PurchaseBook(const shard::EntityState& state);

  [[nodiscard]] v1::SegmentationRoot& root() { return root_; }
  // The order as stored, or an empty one.
  [[nodiscard]] v1::PurchaseState Order(std::string_view order_key) const;

  // Whether the member's sum can change to hold `after` instead of `before`: no overflow, and not
  // one currency too many.
  [[nodiscard]] bool HasRoomFor(const v1::PurchaseState& before,
                                const v1::PurchaseState& after) const;
  // Replaces the order: figures of the root, index, control sums. Sets after->counted. At most once
  // per book.
  void Replace(std::string_view order_key, const v1::PurchaseState& before,
               v1::PurchaseState* after, shard::Effects* effects);
  // Takes the order away: it is nobody's any more. At most once per book.
  void Remove(std::string_view order_key, const v1::PurchaseState& before, shard::Effects* effects);
  // Writes the root.
  void Finish(shard::Effects* effects) const;

 private:
  [[nodiscard]] std::optional<int64_t> SumWith(const std::string& currency, int64_t delta) const;
  void AddToSum(const std::string& currency, int64_t delta, shard::Effects* effects);
  void CountOne(int64_t occurred_us, int64_t delta, shard::Effects* effects);
  void TakeBack(int64_t occurred_us, std::string_view order_key, shard::Effects* effects);
  void FindEnds(std::string_view without_sub);
  [[nodiscard]] int64_t EarliestBut(std::string_view without_sub, int64_t latest_us) const;

  const shard::EntityState& state_;
  v1::SegmentationRoot root_;
};

// The purchase at or after `from` in the index, if any.
[[nodiscard]] std::optional<std::pair<std::string, v1::PurchaseRef>> NextPurchase(
    const shard::EntityState& state, std::string_view from);

}  // namespace regulars::segmentation

#endif  // REGULARS_SERVICES_SEGMENTATION_KERNEL_PURCHASE_BOOK_H_
