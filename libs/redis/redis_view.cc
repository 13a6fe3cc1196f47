#include "libs/redis/redis_view.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/redis/apply_command.h"
#include "libs/redis/function_library.h"
#include "libs/redis/reply.h"
#include "libs/redis/view_keys.h"

namespace regulars::redis {
namespace {

constexpr int64_t kMemberTtlMax = int64_t{3650} * 24 * 3600;

std::optional<int64_t> Number(const redisReply& reply) {
  int64_t number = 0;
  if (!IsText(reply)) return std::nullopt;
  const auto [end, error] = std::from_chars(reply.str, reply.str + reply.len, number);
  if (error != std::errc() || end != reply.str + reply.len) return std::nullopt;
  return number;
}

// Meta as HMGET answers it: log_id, epoch, generation, applied, whole. Absent, or not a meta
// record: nullopt, which is what the functions make of it too.
std::optional<ViewMeta> ParseMeta(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 5) return std::nullopt;
  const std::optional<int64_t> epoch = Number(*reply.element[1]);
  const std::optional<int64_t> generation = Number(*reply.element[2]);
  const std::optional<int64_t> applied = Number(*reply.element[3]);
  if (!IsText(*reply.element[0]) || !epoch || !generation || !applied) return std::nullopt;
  return ViewMeta{.log_id = std::string(Text(*reply.element[0])),
                  .epoch = *epoch,
                  .generation = *generation,
                  .applied = *applied,
                  .whole = IsText(*reply.element[4]) && Text(*reply.element[4]) == "1"};
}

ViewOutcome WriterOutcome(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_INTEGER) return ViewOutcome::kAway;
  switch (reply.integer) {
    case 0:
      return ViewOutcome::kApplied;
    case 1:
      return ViewOutcome::kFenced;
    case 2:
      return ViewOutcome::kGap;
    default:
      return ViewOutcome::kAway;
  }
}

bool IsMissingFunction(std::string_view error) {
  return error.find("Function not found") != std::string_view::npos;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedisView>> RedisView::Create(RedisOptions options) {
  std::vector<Address> seeds;
  for (const std::string& text : options.addresses) {
    absl::StatusOr<Address> address = ParseAddress(text);
    if (!address.ok()) return address.status();
    seeds.push_back(*std::move(address));
  }
  if (seeds.empty()) return absl::InvalidArgumentError("redis: no address");
  if (options.connect_timeout_ms < 1 || options.command_timeout_ms < 1 ||
      options.backoff_ms_min < 1 || options.backoff_ms_max < options.backoff_ms_min ||
      options.pipeline_bytes < 1) {
    return absl::InvalidArgumentError("redis: a time-out, back-off or size is not positive");
  }
  if (options.member_ttl_s < 1 || options.member_ttl_s > kMemberTtlMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("redis: member_ttl_s is not within 1 and ", kMemberTtlMax));
  }
  std::unique_ptr<TlsContext> tls;
  if (options.tls.enabled) {
    absl::StatusOr<std::unique_ptr<TlsContext>> made = TlsContext::Create(options.tls);
    if (!made.ok()) return made.status();
    tls = *std::move(made);
  }
  return std::unique_ptr<RedisView>(
      new RedisView(std::move(options), std::move(tls), std::move(seeds)));
}

RedisView::RedisView(RedisOptions options, std::unique_ptr<TlsContext> tls,
                     std::vector<Address> seeds)
    : options_(std::move(options)), tls_(std::move(tls)), seeds_(std::move(seeds)) {}

RedisView::~RedisView() = default;

Connection& RedisView::NodeAt(const Address& address) {
  std::unique_ptr<Connection>& node = nodes_[absl::StrCat(address.host, ":", address.port)];
  if (node == nullptr) node = std::make_unique<Connection>(&options_, tls_.get(), address);
  return *node;
}

Connection& RedisView::NodeOf(int32_t slot) {
  const auto it = slots_.find(slot);
  return NodeAt(it == slots_.end() ? seeds_[seed_] : it->second);
}

