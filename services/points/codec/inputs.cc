#include "services/points/codec/inputs.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "google/protobuf/arena.h"
#include "libs/base/assert.h"
#include "libs/base/base32.h"
#include "libs/base/hash.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/time.h"
#include "libs/model/names.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/points/v1/points_handoff.pb.h"
#include "regulars/points/v1/points_service.pb.h"

namespace regulars::points {
namespace {

constexpr size_t kTouchIdMax = 128;
constexpr size_t kFragmentIdMax = 63;
constexpr size_t kCurrencyLetters = 3;
constexpr size_t kArenaBlockBytes = 4096;

absl::Status Invalid(std::string_view reason, std::string_view message) {
  return DomainError(absl::StatusCode::kInvalidArgument, reason, message);
}

void SetBody(shard::Input* input, Body body) {
  input->body = std::make_shared<const Body>(std::move(body));
}

// 1..max bytes without control characters; UTF-8 was checked by the parser.
bool IsId(std::string_view id, size_t max) {
  return !id.empty() && id.size() <= max && std::none_of(id.begin(), id.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

bool IsCurrency(std::string_view code) {
  return code.size() == kCurrencyLetters &&
         std::all_of(code.begin(), code.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// What OrderPaid and OrderRefunded have in common.
template <typename Order>
absl::Status ReadOrder(const Order& order, const std::string& source, std::string* order_key) {
  const std::string& scope = order.order_scope().empty() ? source : order.order_scope();
  if (!IsId(scope, kOrderScopeMax)) {
    return Invalid("ORDER_SCOPE_INVALID", "order scope must be 1..64 bytes, no control characters");
  }
  if (!IsId(order.order_id(), kOrderIdMax)) {
    return Invalid("ORDER_ID_INVALID", "order id must be 1..128 bytes, no control characters");
  }
  *order_key = OrderKey(scope, order.order_id());
  if (order_key->size() > kOrderKeyMax) {
    return Invalid("ORDER_ID_INVALID", "order scope and id are too long when '/' is escaped");
  }
  if (order.amount_minor() < 0 || order.amount_minor() > kAmountMinorMax) {
    return Invalid("AMOUNT_OUT_OF_RANGE", "amount_minor must be in 0..10^13");
  }
  if (!IsCurrency(order.currency_code())) {
    return Invalid("CURRENCY_INVALID", "currency_code must be three capital letters");
  }
  return absl::OkStatus();
}

template <typename Request>
absl::Status ParseRequest(const shard::Input& input, Request* request) {
  if (!request->ParseFromString(input.payload)) {
    return Invalid("PAYLOAD_MALFORMED", "the request does not parse");
  }
  return absl::OkStatus();
}

// Checks `name` against the pool's program, makes its member the entity if none is given, and
// returns the ids of the name.
absl::StatusOr<std::vector<std::string>> ReadName(const ProgramConfig* program,
                                                  const std::string& name, std::string_view pattern,
                                                  shard::Input* input) {
  REGULARS_ASSIGN_OR_RETURN(std::vector<std::string> ids, model::ParseName(name, pattern));
  if (ids[0] != input->pool) {
    return DomainError(absl::StatusCode::kPermissionDenied, "POOL_MISMATCH",
                       "the name is in another pool");
  }
  if (program == nullptr || program->program != ids[2]) {
    return DomainError(absl::StatusCode::kNotFound, "PROGRAM_UNKNOWN",
                       "the pool has no such program");
  }
  if (input->entity.empty()) input->entity = ids[1];
  return ids;
}

// The name that the caller used, if it is not the entity's own.
std::string AliasOf(const std::vector<std::string>& ids, const shard::Input& input) {
  return ids[1] == input.entity ? "" : ids[1];
}

// A command counts from the clock at which it is applied; the ledger knows that.
Origin CommandOrigin(const shard::Input& input) {
  return {.touch_id = "", .request_id = input.id, .fragment_id = "", .effective_us = 0};
}

}  // namespace

namespace {

// `forwarded`: it came to an alias of the entity.
absl::Status DecodeResolved(shard::Input* input, bool* skip, bool forwarded) {
  if (input->type != kMemberResolvedType) {
    *skip = true;
    return absl::OkStatus();
  }
  // One block on the stack for the whole message: this is the hot path.
  alignas(std::max_align_t) char block[kArenaBlockBytes];
  google::protobuf::Arena arena(block, sizeof(block));
  auto& event = *google::protobuf::Arena::CreateMessage<identity::v1::MemberResolved>(&arena);
  if (!event.ParseFromString(input->payload)) {
    return Invalid("PAYLOAD_MALFORMED", "MemberResolved does not parse");
  }
  if (!model::IsValidMemberId(event.member()) || (!forwarded && event.member() != input->entity)) {
    return Invalid("MEMBER_INVALID", "the member is not the subject of the record");
  }
  const ingest::v1::Touch& touch = event.touch();
  const ingest::v1::TouchBody& body = touch.body();
  if (!body.has_order_paid() && !body.has_order_refunded()) {
    *skip = !event.is_new_member();
    SetBody(input, MemberSeen{event.fragment_id()});
    return absl::OkStatus();
  }
  if (!IsValidInstant(touch.occurred_us())) {
    return Invalid("TIME_INVALID", "occurred_us is before 1970 or after 9999");
  }
  if (touch.touch_id().size() > kTouchIdMax || event.fragment_id().size() > kFragmentIdMax) {
    return Invalid("TOUCH_INVALID", "touch id or fragment id is too long");
  }
  Origin origin{.touch_id = touch.touch_id(),
                .request_id = "",
                .fragment_id = event.fragment_id(),
                .effective_us = touch.occurred_us()};
  std::string order_key;
  if (body.has_order_paid()) {
    REGULARS_RETURN_IF_ERROR(ReadOrder(body.order_paid(), touch.source(), &order_key));
    SetBody(input, PaidOrder{.order_key = std::move(order_key),
                             .amount_minor = body.order_paid().amount_minor(),
                             .currency_code = body.order_paid().currency_code(),
                             .origin = std::move(origin)});
    return absl::OkStatus();
  }
  const ingest::v1::OrderRefunded& refund = body.order_refunded();
  REGULARS_RETURN_IF_ERROR(ReadOrder(refund, touch.source(), &order_key));
  if (!IsId(refund.refund_id(), kRefundIdMax)) {
    return Invalid("REFUND_ID_INVALID", "refund id must be 1..128 bytes, no control characters");
  }
  SetBody(input, RefundedOrder{.order_key = std::move(order_key),
                               .refund_id = refund.refund_id(),
                               .amount_minor = refund.amount_minor(),
                               .currency_code = refund.currency_code(),
                               .whole_order = refund.whole_order(),
                               .origin = std::move(origin)});
  return absl::OkStatus();
}

absl::Status DecodeHandoff(handoff::Inbound inbound, shard::Input* input) {
  Handoff body{.inbound = std::move(inbound), .record = nullptr};
  if (const auto* message = std::get_if<handoff::v1::HandoffMessage>(&body.inbound)) {
    if (message->has_page()) {
      if (!v1::PointsPage().ParseFromString(message->page().cargo())) {
        return Invalid("PAYLOAD_MALFORMED", "a page of points does not parse");
      }
    } else if (message->has_record()) {
      const handoff::v1::ForwardedRecord& record = message->record();
      shard::Input inner = *input;
      inner.type = record.type();
      inner.id = record.id();
      inner.payload = record.payload();
      inner.time_us = record.time_us();
      bool skip = false;
      REGULARS_RETURN_IF_ERROR(DecodeResolved(&inner, &skip, /*forwarded=*/true));
      if (!skip) {
        body.record = inner.body;
        identity::v1::MemberResolved event;
        if (event.ParseFromString(record.payload())) body.named = event.member();
      }
    }
  }
  SetBody(input, std::move(body));
  return absl::OkStatus();
}

}  // namespace

absl::Status DecodeRecord(shard::Input* input, bool* skip) {
  std::optional<handoff::Inbound> inbound;
  REGULARS_RETURN_IF_ERROR(handoff::ReadInbound(*input, &inbound));
  if (inbound.has_value()) return DecodeHandoff(*std::move(inbound), input);
  return DecodeResolved(input, skip, /*forwarded=*/false);
}

absl::Status DecodeCommand(const ProgramConfig* program, shard::Input* input) {
  if (input->type == "RedeemPoints") {
    v1::RedeemPointsRequest request;
    REGULARS_RETURN_IF_ERROR(ParseRequest(*input, &request));
    REGULARS_ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                              ReadName(program, request.name(), kBalancePattern, input));
    SetBody(input, Redemption{.redemption_id = request.redemption_id(),
                              .points = request.points(),
                              .reason = request.reason(),
                              .origin = CommandOrigin(*input),
                              .member = AliasOf(ids, *input)});
    return absl::OkStatus();
  }
  if (input->type == "ReversePoints") {
    v1::ReversePointsRequest request;
    REGULARS_RETURN_IF_ERROR(ParseRequest(*input, &request));
    REGULARS_ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                              ReadName(program, request.name(), kRedemptionPattern, input));
    SetBody(input, Reversal{.redemption_id = ids.back(),
                            .reason = request.reason(),
                            .origin = CommandOrigin(*input),
                            .member = AliasOf(ids, *input)});
    return absl::OkStatus();
  }
  return Invalid("TYPE_UNKNOWN", "points knows no such command");
}

absl::Status DecodeQuery(const ProgramConfig* program, shard::Input* input) {
  if (input->type == "GetBalance") {
    v1::GetBalanceRequest request;
    REGULARS_RETURN_IF_ERROR(ParseRequest(*input, &request));
    REGULARS_RETURN_IF_ERROR(ReadName(program, request.name(), kBalancePattern, input).status());
    SetBody(input, BalanceQuery());
    return absl::OkStatus();
  }
  if (input->type == "ListEntries") {
    v1::ListEntriesRequest request;
    REGULARS_RETURN_IF_ERROR(ParseRequest(*input, &request));
    REGULARS_RETURN_IF_ERROR(ReadName(program, request.parent(), kBalancePattern, input).status());
    if (request.page_size() < 0) return Invalid("PAGE_SIZE_INVALID", "page_size is negative");
    EntriesQuery query{.page_size = request.page_size() == 0
                                        ? limits::kPageSizeDefault
                                        : std::min(request.page_size(), limits::kPageSizeMax),
                       .from_sequence = 0};
    if (!request.page_token().empty()) {
      const std::optional<int64_t> from = ParsePageToken(request.parent(), request.page_token());
      if (!from) return Invalid("PAGE_TOKEN_INVALID", "page_token is not one of this ledger");
      query.from_sequence = *from;
    }
    SetBody(input, query);
    return absl::OkStatus();
  }
  return Invalid("TYPE_UNKNOWN", "points knows no such query");
}

const Body& BodyOf(const shard::Input& input) {
  REGULARS_ASSERT(input.body != nullptr, "an input was not decoded");
  return *static_cast<const Body*>(input.body.get());
}

std::string PageToken(std::string_view balance_name, int64_t from_sequence) {
  return Base32Encode(Cat(from_sequence, "/", Xxh3(Cat(balance_name, "/", from_sequence))));
}

std::optional<int64_t> ParsePageToken(std::string_view balance_name, std::string_view token) {
  if (token.size() > limits::kPageTokenMax) return std::nullopt;
  const std::optional<std::string> text = Base32Decode(token);
  if (!text) return std::nullopt;
  int64_t sequence = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), sequence);
  if (error != std::errc() || sequence < 1) return std::nullopt;
  if (PageToken(balance_name, sequence) != token) return std::nullopt;
  return sequence;
}

}  // namespace regulars::points
