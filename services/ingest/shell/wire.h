// Requests as bytes. Ingest reads them itself, because generated readers answer a text that is no
// UTF-8 like a broken message, and a broken message like a missing method. Thread-safety: pure
// functions.
#ifndef REGULARS_SERVICES_INGEST_SHELL_WIRE_H_
#define REGULARS_SERVICES_INGEST_SHELL_WIRE_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace regulars::ingest {

// INVALID_ARGUMENT TEXT_INVALID if the message is well-formed but a text is no UTF-8, else
// REQUEST_UNREADABLE.
absl::Status ReadMessage(const grpc::ByteBuffer& bytes, google::protobuf::Message* message);

// The varint field 1 of a message that could not be read; 0 if there is none.
int64_t SequenceOf(const grpc::ByteBuffer& bytes);

grpc::ByteBuffer WriteMessage(const google::protobuf::Message& message);

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_SHELL_WIRE_H_
