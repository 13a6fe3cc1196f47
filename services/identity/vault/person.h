// A person who is several members: what each of them keeps, put together. The first part is the
// root. Of contact data the newest report counts, of consents the newest fact of the instant or
// before, a withdrawal before a grant of the same instant, as within one member. Thread-safety:
// pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_PERSON_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_PERSON_H_

#include <string>
#include <string_view>
#include <vector>

#include "libs/base/time.h"
#include "regulars/identity/v1/privacy_service.pb.h"

namespace regulars::identity::vault {

using Parts = std::vector<v1::PartDescription>;

// The consent in force, with the facts before it if the parts told them.
[[nodiscard]] v1::Consent ConsentOfPerson(std::string_view pool, const Parts& parts,
                                          const std::string& purpose, const std::string& channel);
[[nodiscard]] v1::ListConsentsResponse ConsentsOfPerson(std::string_view pool, const Parts& parts);

// The member whose value of the field counts; "" if nobody has one.
[[nodiscard]] std::string KeeperOf(const Parts& parts, v1::ContactKind kind);

// What each of these members has to tell (each with its name, without a ticket), in the order of
// `parts`; empty if none of the fields is known.
[[nodiscard]] std::vector<v1::TellPartRequest> QuestionsOf(
    std::string_view pool, const Parts& parts, const v1::ResolveContactRequest& request);
// The fields of their answers, in the order of the request.
[[nodiscard]] v1::ResolveContactResponse FieldsOfPerson(std::string_view pool, const Parts& parts,
                                                        const v1::ResolveContactRequest& request,
                                                        const std::vector<v1::PartTold>& told);

// Everything of all of them; `told` in the order of `parts`. A value is there once, with the member
// that keeps its newest report.
[[nodiscard]] v1::MemberExport ExportOfPerson(std::string_view pool, const Parts& parts,
                                              const std::vector<v1::PartTold>& told);

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_PERSON_H_
