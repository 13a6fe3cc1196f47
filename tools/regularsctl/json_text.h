// Messages and instants as text: JSON for programs, RFC 3339 for people.
#ifndef REGULARS_TOOLS_REGULARSCTL_JSON_TEXT_H_
#define REGULARS_TOOLS_REGULARSCTL_JSON_TEXT_H_

#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>

#include "nlohmann/json.hpp"

namespace regulars::ctl {

// The proto3 JSON mapping with the names of the .proto files.
[[nodiscard]] nlohmann::json JsonOf(const google::protobuf::Message& message);
// "1998-06-30T23:59:59Z", "-" when unset.
[[nodiscard]] std::string TextOf(const google::protobuf::Timestamp& time);

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_JSON_TEXT_H_
