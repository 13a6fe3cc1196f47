// A pool with keys and a member's state in a map, for the tests of the vault.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_VAULT_HARNESS_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_VAULT_HARNESS_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "libs/base/text.h"
#include "regulars/ingest/v1/ingest_service.pb.h"
#include "services/identity/kernel/map_state.h"
#include "services/identity/vault/contact.h"
#include "services/identity/vault/data_key.h"

namespace regulars::identity::vault {

inline constexpr Micros kDay = 1'795'435'200'000'000;  // 2026-11-23T12:00:00Z
inline constexpr char kPool[] = "tea";
inline constexpr char kMember[] = "m_00000000000000000000000001";

inline std::string KeyLine(const std::string& id, char fill) {
  return Cat(id, " ", absl::Base64Escape(std::string(seal::kKeyBytes, fill)), "\n");
}

// Transport key of the day, KEK k1, a pepper.
struct TestKeys {
  explicit TestKeys(const std::string& keks = KeyLine("k1", 'k'),
                    const std::string& transport = KeyLine("transport/2026-11-23", 't'))
      : transport_keys(*seal::TransportKeys::Parse(transport)),
        wrapper(*seal::KeyRing::Parse(keks)),
        pepper(*seal::Pepper::Parse(KeyLine("p", 'p'), kPool)) {}

  [[nodiscard]] PoolKeys all() const { return {transport_keys.get(), &wrapper, &pepper}; }

  std::unique_ptr<seal::TransportKeys> transport_keys;
  seal::KeyFileWrapper wrapper;
  seal::Pepper pepper;
};

// What a touch of this instant says; `field` is phone, email, name or city.
inline v1::ContactReported Report(const TestKeys& keys, const std::string& touch, Micros at_us,
                                  const std::map<std::string, std::string>& fields) {
  ingest::v1::ContactDetails details;
  for (const auto& [field, value] : fields) {
    if (field == "phone") details.set_phone(value);
    if (field == "email") details.set_email(value);
    if (field == "name") details.set_full_name(value);
    if (field == "city") details.set_city(value);
  }
  v1::ContactReported report;
  report.set_member(kMember);
  report.set_fragment_id("f_1");
  report.set_touch_id(touch);
  report.set_source("till");
  report.set_occurred_us(at_us);
  *report.mutable_contact() = SealedOf(
      *keys.transport_keys->Seal(details.SerializeAsString(), Cat(kPool, "/contact"), kDay));
  return report;
}

// One member.
class VaultMember {
 public:
  ContactOutcome Add(const TestKeys& keys, const v1::ContactReported& report) {
    last = {};
    const ContactOutcome outcome = AddContact(state, kPool, report, keys.all(), kDay, &last);
    Take();
    return outcome;
  }
  // Applies `last`.
  void Take() {
    state.Apply(last);
    for (const shard::AddSum& sum : last.sums) sums[sum.name] += sum.delta;
    EXPECT_EQ(CheckContact(state), "");
  }
  // The values of a field, newest first, joined by a blank; "?" if they cannot be read.
  std::string Values(const TestKeys& keys, v1::ContactKind kind) const {
    const auto values = ReadField(state, kPool, kMember, kind, keys.all());
    if (!values.ok()) return "?";
    std::string text;
    for (const ClearValue& value : *values) {
      Append(&text, text.empty() ? "" : " ", value.text, value.verified ? "*" : "");
    }
    return text;
  }

  MapState state;
  shard::Effects last;
  std::map<std::string, int64_t> sums;
};

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_VAULT_HARNESS_H_