bool RedisView::FollowMoved(int32_t slot, const std::string& error) {
  last_error_ = error;
  // "MOVED 3999 127.0.0.1:6381"; an empty host means the node that answered.
  if (!error.starts_with("MOVED ") || redirects_left_-- <= 0) return false;
  std::string target = error.substr(error.rfind(' ') + 1);
  if (target.starts_with(':')) target = NodeOf(slot).address().host + target;
  const absl::StatusOr<Address> address = ParseAddress(target);
  if (!address.ok()) return false;
  slots_[slot] = *address;
  return true;
}

void RedisView::NoteFailure(int32_t slot, const absl::Status& status) {
  last_error_ = std::string(status.message());
  // Ask a seed again; if it was the seed itself, the next one.
  if (slots_.erase(slot) == 0) seed_ = (seed_ + 1) % seeds_.size();
}

absl::Status RedisView::Call(int32_t slot, const std::string& command, const ReplyFn& on_reply) {
  redirects_left_ = kRedirectsMax;
  while (true) {
    std::string error;
    const auto check = [&](const redisReply& reply) {
      if (reply.type == REDIS_REPLY_ERROR) {
        error = std::string(Text(reply));
      } else {
        on_reply(reply);
      }
    };
    Connection& node = NodeOf(slot);
    if (absl::Status status = node.Exchange(command, 1, check); !status.ok()) {
      NoteFailure(slot, status);
      return absl::UnavailableError(last_error_);
    }
    if (error.empty()) return absl::OkStatus();
    if (FollowMoved(slot, error)) continue;
    if (IsMissingFunction(error)) return absl::NotFoundError("the function library is missing");
    node.Drop();
    NoteFailure(slot, absl::UnavailableError(error));
    return absl::UnavailableError(error);
  }
}

absl::Status RedisView::LoadFunctions(int32_t slot) {
  return Call(slot, Command({"FUNCTION", "LOAD", "REPLACE", kFunctionLibrary}),
              [](const redisReply&) {});
}

ViewOutcome RedisView::CallWriter(int32_t slot, const std::string& command) {
  ViewOutcome outcome = ViewOutcome::kAway;
  const absl::Status status =
      Call(slot, command, [&](const redisReply& reply) { outcome = WriterOutcome(reply); });
  if (!absl::IsNotFound(status)) return outcome;
  return LoadFunctions(slot).ok() ? ViewOutcome::kGap : ViewOutcome::kAway;
}

ViewOutcome RedisView::Claim(const ShardId& shard, const std::string& log_id, int64_t epoch,
                             int64_t generation, int64_t applied) {
  if (!ValidClaim(log_id, epoch, generation, applied)) return ViewOutcome::kInvalid;
  const std::string meta = MetaKey(shard);
  const int32_t slot = HashSlot(meta);
  const std::string command =
      Command({"FCALL", "regulars_r1_claim", "1", meta, log_id, std::to_string(epoch),
               std::to_string(generation), std::to_string(applied)});
  ViewOutcome outcome = CallWriter(slot, command);
  // A claim needs nothing that was there before: with the functions loaded it goes on.
  if (outcome == ViewOutcome::kGap) outcome = CallWriter(slot, command);
  return outcome == ViewOutcome::kGap ? ViewOutcome::kAway : outcome;
}

ViewOutcome RedisView::Finish(const ShardId& shard, int64_t epoch, int64_t generation) {
  if (!ValidPosition(epoch) || !ValidPosition(generation)) return ViewOutcome::kInvalid;
  const std::string meta = MetaKey(shard);
  return CallWriter(HashSlot(meta), Command({"FCALL", "regulars_r1_finish", "1", meta,
                                             std::to_string(epoch), std::to_string(generation)}));
}

std::vector<ViewOutcome> RedisView::Apply(const ShardId& shard,
                                          const std::vector<ApplyRequest>& requests) {
  if (!ValidApply(requests)) return {requests.size(), ViewOutcome::kInvalid};
  std::vector<ViewOutcome> outcomes(requests.size(), ViewOutcome::kApplied);
  const int32_t slot = HashSlot(MetaKey(shard));
  redirects_left_ = kRedirectsMax;
  for (size_t next = 0; next < requests.size();) {
    next += ApplyFrom(shard, slot, requests, next, &outcomes);
  }
  return outcomes;
}

