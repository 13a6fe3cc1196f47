#include "libs/redis/connection.h"

#include <hiredis/read.h>
// After read.h, which it needs.
#include <hiredis/hiredis.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/assert.h"
#include "libs/base/wall_clock.h"

namespace regulars::redis {
namespace {

constexpr size_t kReadBytes = 64 * 1024;

void AppendNumber(std::string* out, char kind, size_t number) {
  char text[24];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), number);
  out->push_back(kind);
  out->append(text, end);
  out->append("\r\n", 2);
}

}  // namespace

void AppendHeader(std::string* out, size_t arguments) { AppendNumber(out, '*', arguments); }

void AppendArgument(std::string* out, std::string_view argument) {
  AppendNumber(out, '$', argument.size());
  out->append(argument);
  out->append("\r\n", 2);
}

void AppendArgument(std::string* out, int64_t argument) {
  char text[24];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), argument);
  AppendArgument(out, std::string_view(text, static_cast<size_t>(end - text)));
}

std::string Command(std::initializer_list<std::string_view> arguments) {
  std::string out;
  AppendHeader(&out, arguments.size());
  for (const std::string_view argument : arguments) AppendArgument(&out, argument);
  return out;
}

Connection::Connection(const RedisOptions* options, TlsContext* tls, Address address)
    : options_(options), tls_(tls), address_(std::move(address)), buffer_(kReadBytes) {}

Connection::~Connection() { Drop(); }

void Connection::Drop() {
  socket_.reset();
  if (reader_ != nullptr) redisReaderFree(std::exchange(reader_, nullptr));
}

absl::Status Connection::EnsureConnected() {
  if (socket_ != nullptr) return absl::OkStatus();
  const Micros now = MonotonicMicros();
  if (now < next_attempt_) return absl::UnavailableError("waiting to connect again");
  const Micros deadline = now + options_->connect_timeout_ms * 1000;
  absl::StatusOr<std::unique_ptr<Socket>> made = Socket::Connect(address_, tls_, deadline);
  absl::Status status = made.status();
  if (status.ok()) {
    socket_ = *std::move(made);
    reader_ = redisReaderCreate();
    REGULARS_ASSERT(reader_ != nullptr, "out of memory");
    reader_->maxbuf = 0;  // keep the buffer between exchanges
    status = Authenticate(deadline);
  }
  if (status.ok()) {
    backoff_ms_ = 0;
    return status;
  }
  Drop();
  backoff_ms_ = std::clamp(backoff_ms_ * 2, options_->backoff_ms_min, options_->backoff_ms_max);
  next_attempt_ = MonotonicMicros() + backoff_ms_ * 1000;
  return status;
}

absl::Status Connection::Authenticate(Micros deadline) {
  if (options_->password.empty()) return absl::OkStatus();
  const std::string command = options_->user.empty()
                                  ? Command({"AUTH", options_->password})
                                  : Command({"AUTH", options_->user, options_->password});
  if (absl::Status status = socket_->Write(command, deadline); !status.ok()) return status;
  absl::Status refused;
  const absl::Status status = ReadReplies(1, deadline, [&refused](const redisReply& reply) {
    if (reply.type == REDIS_REPLY_ERROR) {
      refused = absl::UnavailableError(absl::StrCat("AUTH: ", std::string(reply.str, reply.len)));
    }
  });
  return status.ok() ? refused : status;
}

absl::Status Connection::Exchange(std::string_view commands, size_t count,
                                  const ReplyFn& on_reply) {
  absl::Status status = Send(commands);
  return status.ok() ? Receive(count, on_reply) : status;
}

absl::Status Connection::Send(std::string_view commands) {
  if (absl::Status status = EnsureConnected(); !status.ok()) return status;
  // Writing before reading cannot block for good: where commands are long (Apply), their answers
  // are a few bytes, and where answers are long (Read), there is one command.
  absl::Status status =
      socket_->Write(commands, MonotonicMicros() + options_->command_timeout_ms * 1000);
  if (!status.ok()) Drop();
  return status;
}

absl::Status Connection::Receive(size_t count, const ReplyFn& on_reply) {
  absl::Status status =
      ReadReplies(count, MonotonicMicros() + options_->command_timeout_ms * 1000, on_reply);
  if (!status.ok()) Drop();
  return status;
}

absl::Status Connection::ReadReplies(size_t count, Micros deadline, const ReplyFn& on_reply) {
  size_t bytes = 0;
  while (count > 0) {
    void* parsed = nullptr;
    if (redisReaderGetReply(reader_, &parsed) != REDIS_OK) {
      return absl::UnavailableError(absl::StrCat("not RESP: ", reader_->errstr));
    }
    if (parsed != nullptr) {
      const std::unique_ptr<redisReply, decltype(&freeReplyObject)> reply(
          static_cast<redisReply*>(parsed), &freeReplyObject);
      on_reply(*reply);
      --count;
      continue;
    }
    const absl::StatusOr<size_t> got = socket_->Read(buffer_.data(), buffer_.size(), deadline);
    if (!got.ok()) return got.status();
    bytes += *got;
    if (bytes > kReplyBytesMax) return absl::UnavailableError("the answer is too large");
    redisReaderFeed(reader_, buffer_.data(), *got);
  }
  return absl::OkStatus();
}

}  // namespace regulars::redis
