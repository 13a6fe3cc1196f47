// A member's sends as the cargo of a merge or a split (libs/handoff/protocol.h).
//
// What moves are sends, each under the name of the member whose entry triggered it (its origin):
// they go where that member's first fragment goes, and come home with it. The id and the
// idempotency key of a send are made with the origin's name, so it is one send wherever it is: what
// was decided is not decided again, and a provider that was asked twice knows the key.
//
// The sender may not have posted it yet. Then the job is withdrawn from the partition of the member
// it leaves (a SendDecided with `withdrawn` in `sends`), and the member it comes to publishes it
// anew, under its own name and the old key. So an open send has exactly one job that is not
// withdrawn, once nothing is under way. A report that comes to a member before its send does waits
// for it.
//
// A trigger that is told twice may be decided again where the first decision has not come yet. It
// is the same send under the same key; they become one when they meet, and a report of either one
// ends it.
//
// Thread-safety: none; lives for one input. Limits: MoveLimits, kPendingReportsMax.
#ifndef REGULARS_SERVICES_MESSAGING_KERNEL_MOVE_H_
#define REGULARS_SERVICES_MESSAGING_KERNEL_MOVE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "libs/handoff/draft.h"
#include "libs/handoff/protocol.h"
#include "regulars/messaging/v1/messaging_handoff.pb.h"
#include "services/messaging/kernel/kernel.h"
#include "services/messaging/kernel/send_book.h"

namespace regulars::messaging {

inline constexpr int kPendingReportsMax = 1'000;  // of one member

struct MoveLimits {
  size_t sends = 40;          // and reports, on a page
  size_t bytes = 256 * 1024;  // a page is full at this size; a send adds at most kEntryBytesMax
  size_t keys = 2'000;        // looked at for a page
  size_t withdrawals = 80;    // by one input, which may load a page for each of several moves
};

class Mover final : public handoff::Cargo {
 public:
  Mover(handoff::Draft* draft, const Moment& moment, const MoveLimits& limits)
      : draft_(*draft), moment_(moment), limits_(limits) {}

  bool Load(const handoff::Protocol& protocol, handoff::v1::Outgoing* move,
            handoff::v1::Page* page) override;
  void Sent(const handoff::v1::Outgoing&) override {}
  handoff::Unloaded Unload(const handoff::Protocol& protocol,
                           const handoff::v1::Page& page) override;
  void AtRest() override {}

  // A report of the sender. If it is of the job that another member had, the one here is withdrawn.
  [[nodiscard]] ReportResult TakeReport(const v1::DeliveryReported& report);
  // Keeps a report until its send comes; false: too many wait.
  [[nodiscard]] bool Await(const v1::DeliveryReported& report);
  // Reports of a page found no room and were given up.
  [[nodiscard]] bool reports_lost() const { return reports_lost_; }

 private:
  void LoadSend(const handoff::Protocol& protocol, const handoff::v1::Outgoing& move,
                const std::string& sub, const std::string& bytes, v1::MessagingPage* page);
  void LoadReport(const handoff::Protocol& protocol, const handoff::v1::Outgoing& move,
                  const std::string& sub, const std::string& bytes, v1::MessagingPage* page);
  [[nodiscard]] bool IsFull(const v1::MessagingPage& page) const;
  void Place(v1::SendState send);
  void PlaceReport(const v1::DeliveryReported& report);
  // The job of a send, for the sender of the member's partition.
  void Job(const v1::SendState& send, bool withdrawn);
  // Takes a send away / in.
  void Remove(const FoundSend& found);
  void Add(v1::SendState send);
  void CountMoved(int64_t in, int64_t out);

  handoff::Draft& draft_;
  const Moment moment_;
  const MoveLimits limits_;
  size_t withdrawals_ = 0;
  bool reports_lost_ = false;
};

[[nodiscard]] Report ReportOf(const v1::DeliveryReported& event);

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_KERNEL_MOVE_H_