size_t RedisView::ApplyFrom(const ShardId& shard, int32_t slot,
                            const std::vector<ApplyRequest>& requests, size_t next,
                            std::vector<ViewOutcome>* outcomes) {
  const std::string prefix = KeyPrefix(shard);
  Connection& node = NodeOf(slot);
  size_t applied = next;
  std::optional<ViewOutcome> stopped;  // why the first request that is not applied is not
  std::string error;
  const auto on_reply = [&](const redisReply& reply) {
    if (stopped.has_value()) return;  // Redis refused the rest of the chain too
    const ViewOutcome outcome = WriterOutcome(reply);
    if (outcome == ViewOutcome::kApplied) {
      ++applied;
      return;
    }
    stopped = outcome;
    if (reply.type == REDIS_REPLY_ERROR) error = std::string(Text(reply));
  };

  std::deque<size_t> pieces;  // sent and not answered: how many commands each
  absl::Status status;
  size_t sent = next;
  while (status.ok() && (!pieces.empty() || (sent < requests.size() && !stopped.has_value()))) {
    if (sent == requests.size() || stopped.has_value() || pieces.size() == kPiecesInFlight) {
      status = node.Receive(pieces.front(), on_reply);
      pieces.pop_front();
      continue;
    }
    buffer_.clear();
    const size_t begin = sent;
    while (sent < requests.size() && buffer_.size() < options_.pipeline_bytes) {
      AppendApply(&buffer_, prefix, requests[sent++], options_.member_ttl_s);
    }
    pieces.push_back(sent - begin);
    status = node.Send(buffer_);
  }

  if (!status.ok()) {
    NoteFailure(slot, status);
    if (!stopped.has_value()) stopped = ViewOutcome::kAway;
  } else if (IsMissingFunction(error)) {
    stopped = LoadFunctions(slot).ok() ? ViewOutcome::kGap : ViewOutcome::kAway;
  } else if (!error.empty()) {
    if (FollowMoved(slot, error)) return applied - next;
    node.Drop();
    NoteFailure(slot, absl::UnavailableError(error));
  }
  if (stopped.has_value()) {
    std::fill(outcomes->begin() + static_cast<std::ptrdiff_t>(applied), outcomes->end(), *stopped);
  }
  return requests.size() - next;
}

absl::StatusOr<std::optional<ViewMeta>> RedisView::Meta(const ShardId& shard) {
  const std::string key = MetaKey(shard);
  std::optional<ViewMeta> meta;
  const absl::Status status = Call(
      HashSlot(key), Command({"HMGET", key, "log_id", "epoch", "generation", "applied", "whole"}),
      [&](const redisReply& reply) { meta = ParseMeta(reply); });
  if (status.ok()) return meta;
  // Someone put another type there: no meta, and the next claim replaces it.
  if (status.message().find("WRONGTYPE") == 0) return std::nullopt;
  return status;
}

absl::StatusOr<ViewRead> RedisView::Read(const ShardId& shard,
                                         const std::vector<std::string>& keys) {
  if (keys.size() > kReadKeysMax) return absl::InvalidArgumentError("too many keys in one read");
  const std::string meta = MetaKey(shard);
  std::string command;
  AppendHeader(&command, 5 + keys.size());
  for (const std::string_view argument :
       {std::string_view("FCALL_RO"), std::string_view("regulars_r1_read"), std::string_view("1"),
        std::string_view(meta)}) {
    AppendArgument(&command, argument);
  }
  AppendArgument(&command, KeyPrefix(shard));
  for (const std::string& key : keys) AppendArgument(&command, key);

  ViewRead read;
  read.values.resize(keys.size());
  const auto parse = [&](const redisReply& reply) {
    if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 2) return;
    read.meta = ParseMeta(*reply.element[0]);
    const redisReply& values = *reply.element[1];
    if (!read.meta.has_value() || values.elements != keys.size()) return;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (IsText(*values.element[i])) read.values[i] = std::string(Text(*values.element[i]));
    }
  };
  const int32_t slot = HashSlot(meta);
  absl::Status status = Call(slot, command, parse);
  if (absl::IsNotFound(status)) {
    status = LoadFunctions(slot);
    if (status.ok()) status = Call(slot, command, parse);
  }
  if (!status.ok()) return absl::UnavailableError(status.message());
  return read;
}

}  // namespace regulars::redis
