#include "tools/regularsctl/json_text.h"

#include <google/protobuf/util/json_util.h>

#include "libs/base/time.h"

namespace regulars::ctl {

nlohmann::json JsonOf(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return {};
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

std::string TextOf(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return "-";
  return FormatRfc3339(time.seconds() * kMicrosPerSecond + time.nanos() / 1000);
}

}  // namespace regulars::ctl
