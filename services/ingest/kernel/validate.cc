#include "services/ingest/kernel/validate.h"

#include <string>

#include "services/ingest/kernel/validate_body.h"

namespace regulars::ingest {
namespace {

using R = RefusalReason;

bool CheckTime(const v1::TouchInput& touch, Micros now_us, FieldCheck* check) {
  constexpr std::string_view kField = "occur_time";
  if (!check->Require(touch.has_occur_time(), R::kTimeMissing, kField)) return false;
  const std::optional<Micros> at = MicrosOf(touch.occur_time());
  return check->Require(at.has_value(), R::kTimeInvalid, kField) &&
         check->Require(*at >= 0, R::kTimeTooOld, kField) &&
         check->Require(*at <= now_us + limits::kTouchFutureSecondsMax * kMicrosPerSecond,
                        R::kTimeInFuture, kField);
}

bool CheckAttribution(const v1::Attribution& from, FieldCheck* check) {
  constexpr size_t kMax = limits::kAttributionFieldMax;
  return check->Require(v1::SourceSite_IsValid(from.site()), R::kFieldInvalid,
                        "attribution.site") &&
         check->Text(from.source_kind(), kMax, "attribution.source_kind") &&
         check->Text(from.source_name(), kMax, "attribution.source_name") &&
         check->Text(from.search_term(), kMax, "attribution.search_term") &&
         check->Text(from.campaign(), limits::kResourceIdMax, "attribution.campaign") &&
         check->Text(from.employee(), kMax, "attribution.employee") &&
         check->Text(from.placement(), kMax, "attribution.placement");
}

bool CheckContact(const v1::ContactDetails& contact, FieldCheck* check) {
  bool good = check->Text(contact.full_name(), kFullNameMax, "contact.full_name") &&
              check->Text(contact.phone(), kContactPhoneMax, "contact.phone") &&
              check->Text(contact.email(), kContactEmailMax, "contact.email") &&
              check->Text(contact.city(), kCityMax, "contact.city") &&
              check->Text(contact.region_code(), kRegionCodeMax, "contact.region_code") &&
              check->Text(contact.postal_code(), kPostalCodeMax, "contact.postal_code") &&
              check->Require(contact.address_lines_size() <= kAddressLinesMax, R::kFieldTooLong,
                             "contact.address_lines");
  for (const std::string& line : contact.address_lines()) {
    good = good && check->Text(line, kAddressLineMax, "contact.address_lines");
  }
  return good;
}

}  // namespace

std::optional<Refusal> Validate(const v1::TouchInput& touch, const PoolRules& rules, Micros now_us,
                                NormalIdentifiers* identifiers) {
  FieldCheck check;
  const bool good =
      check.Require(touch.ByteSizeLong() > 0, R::kTouchMissing, "") &&
      check.Require(touch.ByteSizeLong() <= limits::kTouchBytesMax, R::kTouchTooLarge, "") &&
      check.Name(touch.source(), limits::kSourceNameMax, R::kSourceInvalid, "source") &&
      check.Name(touch.native_id(), limits::kNativeIdMax, R::kNativeIdInvalid, "native_id") &&
      CheckTime(touch, now_us, &check) &&
      check.Name(touch.channel(), kChannelMax, R::kChannelInvalid, "channel") &&
      ReadIdentifiers(touch, rules, identifiers, &check) && CheckBody(touch.body(), &check) &&
      check.Under("touch") && check.Text(touch.shop(), limits::kResourceIdMax, "shop") &&
      check.Text(touch.brand(), limits::kResourceIdMax, "brand") &&
      CheckAttribution(touch.attribution(), &check) && CheckContact(touch.contact(), &check) &&
      check.Require(touch.text().size() <= limits::kTextMax, R::kFieldTooLong, "text") &&
      check.Require(model::IsUtf8(touch.text()), R::kTextInvalid, "text");
  return good ? std::nullopt : check.refusal();
}

std::optional<Micros> MicrosOf(const google::protobuf::Timestamp& timestamp) {
  constexpr int64_t kSecondsMin = -62'135'596'800;  // 0001-01-01
  constexpr int64_t kSecondsMax = 253'402'300'799;  // 9999-12-31
  if (timestamp.seconds() < kSecondsMin || timestamp.seconds() > kSecondsMax ||
      timestamp.nanos() < 0 || timestamp.nanos() > 999'999'999) {
    return std::nullopt;
  }
  return timestamp.seconds() * kMicrosPerSecond + timestamp.nanos() / 1000;
}

}  // namespace regulars::ingest
