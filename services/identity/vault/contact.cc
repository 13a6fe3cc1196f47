#include "services/identity/vault/contact.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "absl/strings/str_join.h"
#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/model/identifier.h"
#include "libs/normalize/normalize.h"
#include "regulars/ingest/v1/ingest_service.pb.h"
#include "services/identity/vault/data_key.h"
#include "services/identity/vault/erasure.h"

namespace regulars::identity::vault {
namespace {

// What ingest bound the seal to.
std::string TransportPlace(std::string_view pool) { return Cat(pool, "/contact"); }

std::string FieldPlace(std::string_view pool, std::string_view member, v1::ContactKind kind) {
  return Cat("contact/", pool, "/", member, "/", KindName(kind));
}

struct Reported {
  v1::ContactKind kind = v1::CONTACT_KIND_UNSPECIFIED;
  std::string text;
  bool verified = false;
};

// Phone and e-mail in the spelling of identifiers, so that a value compares with them.
Reported Identifying(v1::ContactKind kind, std::string_view type, const std::string& text,
                     const v1::ContactReported& report, const PoolKeys& keys) {
  static const normalize::Options kDefaults;
  std::string spelled =
      normalize::Normalize(type, "", text, keys.spelling == nullptr ? kDefaults : *keys.spelling)
          .value;
  Reported out{kind, spelled.empty() ? text : std::move(spelled), false};
  const std::string hmac = keys.pepper->Hmac(type, "", out.text);
  out.verified = std::find(report.verified_hmacs().begin(), report.verified_hmacs().end(), hmac) !=
                 report.verified_hmacs().end();
  return out;
}

std::vector<Reported> FieldsOf(const ingest::v1::ContactDetails& details,
                               const v1::ContactReported& report, const PoolKeys& keys) {
  std::vector<Reported> fields = {
      Identifying(v1::CONTACT_KIND_PHONE, "phone", details.phone(), report, keys),
      Identifying(v1::CONTACT_KIND_EMAIL, "email", details.email(), report, keys),
      {v1::CONTACT_KIND_NAME, details.full_name(), false}};
  std::vector<std::string> lines(details.address_lines().begin(), details.address_lines().end());
  for (const std::string* part :
       {&details.city(), &details.postal_code(), &details.region_code()}) {
    lines.push_back(*part);
  }
  std::erase(lines, "");
  fields.push_back({v1::CONTACT_KIND_ADDRESS, absl::StrJoin(lines, "\n"), false});
  std::erase_if(fields, [](const Reported& field) { return field.text.empty(); });
  return fields;
}

v1::VaultField ReadVaultField(const shard::EntityState& state, v1::ContactKind kind) {
  v1::VaultField field;
  if (const std::optional<std::string> bytes = state.Get(ContactSub(kind))) {
    REGULARS_ASSERT(field.ParseFromString(*bytes), "a field of the vault does not parse");
  }
  return field;
}

bool ReportedLater(const v1::VaultValue& a, const v1::VaultValue& b) {
  return std::tuple(a.occurred_us(), std::string_view(a.touch_id())) >
         std::tuple(b.occurred_us(), std::string_view(b.touch_id()));
}

// A total order: the nonce is another one for another value.
bool Newer(const v1::VaultValue& a, const v1::VaultValue& b) {
  if (ReportedLater(a, b) || ReportedLater(b, a)) return ReportedLater(a, b);
  return a.sealed().nonce() > b.sealed().nonce();
}

void TakeReport(const v1::ContactReported& report, v1::VaultValue* value) {
  value->set_occurred_us(report.occurred_us());
  value->set_touch_id(report.touch_id());
  value->set_source(report.source());
  value->set_fragment_id(report.fragment_id());
}

// The index of the value with this text; -1 if there is none.
absl::StatusOr<int> FindText(const v1::VaultField& field, std::string_view text,
                             const seal::DataKey& key, std::string_view place) {
  for (int i = 0; i < field.values_size(); ++i) {
    REGULARS_ASSIGN_OR_RETURN(const std::string known,
                              key.Open(BoxOf(field.values(i).sealed()), place));
    if (known == text) return i;
  }
  return -1;
}

enum class Merged : uint8_t { kNothing, kHistory, kCurrent };

absl::StatusOr<Merged> Merge(const Reported& reported, const v1::ContactReported& report,
                             const seal::DataKey& key, std::string_view place,
                             v1::VaultField* field) {
  REGULARS_ASSIGN_OR_RETURN(const int at, FindText(*field, reported.text, key, place));
  const std::string before = field->SerializeAsString();
  const std::string current = field->values_size() == 0 ? "" : field->values(0).sealed().nonce();
  v1::VaultValue fresh;
  TakeReport(report, &fresh);
  if (at < 0) {
    *fresh.mutable_sealed() = SealedOf(key.Seal(reported.text, place, report.touch_id()));
    fresh.set_verified(reported.verified);
    *field->add_values() = std::move(fresh);
  } else {
    v1::VaultValue* known = field->mutable_values(at);
    if (ReportedLater(fresh, *known)) TakeReport(report, known);
    known->set_verified(known->verified() || reported.verified);
  }
  std::sort(field->mutable_values()->begin(), field->mutable_values()->end(), Newer);
  while (field->values_size() > kValuesMax) field->mutable_values()->RemoveLast();
  if (field->SerializeAsString() == before) return Merged::kNothing;
  return field->values(0).sealed().nonce() == current ? Merged::kHistory : Merged::kCurrent;
}

void PublishChange(const v1::ContactReported& report, const std::vector<v1::ContactKind>& kinds,
                   shard::Effects* effects) {
  v1::ContactChanged changed;
  changed.set_member(report.member());
  for (const v1::ContactKind kind : kinds) changed.add_kinds(kind);
  changed.set_touch_id(report.touch_id());
  changed.set_source(report.source());
  changed.set_occurred_us(report.occurred_us());
  effects->publishes.push_back({std::string(events::kEventsKind), report.member(),
                                std::string(events::kContactChanged),
                                Cat("contact/", report.member(), "/", report.touch_id()),
                                changed.SerializeAsString(), report.occurred_us()});
}

ContactOutcome Lost(ContactOutcome outcome, shard::Effects* effects) {
  *effects = {};
  effects->sums.push_back({"contact_lost", 1});
  effects->outcome = OutcomeLabel(outcome);
  return outcome;
}

}  // namespace

std::string_view KindName(v1::ContactKind kind) {
  switch (kind) {
    case v1::CONTACT_KIND_PHONE:
      return "phone";
    case v1::CONTACT_KIND_EMAIL:
      return "email";
    case v1::CONTACT_KIND_NAME:
      return "name";
    case v1::CONTACT_KIND_ADDRESS:
      return "address";
    default:
      REGULARS_ASSERT(false, "no such kind of contact data");
  }
}

std::string ContactSub(v1::ContactKind kind) { return Cat(kContactPrefix, KindName(kind)); }

std::string_view OutcomeLabel(ContactOutcome outcome) {
  switch (outcome) {
    case ContactOutcome::kMemberErased:
      return "member_erased";
    case ContactOutcome::kVaultOff:
      return "vault_off";
    case ContactOutcome::kTransportKeyGone:
      return "transport_key_gone";
    case ContactOutcome::kUnreadable:
      return "contact_unreadable";
    case ContactOutcome::kMemberKeyGone:
      return "member_key_gone";
    case ContactOutcome::kNothingNew:
      return "nothing_new";
    case ContactOutcome::kOlder:
      return "older_contact";
    case ContactOutcome::kChanged:
      return "contact_changed";
  }
  REGULARS_ASSERT(false, "unknown contact outcome");
}

ContactOutcome AddContact(const shard::EntityState& state, std::string_view pool,
                          const v1::ContactReported& report, const PoolKeys& keys, Micros now_us,
                          shard::Effects* effects) {
  if (ReadErasure(state).has_value()) return Lost(ContactOutcome::kMemberErased, effects);
  if (!keys.on()) return Lost(ContactOutcome::kVaultOff, effects);
  const seal::Box box = BoxOf(report.contact());
  const absl::StatusOr<std::string> opened = keys.transport->Open(box, TransportPlace(pool));
  if (!opened.ok()) {
    return Lost(absl::IsNotFound(opened.status()) ? ContactOutcome::kTransportKeyGone
                                                  : ContactOutcome::kUnreadable,
                effects);
  }
  ingest::v1::ContactDetails details;
  if (!details.ParseFromString(*opened)) return Lost(ContactOutcome::kUnreadable, effects);
  const std::vector<Reported> fields = FieldsOf(details, report, keys);
  if (fields.empty()) {
    effects->outcome = OutcomeLabel(ContactOutcome::kNothingNew);
    return ContactOutcome::kNothingNew;
  }
  const absl::StatusOr<seal::DataKey> key =
      EnsureDataKey(state, pool, report.member(), keys, box, now_us, effects);
  // The day's key may be gone since it was opened; then it opens nothing any more, either.
  if (!key.ok()) {
    return Lost(ReadVaultKey(state).has_value() ? ContactOutcome::kMemberKeyGone
                                                : ContactOutcome::kTransportKeyGone,
                effects);
  }
  bool any = false;
  std::vector<v1::ContactKind> changed;
  for (const Reported& reported : fields) {
    v1::VaultField field = ReadVaultField(state, reported.kind);
    const absl::StatusOr<Merged> merged =
        Merge(reported, report, *key, FieldPlace(pool, report.member(), reported.kind), &field);
    if (!merged.ok()) return Lost(ContactOutcome::kMemberKeyGone, effects);
    if (*merged == Merged::kNothing) continue;
    any = true;
    if (*merged == Merged::kCurrent) changed.push_back(reported.kind);
    effects->puts.push_back({ContactSub(reported.kind), field.SerializeAsString(), 0});
  }
  const ContactOutcome outcome = !changed.empty() ? ContactOutcome::kChanged
                                 : any            ? ContactOutcome::kOlder
                                                  : ContactOutcome::kNothingNew;
  if (!changed.empty()) PublishChange(report, changed, effects);
  effects->outcome = OutcomeLabel(outcome);
  return outcome;
}

absl::StatusOr<std::vector<ClearValue>> ReadField(const shard::EntityState& state,
                                                  std::string_view pool, std::string_view member,
                                                  v1::ContactKind kind, const PoolKeys& keys) {
  std::vector<ClearValue> values;
  const v1::VaultField field = ReadVaultField(state, kind);
  if (field.values_size() == 0) return values;
  REGULARS_ASSERT(keys.on(), "contact data of a pool without keys is opened");
  REGULARS_ASSIGN_OR_RETURN(const seal::DataKey key,
                            OpenDataKey(state, pool, member, *keys.wrapper));
  for (const v1::VaultValue& value : field.values()) {
    REGULARS_ASSIGN_OR_RETURN(std::string text,
                              key.Open(BoxOf(value.sealed()), FieldPlace(pool, member, kind)));
    values.push_back({std::move(text), value.source(), value.occurred_us(), value.verified()});
  }
  return values;
}

std::optional<v1::VaultValue> NewestOf(const shard::EntityState& state, v1::ContactKind kind) {
  const v1::VaultField field = ReadVaultField(state, kind);
  if (field.values().empty()) return std::nullopt;
  return field.values(0);
}

std::string CheckContact(const shard::EntityState& state) {
  bool any = false;
  for (const v1::ContactKind kind : kKinds) {
    const v1::VaultField field = ReadVaultField(state, kind);
    any = any || field.values_size() > 0;
    if (field.values_size() > kValuesMax) return "a field keeps more values than allowed";
    for (int i = 1; i < field.values_size(); ++i) {
      if (!Newer(field.values(i - 1), field.values(i))) return "values of a field out of order";
    }
    for (const v1::VaultValue& value : field.values()) {
      if (value.sealed().key_id() != seal::kDataKeyId) return "a value is not under the data key";
    }
  }
  if (any && !ReadVaultKey(state).has_value()) return "contact data without a data key";
  return "";
}

}  // namespace regulars::identity::vault
