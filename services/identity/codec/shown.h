// Names and times as answers show them. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_CODEC_SHOWN_H_
#define REGULARS_SERVICES_IDENTITY_CODEC_SHOWN_H_

#include <string>
#include <string_view>

#include "google/protobuf/timestamp.pb.h"
#include "libs/base/text.h"
#include "libs/base/time.h"

namespace regulars::identity {

[[nodiscard]] inline std::string MemberName(std::string_view pool, std::string_view member) {
  return Cat("pools/", pool, "/members/", member);
}

inline void SetTime(Micros time_us, google::protobuf::Timestamp* out) {
  out->set_seconds(time_us / kMicrosPerSecond);
  out->set_nanos(static_cast<int32_t>(time_us % kMicrosPerSecond * 1000));
}

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_CODEC_SHOWN_H_
