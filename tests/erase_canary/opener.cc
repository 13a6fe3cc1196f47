// erase_canary_opener: tries every key it is given on everything sealed that it is shown.
//
//   erase_canary_opener --pool=P [--keys=FILE]... <values
//
// Standard input: one value per line, `<label> <entity or -> <base64>`. Files: keys in the form of
// libs/seal KeyRing. A value is looked through as protobuf, to any depth, for types.v1.Sealed
// (a key id, 12 bytes of nonce, a ciphertext). Each one is tried with the key that it names (the
// key id is bound to a seal) at every place that the system binds seals to, and as a data key under
// every KEK; what opens is looked through in turn, and a data key that a KEK unwraps, or that a
// transport key derives, is tried on everything at the places of its member. Output: one line of
// JSON, {"sealed", "opened", "data_keys", "clear": [base64, ...]}.
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "libs/base/text.h"
#include "libs/seal/envelope.h"
#include "libs/seal/seal.h"
#include "libs/seal/transport_keys.h"
#include "nlohmann/json.hpp"
#include "services/identity/vault/data_key.h"

namespace regulars {
namespace {

constexpr int kDepthMax = 12;
constexpr size_t kFramingMax = 16;
constexpr const char* kKinds[] = {"phone", "email", "name", "address"};

std::optional<uint64_t> ReadVarint(std::string_view* bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes->empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

struct Field {
  uint64_t number = 0;
  std::string_view bytes;  // of wire type 2
};

// The length-delimited fields of a message; nullopt if the bytes are no message.
std::optional<std::vector<Field>> FieldsOf(std::string_view bytes) {
  std::vector<Field> fields;
  while (!bytes.empty()) {
    const std::optional<uint64_t> tag = ReadVarint(&bytes);
    if (!tag || *tag >> 3 == 0) return std::nullopt;
    size_t skip = 0;
    switch (*tag & 7) {
      case 0:
        if (!ReadVarint(&bytes)) return std::nullopt;
        break;
      case 1:
        skip = 8;
        break;
      case 2: {
        const std::optional<uint64_t> size = ReadVarint(&bytes);
        if (!size || *size > bytes.size()) return std::nullopt;
        fields.push_back({*tag >> 3, bytes.substr(0, *size)});
        skip = *size;
        break;
      }
      case 5:
        skip = 4;
        break;
      default:
        return std::nullopt;
    }
    if (skip > bytes.size()) return std::nullopt;
    bytes.remove_prefix(skip);
  }
  return fields;
}

bool IsKeyId(std::string_view text) {
  if (text.empty() || text.size() > seal::kKeyIdMax) return false;
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f) return false;
  }
  return true;
}

class Opener {
 public:
  explicit Opener(std::string pool) : pool_(std::move(pool)) {}

  void AddKeys(const std::string& path) {
    const auto ring = seal::KeyRing::Load(path);
    if (!ring.ok()) return;  // a file without keys opens nothing
    sealers_.emplace_back(*ring, seal::RandomNonces());
    wrappers_.emplace_back(*ring);
    if (auto transport = seal::TransportKeys::Load(path); transport.ok()) {
      transports_.push_back(*std::move(transport));
    }
  }

  void AddValue(const std::string& entity, const std::string& value) {
    // Who stands beside a seal may be the one whose key was made of it.
    beside_.clear();
    if (entity.starts_with("m_")) beside_.insert(entity);
    for (int pass = 0; pass < 2; ++pass) {
      // A store may put a few bytes of its own before the value.
      for (size_t skip = 0; skip <= kFramingMax && skip < value.size(); ++skip) {
        Look(std::string_view(value).substr(skip), 0);
      }
    }
    members_.insert(beside_.begin(), beside_.end());
  }

  // Until nothing new opens.
  nlohmann::json Run() {
    for (size_t before = SIZE_MAX; before != clear_.size() + data_keys_.size();) {
      before = clear_.size() + data_keys_.size();
      std::vector<BoxKey> all;
      for (const auto& [box, beside] : boxes_) all.push_back(box);
      for (const BoxKey& box : all) Try(box);
      for (const BoxKey& box : all) TryDataKeys(box);
    }
    nlohmann::json out = {{"sealed", boxes_.size()},
                          {"opened", opened_.size()},
                          {"data_keys", data_keys_.size()},
                          {"clear", nlohmann::json::array()}};
    for (const std::string& text : clear_) out["clear"].push_back(absl::Base64Escape(text));
    return out;
  }

 private:
  using BoxKey = std::pair<std::pair<std::string, std::string>, std::string>;

