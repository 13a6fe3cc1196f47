#include "services/identity/candidates/compared.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "libs/base/base32.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/seal/crypto.h"
#include "libs/seal/envelope.h"
#include "services/identity/candidates/turn.h"
#include "services/identity/match/blocking.h"
#include "services/identity/match/text.h"
#include "services/identity/vault/contact.h"
#include "services/identity/vault/data_key.h"

namespace regulars::identity::candidates {
namespace {

constexpr size_t kPostcodeBytesMax = 10;
constexpr size_t kBlockIdBytes = 16;

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }
bool IsSmall(char c) { return absl::ascii_islower(static_cast<unsigned char>(c)); }

bool IsRegion(std::string_view line) {
  return line.size() == 2 && line[0] >= 'A' && line[0] <= 'Z' && line[1] >= 'A' && line[1] <= 'Z';
}

bool IsPostcode(std::string_view line) {
  return line.size() <= kPostcodeBytesMax && std::any_of(line.begin(), line.end(), IsDigit) &&
         std::none_of(line.begin(), line.end(), IsSmall) &&
         std::all_of(line.begin(), line.end(), [](char c) { return (c & 0x80) == 0; });
}

void SplitName(const std::string& name, match::RecordText* text) {
  match::HanName parts = match::SplitHanName(name);
  if (!parts.surname.empty()) {
    (*text)[match::Field::kSurname] = std::move(parts.surname);
    (*text)[match::Field::kGivenName] = std::move(parts.given_name);
    return;
  }
  const size_t end = name.find_last_not_of(' ');
  const size_t space = end == std::string::npos ? end : name.rfind(' ', end);
  if (space == std::string::npos) {
    (*text)[match::Field::kGivenName] = name;
    return;
  }
  (*text)[match::Field::kGivenName] = name.substr(0, space);
  (*text)[match::Field::kSurname] = name.substr(space + 1);
}

// Takes the first number out of the line.
std::string TakeNumber(std::string* line) {
  const auto first = std::find_if(line->begin(), line->end(), IsDigit);
  const auto last = std::find_if_not(first, line->end(), IsDigit);
  std::string number(first, last);
  line->erase(first, last);
  return number;
}

void SplitAddress(const std::string& address, match::RecordText* text) {
  std::vector<std::string> lines = absl::StrSplit(address, '\n', absl::SkipWhitespace());
  const auto take = [&](match::Field field) {
    (*text)[field] = std::move(lines.back());
    lines.pop_back();
  };
  if (lines.size() > 1 && IsRegion(lines.back())) take(match::Field::kRegion);
  if (lines.size() > 1 && IsPostcode(lines.back())) take(match::Field::kPostcode);
  if (lines.size() > 1) take(match::Field::kLocality);
  if (lines.empty()) return;
  (*text)[match::Field::kStreetNumber] = TakeNumber(&lines.front());
  (*text)[match::Field::kAddress1] = std::move(lines.front());
  if (lines.size() > 1) (*text)[match::Field::kAddress2] = std::move(lines[1]);
}

// No identifier's type holds a slash, so the pepper names no identifier with this key.
std::string BlockingSecret(const seal::Pepper& pepper) {
  return pepper.Hmac("match/blocking", "", "key");
}

// What a comparison is bound to: who sends it to whom.
std::string PlaceOf(std::string_view pool, std::string_view from, std::string_view to) {
  return Cat("comparison/", pool, "/", from, "/", to);
}

absl::StatusOr<seal::DataKey> KeyOf(const std::string& transport_key_id, const std::string& nonce,
                                    std::string_view place, const vault::PoolKeys& keys) {
  REGULARS_ASSIGN_OR_RETURN(std::string seed,
                            keys.transport->DeriveSeed({transport_key_id, nonce, ""}, place));
  return seal::DataKey(std::move(seed));
}

}  // namespace

absl::StatusOr<v1::ComparedContact> ReadCompared(const shard::EntityState& state,
                                                 std::string_view pool, std::string_view member,
                                                 const vault::PoolKeys& keys) {
  v1::ComparedContact contact;
  const std::pair<v1::ContactKind, std::string*> fields[] = {
      {v1::CONTACT_KIND_NAME, contact.mutable_name()},
      {v1::CONTACT_KIND_PHONE, contact.mutable_phone()},
      {v1::CONTACT_KIND_ADDRESS, contact.mutable_address()}};
  for (const auto& [kind, text] : fields) {
    REGULARS_ASSIGN_OR_RETURN(std::vector<vault::ClearValue> values,
                              vault::ReadField(state, pool, member, kind, keys));
    if (!values.empty()) *text = std::move(values.front().text);
  }
  return contact;
}

match::Record RecordOf(const v1::ComparedContact& contact) {
  match::RecordText text;
  SplitName(contact.name(), &text);
  SplitAddress(contact.address(), &text);
  text[match::Field::kPhone] = contact.phone();
  return match::Record::Of(text);
}

std::vector<std::string> BlocksOf(const match::Record& record, const seal::Pepper& pepper) {
  const std::string secret = BlockingSecret(pepper);
  std::vector<std::string> blocks;
  for (const match::BlockingKey& key : match::BlockingKeys(record)) {
    const std::string hmac =
        seal::HmacSha256(secret, Cat(match::NameOf(key.kind), "/", Cat(key.hash)));
    blocks.push_back(Cat(kBlockEntityPrefix, Base32Encode(hmac.substr(0, kBlockIdBytes))));
  }
  std::sort(blocks.begin(), blocks.end());
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  return blocks;
}

absl::StatusOr<v1::Comparison> SealFor(const v1::MatchSelf& self,
                                       const v1::ComparedContact& contact, std::string_view pool,
                                       std::string_view from, std::string_view to,
                                       const vault::PoolKeys& keys) {
  const std::string place = PlaceOf(pool, from, to);
  REGULARS_ASSIGN_OR_RETURN(const seal::DataKey key,
                            KeyOf(self.transport_key_id(), self.transport_nonce(), place, keys));
  v1::Comparison comparison;
  comparison.set_member(std::string(from));
  comparison.set_revision(self.revision());
  comparison.set_transport_key_id(self.transport_key_id());
  comparison.set_transport_nonce(self.transport_nonce());
  *comparison.mutable_contact() =
      vault::SealedOf(key.Seal(contact.SerializeAsString(), place, Cat(self.revision())));
  return comparison;
}

absl::StatusOr<v1::ComparedContact> OpenFrom(const v1::Comparison& comparison,
                                             std::string_view pool, std::string_view to,
                                             const vault::PoolKeys& keys) {
  const std::string place = PlaceOf(pool, comparison.member(), to);
  REGULARS_ASSIGN_OR_RETURN(
      const seal::DataKey key,
      KeyOf(comparison.transport_key_id(), comparison.transport_nonce(), place, keys));
  REGULARS_ASSIGN_OR_RETURN(const std::string text,
                            key.Open(vault::BoxOf(comparison.contact()), place));
  v1::ComparedContact contact;
  if (!contact.ParseFromString(text)) {
    return DomainError(absl::StatusCode::kDataLoss, "SEAL_BROKEN", "not a ComparedContact");
  }
  return contact;
}

}  // namespace regulars::identity::candidates
