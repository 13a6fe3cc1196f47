// Where a message about (member, fragment) belongs by now. A message names the member that the
// identifier named when it was sent; meanwhile that member may have been absorbed, the fragment may
// have moved with a split, or its `Own` may still be on its way. No message is dropped: it is
// handled here, goes on to somebody who knows more, or waits. Thread-safety: none; lives for one
// input.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_FIND_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_FIND_H_

#include <optional>
#include <string_view>

#include "regulars/identity/v1/identity_links.pb.h"
#include "services/identity/kernel/member_book.h"
#include "services/identity/kernel/step.h"

namespace regulars::identity {

// What the handler does with the state.
enum class Access : uint8_t { kReads, kWrites };

// nullopt: it belongs here; the book is a root that holds the fragment and, for kWrites, proposes
// to nobody. Otherwise the message was sent on or put aside and the handler ends with this outcome.
// An empty fragment asks for the root of the member.
std::optional<LinkOutcome> Find(Step* step, MemberBook* book, std::string_view member,
                                std::string_view fragment, Access access,
                                const v1::LinkMessage& message);

// Puts the message aside until something changed here: an answer, a birth, an `Own`.
LinkOutcome Wait(Step* step, MemberBook* book, const v1::LinkMessage& message);
// Something changed: what waits is sent here once more.
void Wake(Step* step, MemberBook* book);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_FIND_H_