  void Look(std::string_view bytes, int depth) {
    if (depth > kDepthMax) return;
    const auto fields = FieldsOf(bytes);
    if (!fields) return;
    seal::Box box;
    for (const Field& field : *fields) {
      if (field.number == 1 && IsKeyId(field.bytes)) box.key_id = std::string(field.bytes);
      if (field.number == 2 && field.bytes.size() == seal::kNonceBytes) {
        box.nonce = std::string(field.bytes);
      }
      if (field.number == 3) box.ciphertext = std::string(field.bytes);
      if (field.bytes.starts_with("m_") && field.bytes.size() == 28) {
        beside_.insert(std::string(field.bytes));
      }
      Look(field.bytes, depth + 1);
    }
    if (!box.key_id.empty() && !box.nonce.empty() && box.ciphertext.size() >= seal::kTagBytes) {
      boxes_[{{box.key_id, box.nonce}, box.ciphertext}].insert(beside_.begin(), beside_.end());
    }
  }

  static seal::Box BoxOf(const BoxKey& key) {
    return {key.first.first, key.first.second, key.second};
  }

  void Take(const BoxKey& box, const std::string& text) {
    opened_.insert(box);
    if (!clear_.insert(text).second) return;
    beside_ = boxes_[box];
    Look(text, 0);
    members_.insert(beside_.begin(), beside_.end());
  }

  void AddDataKey(const std::string& member, const std::string& seed) {
    if (seed.size() == seal::kKeyBytes) {
      data_keys_.emplace(std::pair(member, seed), seal::DataKey(seed));
    }
  }

  void Try(const BoxKey& key) {
    const seal::Box box = BoxOf(key);
    const std::string places[] = {Cat(pool_, "/contact"), Cat(pool_, "/text"),
                                  Cat(pool_, "/quarantine"), Cat("set-aside/", pool_)};
    for (const seal::Sealer& sealer : sealers_) {
      for (const std::string& place : places) {
        if (const auto text = sealer.Open(box, place); text.ok()) Take(key, *text);
      }
    }
    // Who holds the transport key of a seal can compute the data key that was made of it.
    for (const auto& transport : transports_) {
      if (!transport->Open(box, places[0]).ok()) continue;
      for (const std::string& member : std::set<std::string>(boxes_[key])) {
        const auto seed = transport->DeriveSeed(box, identity::vault::KeyPlace(pool_, member));
        if (seed.ok()) AddDataKey(member, *seed);
      }
    }
    // A wrapped data key has one size.
    const bool may_be_key = box.ciphertext.size() == seal::kKeyBytes + seal::kTagBytes;
    for (const std::string& member : members_) {
      for (const seal::KeyFileWrapper& wrapper : wrappers_) {
        if (!may_be_key) break;
        const auto opened = wrapper.Unwrap(box, identity::vault::KeyPlace(pool_, member));
        if (!opened.ok()) continue;
        opened_.insert(key);
        AddDataKey(member, opened->seed());
      }
    }
  }

  // Under a data key: at the places of its member.
  void TryDataKeys(const BoxKey& key) {
    if (key.first.first != seal::kDataKeyId) return;
    const seal::Box box = BoxOf(key);
    for (const auto& [owner, data_key] : data_keys_) {
      for (const char* kind : kKinds) {
        const auto text = data_key.Open(box, Cat("contact/", pool_, "/", owner.first, "/", kind));
        if (text.ok()) Take(key, *text);
      }
    }
  }

  const std::string pool_;
  std::vector<seal::Sealer> sealers_;
  std::vector<seal::KeyFileWrapper> wrappers_;
  std::vector<std::unique_ptr<seal::TransportKeys>> transports_;
  std::set<std::string> members_;
  std::set<std::string> beside_;                   // members in the value that is looked through
  std::map<BoxKey, std::set<std::string>> boxes_;  // and the members beside each
  std::set<BoxKey> opened_;
  std::map<std::pair<std::string, std::string>, seal::DataKey> data_keys_;  // by member and seed
  std::set<std::string> clear_;
};

int Main(int argc, char** argv) {
  std::string pool;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with("--pool=")) pool = word.substr(7);
    if (word.starts_with("--keys=")) files.emplace_back(word.substr(7));
  }
  if (pool.empty()) {
    std::fprintf(stderr, "--pool is missing\n");
    return 2;
  }
  Opener opener(pool);
  for (const std::string& file : files) opener.AddKeys(file);
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::vector<std::string> parts = absl::StrSplit(line, ' ');
    std::string value;
    if (parts.size() != 3 || !absl::Base64Unescape(parts[2], &value)) {
      std::fprintf(stderr, "not a value: %s\n", line.substr(0, 60).c_str());
      return 2;
    }
    opener.AddValue(parts[1], value);
  }
  std::printf("%s\n", opener.Run().dump().c_str());
  return 0;
}

}  // namespace
}  // namespace regulars

int main(int argc, char** argv) { return regulars::Main(argc, argv); }
