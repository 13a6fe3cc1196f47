#include "services/identity/vault/person.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "services/identity/vault/consent.h"
#include "services/identity/vault/contact.h"
#include "services/identity/vault/messages.h"

namespace regulars::identity::vault {
namespace {

struct Fact {
  const v1::ConsentFact* fact;
  std::string kept_at;
};

// Newest first. A fact that was taken over from another part of the person is there already.
std::vector<Fact> FactsOf(std::string_view pool, const Parts& parts, const std::string& purpose,
                          const std::string& channel) {
  std::vector<Fact> facts;
  for (const v1::PartDescription& part : parts) {
    for (const v1::PartConsent& consent : part.consents()) {
      if (consent.purpose() != purpose || consent.channel() != channel) continue;
      for (const v1::ConsentFact& fact : consent.facts()) {
        facts.push_back({&fact, NameOf(pool, part.member())});
      }
    }
  }
  const auto order = [](const Fact& one) {
    return std::tuple(-one.fact->decided_us(), one.fact->decision() == v1::CONSENT_DECISION_GRANTED,
                      one.fact->source() == kSplitSource);
  };
  std::stable_sort(facts.begin(), facts.end(),
                   [&](const Fact& a, const Fact& b) { return order(a) < order(b); });
  for (size_t i = 1; i < facts.size();) {
    const bool again = facts[i].fact->source() == kSplitSource &&
                       facts[i].fact->decided_us() == facts[i - 1].fact->decided_us() &&
                       facts[i].fact->decision() == facts[i - 1].fact->decision();
    if (again) {
      facts.erase(facts.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  return facts;
}

bool IsNewer(const v1::ContactField& a, const v1::ContactField& b) {
  return std::tuple(a.report_time().seconds(), a.report_time().nanos()) >
         std::tuple(b.report_time().seconds(), b.report_time().nanos());
}

// The values of a field of all parts: the one that counts, then the newest ones.
std::vector<v1::ContactField> ValuesOf(v1::ContactKind kind, const std::string& keeper,
                                       const std::vector<v1::PartTold>& told) {
  std::vector<v1::ContactField> values;
  for (const v1::PartTold& part : told) {
    for (const v1::ExportedField& field : part.everything().contact()) {
      if (field.current().kind() != kind) continue;
      values.push_back(field.current());
      values.insert(values.end(), field.earlier().begin(), field.earlier().end());
    }
  }
  std::stable_sort(values.begin(), values.end(), IsNewer);
  const auto current =
      std::find_if(values.begin(), values.end(),
                   [&](const v1::ContactField& value) { return value.kept_at() == keeper; });
  if (current != values.end()) std::rotate(values.begin(), current, current + 1);
  std::map<std::string, bool> verified;  // by value; who proved it proved it for the person
  for (const v1::ContactField& value : values) {
    verified[value.value()] = verified[value.value()] || value.verified();
  }
  std::vector<v1::ContactField> once;
  for (v1::ContactField& value : values) {
    const auto left = verified.extract(value.value());
    if (left.empty() || once.size() == kValuesMax) continue;
    value.set_verified(left.mapped());
    once.push_back(std::move(value));
  }
  return once;
}

}  // namespace

v1::Consent ConsentOfPerson(std::string_view pool, const Parts& parts, const std::string& purpose,
                            const std::string& channel) {
  const std::vector<Fact> facts = FactsOf(pool, parts, purpose, channel);
  v1::Consent consent = ConsentOf(NameOf(pool, parts.front().member()), purpose, channel,
                                  facts.empty() ? nullptr : facts.front().fact);
  if (facts.empty()) return consent;
  consent.set_kept_at(facts.front().kept_at);
  for (size_t i = 1; i < facts.size(); ++i) {
    *consent.add_history() = EntryOf(facts[i].kept_at, *facts[i].fact);
  }
  return consent;
}

v1::ListConsentsResponse ConsentsOfPerson(std::string_view pool, const Parts& parts) {
  std::set<std::pair<std::string, std::string>> pairs;
  for (const v1::PartDescription& part : parts) {
    for (const v1::PartConsent& consent : part.consents()) {
      pairs.emplace(consent.purpose(), consent.channel());
    }
  }
  v1::ListConsentsResponse response;
  for (const auto& [purpose, channel] : pairs) {
    *response.add_consents() = ConsentOfPerson(pool, parts, purpose, channel);
  }
  return response;
}

std::string KeeperOf(const Parts& parts, v1::ContactKind kind) {
  std::tuple<int64_t, std::string> newest;
  std::string keeper;
  for (const v1::PartDescription& part : parts) {
    for (const v1::PartField& field : part.fields()) {
      if (field.kind() != kind) continue;
      const std::tuple reported(field.occurred_us(), field.touch_id());
      if (!keeper.empty() && reported <= newest) continue;
      newest = reported;
      keeper = part.member();
    }
  }
  return keeper;
}

std::vector<v1::TellPartRequest> QuestionsOf(std::string_view pool, const Parts& parts,
                                             const v1::ResolveContactRequest& request) {
  std::vector<v1::TellPartRequest> questions;
  for (const v1::PartDescription& part : parts) {
    v1::TellPartRequest question;
    question.set_name(NameOf(pool, part.member()));
    question.set_purpose(request.purpose());
    question.set_channel(request.channel());
    for (const int kind : request.kinds()) {
      const auto asked = static_cast<v1::ContactKind>(kind);
      if (KeeperOf(parts, asked) == part.member()) question.add_kinds(asked);
    }
    if (!question.kinds().empty()) questions.push_back(std::move(question));
  }
  return questions;
}

v1::ResolveContactResponse FieldsOfPerson(std::string_view pool, const Parts& parts,
                                          const v1::ResolveContactRequest& request,
                                          const std::vector<v1::PartTold>& told) {
  v1::ResolveContactResponse response;
  response.set_name(NameOf(pool, parts.front().member()));
  for (const int kind : request.kinds()) {
    for (const v1::PartTold& part : told) {
      for (const v1::ContactField& field : part.fields()) {
        if (field.kind() == kind) *response.add_fields() = field;
      }
    }
  }
  return response;
}

v1::MemberExport ExportOfPerson(std::string_view pool, const Parts& parts,
                                const std::vector<v1::PartTold>& told) {
  v1::MemberExport out = told.front().everything();
  out.clear_contact();
  for (const v1::ContactKind kind : kKinds) {
    const std::vector<v1::ContactField> values =
        ValuesOf(kind, NameOf(pool, KeeperOf(parts, kind)), told);
    if (values.empty()) continue;
    v1::ExportedField* field = out.add_contact();
    *field->mutable_current() = values.front();
    for (size_t i = 1; i < values.size(); ++i) *field->add_earlier() = values[i];
  }
  *out.mutable_consents() = ConsentsOfPerson(pool, parts).consents();
  for (size_t i = 1; i < told.size(); ++i) {
    out.mutable_disclosures()->MergeFrom(told[i].everything().disclosures());
  }
  return out;
}

}  // namespace regulars::identity::vault
