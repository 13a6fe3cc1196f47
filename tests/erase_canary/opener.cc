// erase_canary_opener: tries every key it is given on everything sealed that it is shown.
//
//   erase_canary_opener --pool=P [--keys=FILE]... <values
//
// Standard input: one value per line, `<label> <entity or -> <base64>`. Files: keys in the form of
// libs/seal KeyRing. A value is looked through as protobuf, to any depth, for types.v1.Sealed
// (a key id, 12 bytes of nonce, a ciphertext). Each one is tried with every key at every place that
// the system binds seals to, whatever key id it names; what opens is looked through in turn, and a
// data key that a KEK unwraps, or that a transport key derives, is a key from then on. Output: one
// line of JSON, {"sealed", "opened", "data_keys", "clear": [base64, ...]}.
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
    rings_.push_back(*ring);
    wrappers_.emplace_back(*ring);
    if (auto transport = seal::TransportKeys::Load(path); transport.ok()) {
      transports_.push_back(*std::move(transport));
    }
  }

  void AddValue(const std::string& entity, const std::string& value) {
    if (entity.starts_with("m_")) members_.insert(entity);
    // A store may put a few bytes of its own before the value.
    for (size_t skip = 0; skip <= kFramingMax && skip < value.size(); ++skip) {
      Look(std::string_view(value).substr(skip), 0);
    }
  }

  // Until nothing new opens.
  nlohmann::json Run() {
    for (size_t before = 0; before != clear_.size() + data_keys_.size() || before == 0;) {
      before = clear_.size() + data_keys_.size();
      DeriveDataKeys();
      const std::vector<seal::Box> boxes = Boxes();
      for (const seal::Box& box : boxes) Try(box);
      if (before == clear_.size() + data_keys_.size()) break;
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
        members_.insert(std::string(field.bytes));
      }
      Look(field.bytes, depth + 1);
    }
    if (!box.key_id.empty() && !box.nonce.empty() && box.ciphertext.size() >= seal::kTagBytes) {
      boxes_.insert({{box.key_id, box.nonce}, box.ciphertext});
    }
  }

  [[nodiscard]] std::vector<seal::Box> Boxes() const {
    std::vector<seal::Box> boxes;
    for (const auto& [head, ciphertext] : boxes_) {
      boxes.push_back({head.first, head.second, ciphertext});
    }
    return boxes;
  }

  void Take(const seal::Box& box, const std::string& text) {
    opened_.insert({{box.key_id, box.nonce}, box.ciphertext});
    if (clear_.insert(text).second) Look(text, 0);
  }

  void AddDataKey(const std::string& seed) {
    if (seed.size() == seal::kKeyBytes) data_keys_.emplace(seed, seal::DataKey(seed));
  }

  // Who holds the transport key of a seal can compute the data key that was made from it.
  void DeriveDataKeys() {
    for (const seal::Box& box : Boxes()) {
      for (const auto& transport : transports_) {
        for (const std::string& member : members_) {
          const auto seed = transport->DeriveSeed(box, identity::vault::KeyPlace(pool_, member));
          // Only of seals that it opens: others made no key.
          if (seed.ok() && transport->Open(box, Cat(pool_, "/contact")).ok()) AddDataKey(*seed);
        }
      }
    }
  }

  void Try(const seal::Box& box) {
    const std::string places[] = {Cat(pool_, "/contact"), Cat(pool_, "/text"),
                                  Cat(pool_, "/quarantine"), Cat("set-aside/", pool_)};
    for (const seal::KeyRing& ring : rings_) {
      const seal::Sealer sealer(ring, seal::RandomNonces());
      for (const std::string& place : places) {
        for (const std::string& id : ring.ids()) {
          seal::Box named = box;
          named.key_id = id;
          for (const seal::Box* one : {&box, static_cast<const seal::Box*>(&named)}) {
            if (const auto text = sealer.Open(*one, place); text.ok()) Take(box, *text);
          }
        }
      }
    }
    for (const std::string& member : members_) {
      for (const seal::KeyFileWrapper& wrapper : wrappers_) {
        const auto key = wrapper.Unwrap(box, identity::vault::KeyPlace(pool_, member));
        if (!key.ok()) continue;
        opened_.insert({{box.key_id, box.nonce}, box.ciphertext});
        AddDataKey(key->seed());
      }
      if (box.key_id != seal::kDataKeyId) continue;
      for (const auto& [seed, key] : data_keys_) {
        for (const char* kind : kKinds) {
          const std::string place = Cat("contact/", pool_, "/", member, "/", kind);
          if (const auto text = key.Open(box, place); text.ok()) Take(box, *text);
        }
      }
    }
  }

  const std::string pool_;
  std::vector<seal::KeyRing> rings_;
  std::vector<seal::KeyFileWrapper> wrappers_;
  std::vector<std::unique_ptr<seal::TransportKeys>> transports_;
  std::set<std::string> members_;
  std::set<BoxKey> boxes_;
  std::set<BoxKey> opened_;
  std::map<std::string, seal::DataKey> data_keys_;
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
