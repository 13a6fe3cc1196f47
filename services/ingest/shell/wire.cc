#include "services/ingest/shell/wire.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <string>
#include <string_view>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/unknown_field_set.h"
#include "libs/base/status.h"

namespace regulars::ingest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

constexpr int kDepthMax = 16;

std::string Flatten(const grpc::ByteBuffer& bytes) {
  grpc::Slice slice;
  if (!bytes.DumpToSingleSlice(&slice).ok()) return "";
  return std::string(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

// True if the bytes are a message of this shape, whatever the texts in it are.
bool IsWellFormed(const Descriptor& shape, const std::string& bytes, int depth) {
  UnknownFieldSet fields;
  if (depth > kDepthMax || !fields.ParseFromString(bytes)) return false;
  for (int i = 0; i < fields.field_count(); ++i) {
    const UnknownField& field = fields.field(i);
    const FieldDescriptor* known = shape.FindFieldByNumber(field.number());
    if (known == nullptr || known->message_type() == nullptr) continue;
    if (field.type() != UnknownField::TYPE_LENGTH_DELIMITED ||
        !IsWellFormed(*known->message_type(), field.length_delimited(), depth + 1)) {
      return false;
    }
  }
  return true;
}

}  // namespace

absl::Status ReadMessage(const grpc::ByteBuffer& bytes, google::protobuf::Message* message) {
  grpc::ByteBuffer copy(bytes);  // a reference: reading consumes it
  if (grpc::GenericDeserialize<grpc::ProtoBufferReader, google::protobuf::Message>(&copy, message)
          .ok()) {
    return absl::OkStatus();
  }
  if (IsWellFormed(*message->GetDescriptor(), Flatten(bytes), 0)) {
    return DomainError(absl::StatusCode::kInvalidArgument, "TEXT_INVALID",
                       "a text field of the request is no UTF-8");
  }
  return DomainError(absl::StatusCode::kInvalidArgument, "REQUEST_UNREADABLE",
                     "the request is no message of the expected type");
}

int64_t SequenceOf(const grpc::ByteBuffer& bytes) {
  UnknownFieldSet fields;
  if (!fields.ParseFromString(Flatten(bytes))) return 0;
  for (int i = 0; i < fields.field_count(); ++i) {
    const UnknownField& field = fields.field(i);
    if (field.number() == 1 && field.type() == UnknownField::TYPE_VARINT) {
      return static_cast<int64_t>(field.varint());
    }
  }
  return 0;
}

grpc::ByteBuffer WriteMessage(const google::protobuf::Message& message) {
  const std::string text = message.SerializeAsString();
  grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace regulars::ingest
