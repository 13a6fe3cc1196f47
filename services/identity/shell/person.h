// Asks every member of a person at its owner, wherever that is: first who is one person now, then
// all of them at once, at most kPersonMembersMax. All answer or nobody does: what one of them was
// told may be what counts. Tickets prove to the owners that an instance of identity asks; the
// pepper makes them, so no caller can. Thread-safety: answers may come on any threads; `done` is
// called once, on one of them. Lifecycle: a gathering lives until the last owner has answered.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_PERSON_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_PERSON_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/seal/crypto.h"
#include "libs/seal/seal.h"
#include "regulars/identity/v1/privacy_service.pb.h"
#include "services/identity/kernel/link_rules.h"
#include "services/identity/vault/person.h"

namespace regulars::identity {

inline constexpr size_t kPersonMembersMax =
    static_cast<size_t>(kMergesMax) + 1;    // members of a person
inline constexpr int kAliasesAskedMax = 8;  // on the way from a name to the root

template <typename Question, typename Told>
using AskPart = std::function<void(const std::string& member, const Question& question,
                                   std::function<void(absl::StatusOr<Told>)> done)>;
using DescribeAsk = AskPart<v1::DescribePartRequest, v1::PartDescription>;
using TellAsk = AskPart<v1::TellPartRequest, v1::PartTold>;

// Sets the ticket of a question. `pepper` is the pool's.
template <typename Question>
void Sign(const seal::Pepper& pepper, Question* question) {
  question->clear_ticket();
  // No type of an identifier has a slash: no caller's value comes under this one.
  question->set_ticket(
      pepper.Hmac(question->GetTypeName() + "/ticket", "", question->SerializeAsString()));
}
template <typename Question>
[[nodiscard]] bool IsSigned(const seal::Pepper* pepper, const Question& question) {
  if (pepper == nullptr) return false;
  Question own = question;
  Sign(*pepper, &own);
  return seal::ConstantTimeEquals(own.ticket(), question.ticket());
}

// Everybody that `member` is one person with: the root first. `question` is asked of each, with its
// name. Errors: those of the owners, the first of them; FAILED_PRECONDITION MERGE_IN_PROGRESS if
// the person changed meanwhile.
void GatherPerson(const DescribeAsk& ask, const std::string& pool, const std::string& member,
                  v1::DescribePartRequest question,
                  std::function<void(absl::StatusOr<vault::Parts>)> done);

// The answers to `questions`, in their order. Each names the member that is asked. Errors as above.
void GatherTold(const TellAsk& ask, std::vector<v1::TellPartRequest> questions,
                std::function<void(absl::StatusOr<std::vector<v1::PartTold>>)> done);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_PERSON_H_
