// A member's orders as the cargo of a merge or a split (libs/handoff/protocol.h).
//
// What moves are orders, each with its refunds, under the fragment it came with; a refund that
// waits for its order moves under its own. Figures and segments do not move: they are computed from
// the orders that are here, so pages may come in any order, stop half-way and go back. Segments are
// judged when no page comes or goes any more (codec/handed.h).
//
// The same order under two fragments counts once: the one that was paid first stands (of one
// instant, the smaller fragment), the others are kept as doubles under
// `double/<order key>/<fragment>`. What the most refunded of them says was refunded counts for the
// one that stands, too. When it leaves, the next one stands; a double goes home as it came. An
// order that does not fit into the member's sums is kept, and does not count until it moves on.
//
// Thread-safety: none; lives for one input. Limits: MoveLimits, kRefundsOfMovedOrderMax.
#ifndef REGULARS_SERVICES_SEGMENTATION_KERNEL_MOVE_H_
#define REGULARS_SERVICES_SEGMENTATION_KERNEL_MOVE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "libs/handoff/draft.h"
#include "libs/handoff/protocol.h"
#include "regulars/segmentation/v1/segmentation_handoff.pb.h"
#include "services/segmentation/kernel/kernel.h"

namespace regulars::segmentation {

inline constexpr std::string_view kOrderPrefix = "order/";  // as OrderSub
inline constexpr std::string_view kDoublePrefix = "double/";

struct MoveLimits {
  size_t orders = 100;        // on a page
  size_t bytes = 256 * 1024;  // a page is full at this size; an order adds at most 64 KiB
  size_t keys = 2'000;        // looked at for a page
};

class Mover final : public handoff::Cargo {
 public:
  Mover(handoff::Draft* draft, const MoveLimits& limits) : draft_(*draft), limits_(limits) {}

  bool Load(const handoff::Protocol& protocol, handoff::v1::Outgoing* move,
            handoff::v1::Page* page) override;
  void Sent(const handoff::v1::Outgoing&) override {}
  handoff::Unloaded Unload(const handoff::Protocol& protocol,
                           const handoff::v1::Page& page) override;
  void AtRest() override {}

  // A touch that no kernel function takes, because another fragment told of its order: true if it
  // was applied here.
  [[nodiscard]] bool TakeDouble(const Purchase& purchase);
  [[nodiscard]] bool TakeDouble(const Refund& refund);

  // More refunds of one order met than are kept; some were given up.
  [[nodiscard]] bool refunds_lost() const { return refunds_lost_; }

 private:
  using Copies = std::vector<v1::PurchaseState>;

  // Takes what leaves of one order; false if the page is full before that is all.
  bool LoadOrder(const handoff::Protocol& protocol, const handoff::v1::Outgoing& move,
                 const std::string& order_key, v1::SegmentationPage* page);
  void Place(const v1::MovedOrder& moved);
  void Inherit(const handoff::Protocol& protocol, const v1::InheritedEntry& entry);
  // Everything that is kept of an order: what stands or is awaited first, then doubles.
  [[nodiscard]] Copies CopiesOf(const std::string& order_key) const;
  // Replaces them: decides which one stands.
  void SetCopies(const std::string& order_key, Copies copies);
  void RemoveOrder(const std::string& order_key);
  void PutOrder(const std::string& order_key, v1::PurchaseState order);
  // Adds the refunds of one to the other.
  void AddRefunds(const v1::PurchaseState& from, v1::PurchaseState* to);
  void CountMoved(int64_t in, int64_t out);

  handoff::Draft& draft_;
  const MoveLimits limits_;
  bool refunds_lost_ = false;
};

}  // namespace regulars::segmentation

#endif  // REGULARS_SERVICES_SEGMENTATION_KERNEL_MOVE_H_
