#include "services/identity/vault/contact_way.h"

#include <utility>

#include "libs/base/text.h"
#include "libs/events/types.h"

namespace regulars::identity::vault {
namespace {

void Publish(const v1::ContactReported& report, shard::Effects* effects) {
  const std::string_view what = report.home().empty() ? "reported/" : "kept/";
  effects->publishes.push_back({std::string(events::kLinksKind), report.member(),
                                std::string(events::kContactReported),
                                Cat(what, report.member(), "/", report.touch_id()),
                                report.SerializeAsString(), report.occurred_us()});
}

}  // namespace

SealedContact ContactOf(
    const types::v1::Sealed* contact,
    const google::protobuf::RepeatedPtrField<types::v1::Identifier>& identifiers) {
  SealedContact out;
  if (contact == nullptr) return out;
  out.contact = *contact;
  for (const types::v1::Identifier& one : identifiers) {
    if (one.verified() && (one.type() == "phone" || one.type() == "email")) {
      out.verified_hmacs.push_back(one.hmac());
    }
  }
  return out;
}

void PublishContact(const SealedContact& contact, const TouchOrigin& origin,
                    shard::Effects* effects) {
  if (!contact.contact.has_value()) return;
  v1::ContactReported report;
  report.set_member(std::string(origin.member));
  report.set_fragment_id(std::string(origin.fragment_id));
  report.set_touch_id(std::string(origin.touch_id));
  report.set_source(std::string(origin.source));
  report.set_occurred_us(origin.occurred_us);
  *report.mutable_contact() = *contact.contact;
  for (const std::string& hmac : contact.verified_hmacs) report.add_verified_hmacs(hmac);
  Publish(report, effects);
}

void SendOn(v1::ContactReported report, const ContactWay& way, shard::Effects* effects) {
  report.set_member(way.to);
  if (way.is_home) report.set_home(way.to);
  Publish(report, effects);
  effects->outcome = "sent_on";
}

}  // namespace regulars::identity::vault
