// A touch as callers send it: validation, the normal form, ingest's record, and the way through
// identity to points, segmentation and messaging. What ingest accepts stops nobody behind it.
#include <google/protobuf/stubs/logging.h>

#include <string>
#include <string_view>
#include <vector>

#include "libs/base/hash.h"
#include "libs/base/placement.h"
#include "libs/base/status.h"
#include "libs/base/time.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "services/identity/codec/identity_program.h"
#include "services/ingest/codec/records.h"
#include "services/ingest/kernel/canonical.h"
#include "services/ingest/kernel/good_touches.h"
#include "services/ingest/kernel/validate.h"
#include "services/messaging/codec/program.h"
#include "services/points/codec/points_program.h"
#include "services/segmentation/codec/program.h"
#include "tests/fuzz/shard.h"

namespace regulars::fuzz {
namespace {

struct Programs {
  identity::IdentityProgram identity;
  points::PointsProgram points{{{std::string(kPool), points::ProgramConfig()}}};
  segmentation::SegmentationProgram segmentation{{}};
  messaging::MessagingProgram messaging{
      {.default_campaigns = {{.id = "win-back", .segment = "lapsed", .template_name = "t"}},
       .pools = {}}};
};

const Programs& All() {
  static const auto* const programs = new Programs;
  return *programs;
}

// One shard of each service.
class System {
 public:
  void Touch(const ingest::CanonicalTouch& canonical) {
    static const ingest::Records records(1, Placement(4));
    const kafka::OutRecord record = records.Touch(kPool, canonical);
    FUZZ_CHECK(kafka::RecordBytes(record) <= kafka::kRecordBytesMax);
    const std::vector<events::HeaderView> headers(record.headers.begin(), record.headers.end());
    const auto event = events::FromHeaders(headers);
    FUZZ_CHECK(event.ok());
    Send(&identity_, std::string(event->type), std::string(event->subject), *record.value);
    for (const shard::Publish& out : identity_.TakePublished()) {
      if (out.kind == events::kLinksKind) {
        Send(&identity_, out.type, out.entity, out.payload);
      } else {
        Send(&points_, out.type, out.entity, out.payload);
        Send(&segmentation_, out.type, out.entity, out.payload);
      }
    }
    for (const shard::Publish& out : segmentation_.TakePublished()) {
      Send(&messaging_, out.type, out.entity, out.payload);
    }
  }
  void Advance(int64_t us) {
    for (Shard* shard : {&identity_, &points_, &segmentation_, &messaging_}) shard->Advance(us);
  }
  int64_t now_us() const { return identity_.now_us(); }

 private:
  void Send(Shard* to, const std::string& type, const std::string& entity,
            const std::string& payload) {
    shard::Input input;
    input.type = type;
    input.entity = entity;
    input.payload = payload;
    input.time_us = to->now_us();
    input.partition = 0;
    input.offset = offset_++;
    to->Feed(std::move(input));
  }

  Shard identity_{&All().identity}, points_{&All().points}, segmentation_{&All().segmentation},
      messaging_{&All().messaging};
  int64_t offset_ = 0;
};

std::string Hmac(std::string_view type, std::string_view scope, std::string_view normal) {
  const uint64_t hash = Xxh3(normal) ^ Xxh3(type) ^ (Xxh3(scope) << 1);
  std::string out;
  for (int i = 0; i < 32; ++i) out.push_back(static_cast<char>(hash >> (i % 8 * 8)));
  return out;
}

}  // namespace

// Touches one after the other: a byte of quarter days to wait, then the message.
void One(std::string_view input) {
  const google::protobuf::LogSilencer quiet;
  constexpr int kTouchesMax = 8;
  static const ingest::PoolRules* const rules = [] {
    auto* made = new ingest::PoolRules;
    made->pool = kPool;
    return made;
  }();
  System system;
  Bytes bytes(input);
  for (int i = 0; i < kTouchesMax && !bytes.empty(); ++i) {
    system.Advance(bytes.Byte() * (kMicrosPerDay / 4));
    ingest::v1::TouchInput touch;
    if (!touch.ParseFromString(std::string(bytes.Text()))) continue;
    ingest::NormalIdentifiers identifiers;
    if (const auto refusal = ingest::Validate(touch, *rules, system.now_us(), &identifiers)) {
      FUZZ_CHECK(IsValidReason(ReasonOf(ingest::ToStatus(*refusal))));
      continue;
    }
    system.Touch(ingest::Canonicalize(&touch, identifiers, system.now_us(), Hmac));
  }
}

std::vector<std::string> Seeds() {
  const auto of = [](std::initializer_list<ingest::v1::TouchInput> touches) {
    Input input;
    for (const auto& touch : touches) input.Byte(1).Text(touch.SerializeAsString());
    return std::string(input);
  };
  ingest::v1::TouchInput second = ingest::GoodOrder();
  second.set_native_id("n2");
  second.mutable_body()->mutable_order_paid()->set_order_id("A2");
  ingest::v1::TouchInput contact = ingest::GoodChat();
  contact.mutable_contact()->set_full_name("Ann");
  types::v1::ClearIdentifier* phone = contact.add_identifiers();
  phone->set_type("phone");
  phone->set_value("+86 138-0013-8000");
  const std::string late(1, '\xff');
  return {of({ingest::GoodOrder()}),
          of({ingest::GoodOrder(), ingest::GoodOrder(), second, ingest::GoodRefund()}),
          of({ingest::GoodRefund(), ingest::GoodOrder()}), of({ingest::GoodScan(), contact}),
          of({ingest::GoodOrder()}) + late + "\0\0" + late + std::string(3, '\0') + of({second})};
}

}  // namespace regulars::fuzz
