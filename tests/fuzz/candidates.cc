// Members that say anything about themselves, messages about candidates that nobody sent, and
// decisions, in a row; what the program sends to itself is delivered.
#include <google/protobuf/stubs/logging.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/seal/envelope.h"
#include "libs/seal/transport_keys.h"
#include "regulars/identity/v1/candidate_service.pb.h"
#include "regulars/identity/v1/candidate_state.pb.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/identity/v1/identity_links.pb.h"
#include "regulars/identity/v1/privacy_events.pb.h"
#include "regulars/identity/v1/privacy_state.pb.h"
#include "regulars/ingest/v1/ingest_service.pb.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/match/match_samples.h"
#include "services/identity/vault/data_key.h"
#include "services/identity/vault/privacy_codec.h"
#include "tests/fuzz/shard.h"

namespace regulars::fuzz {
namespace {

namespace v1 = identity::v1;

enum : int { kContact, kMessage, kConfirm, kReject, kErase, kDoings };
constexpr int kDeliveriesMax = 500;

const std::vector<std::string>& Members() {
  static const auto* const members = new std::vector<std::string>{
      std::string(kMember), "m_00000000000000000000000002", "m_00000000000000000000000003"};
  return *members;
}

struct Keys {
  static std::string Line(const std::string& id, char fill) {
    return Cat(id, " ", absl::Base64Escape(std::string(32, fill)), "\n");
  }
  std::unique_ptr<seal::TransportKeys> transport =
      *seal::TransportKeys::Parse(Line("transport/2020-01-01", 't'));
  seal::KeyFileWrapper wrapper{*seal::KeyRing::Parse(Line("k1", 'k'))};
  seal::Pepper pepper = *seal::Pepper::Parse(Line("p", 'p'), kPool);
};

const Keys& AllKeys() {
  static const auto* const keys = new Keys;
  return *keys;
}

const identity::IdentityProgram& Program() {
  static const auto* const program = [] {
    identity::IdentityOptions options;
    options.pool_links[kPool].enabled = true;
    options.vault_keys[kPool] = {AllKeys().transport.get(), &AllKeys().wrapper, &AllKeys().pepper};
    options.matchers[kPool] =
        std::make_shared<const identity::match::Matcher>(identity::match::SampleParameters());
    return new identity::IdentityProgram(std::move(options));
  }();
  return *program;
}

class Town {
 public:
  Town() {
    int births = 0;
    for (const std::string& member : Members()) {
      v1::IdentifierAnchored born;
      born.set_member(member);
      born.set_fragment_id(Cat("f_", member.substr(2)));
      born.mutable_birth()->set_birth_us(kStartUs + ++births);  // no two are equally old
      born.mutable_identifier()->set_hmac(member.substr(0, 28) + "....");
      Feed(shard::InputKind::kRecord, events::kIdentifierAnchored, member,
           born.SerializeAsString());
    }
  }

  void Report(const std::string& member, Bytes* bytes) {
    ingest::v1::ContactDetails details;
    details.set_full_name(std::string(bytes->Text()));
    details.set_phone(std::string(bytes->Text()));
    details.add_address_lines(std::string(bytes->Text()));
    details.set_city(std::string(bytes->Text()));
    const auto box =
        AllKeys().transport->Seal(details.SerializeAsString(), Cat(kPool, "/contact"), kStartUs);
    if (!box.ok()) return;
    v1::ContactReported report;
    report.set_member(member);
    report.set_touch_id(Cat("t", ++offset_));
    report.set_occurred_us(kStartUs + offset_);
    *report.mutable_contact() = identity::vault::SealedOf(*box);
    Feed(shard::InputKind::kRecord, events::kContactReported, member, report.SerializeAsString());
    Deliver();
  }
  void Message(const std::string& entity, std::string_view bytes) {
    v1::LinkMessage link;
    if (!link.mutable_candidate()->ParseFromString(std::string(bytes))) return;
    Feed(shard::InputKind::kRecord, events::kLinkMessage, entity, link.SerializeAsString());
    Deliver();
  }
  template <typename Request>
  void Decide(std::string_view type, const std::string& member, const std::string& other) {
    Request request;
    request.set_name(Cat("pools/", kPool, "/members/", member, "/candidates/", other));
    v1::CandidateCommand command;
    command.set_request(request.SerializeAsString());
    Feed(shard::InputKind::kCommand, type, member, command.SerializeAsString());
    Deliver();
  }
  void Erase(const std::string& member) {
    Feed(shard::InputKind::kCommand, identity::vault::kEraseMember, member,
         v1::PrivacyCommand().SerializeAsString());
    Deliver();
  }

 private:
  void Feed(shard::InputKind kind, std::string_view type, const std::string& entity,
            std::string payload) {
    shard::Input input;
    input.kind = kind;
    input.type = std::string(type);
    input.entity = entity;
    input.payload = std::move(payload);
    input.time_us = kStartUs;
    input.id = "id";
    input.partition = 0;
    input.offset = ++offset_;
    shard_.Feed(std::move(input));
  }
  void Deliver() {
    int delivered = 0;
    for (std::vector<shard::Publish> next; !(next = shard_.TakePublished()).empty();) {
      for (const shard::Publish& one : next) {
        if (one.kind != events::kLinksKind || ++delivered > kDeliveriesMax) continue;
        Feed(shard::InputKind::kRecord, one.type, one.entity, one.payload);
      }
    }
    FUZZ_CHECK(delivered <= kDeliveriesMax);
  }

  Shard shard_{&Program()};
  int64_t offset_ = 0;
};

Input Says(int member, const std::string& name, const std::string& phone, const std::string& street,
           const std::string& city) {
  return Input().Byte(kContact).Byte(member).Text(name).Text(phone).Text(street).Text(city);
}

}  // namespace

void One(std::string_view input) {
  const google::protobuf::LogSilencer quiet;
  Town town;
  std::set<std::string> erased;
  Bytes bytes(input);
  for (int i = 0; i < 32 && !bytes.empty(); ++i) {
    const int doing = bytes.Byte() % kDoings;
    const size_t who = bytes.Byte();
    const std::string& member = Members()[who % Members().size()];
    const std::string& other = Members()[who / Members().size() % Members().size()];
    if (doing == kContact) town.Report(member, &bytes);
    if (doing == kMessage) town.Message(who % 4 == 3 ? "b_1" : member, bytes.Text());
    // Nobody is a candidate with an erased member, unless a forged message says so: then confirming
    // would ask the link protocol to join it.
    if (doing == kConfirm && !erased.contains(other)) {
      town.Decide<v1::ConfirmCandidateRequest>(identity::candidates::kConfirmCandidate, member,
                                               other);
    }
    if (doing == kReject) {
      town.Decide<v1::RejectCandidateRequest>(identity::candidates::kRejectCandidate, member,
                                              other);
    }
    if (doing == kErase) {
      town.Erase(member);
      erased.insert(member);
    }
  }
}

std::vector<std::string> Seeds() {
  const std::string two = std::string(Says(0, "Ann Wynn", "+8613912345670", "12 Wynn Street", "")) +
                          std::string(Says(1, "王小明", "", "长安街１号", "北京")) +
                          std::string(Says(2, "Ann Wynn", "+8613912345670", "12 Wynn Street", ""));
  const auto doing = [](int what, int who) { return std::string(Input().Byte(what).Byte(who)); };
  v1::CandidateMessage judged;
  judged.mutable_judgement()->set_member(Members()[1]);
  judged.mutable_judgement()->set_revision(1);
  judged.mutable_judgement()->set_asked_revision(1);
  judged.mutable_judgement()->mutable_verdict()->set_band(v1::CANDIDATE_BAND_STRONG);
  v1::CandidateMessage joined;
  joined.mutable_joined()->set_member(Members()[0]);
  const std::string forged =
      doing(kMessage, 0) + std::string(Input().Text(judged.SerializeAsString()));
  const std::string block =
      doing(kMessage, 3) + std::string(Input().Text(joined.SerializeAsString()));
  return {two + doing(kConfirm, 6), two + doing(kReject, 6) + doing(kErase, 2),
          two + forged + doing(kConfirm, 3) + block + doing(kErase, 1)};
}

}  // namespace regulars::fuzz
