// One member's book, for tests and the benchmark: a PointsProgram over an entity kept in memory,
// with the runtime's rules for it: due timers fire before an input, each effect is applied at once,
// limits hold. It builds real records and requests, so that codec and kernel are tested as one.
// Thread-safety: none.
#ifndef REGULARS_SERVICES_POINTS_CODEC_BOOK_H_
#define REGULARS_SERVICES_POINTS_CODEC_BOOK_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/assert.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/points/v1/points_service.pb.h"
#include "regulars/points/v1/points_state.pb.h"
#include "services/points/codec/points_program.h"

namespace regulars::points {

class MemoryEntity : public shard::EntityState {
 public:
  std::optional<std::string> Get(std::string_view sub) const override;
  std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                          std::string_view from) const override;
  std::optional<int64_t> Timer(std::string_view name) const override;

  std::map<std::string, std::string, std::less<>> values;
  std::map<std::string, int64_t, std::less<>> timers;
  mutable int64_t gets = 0;
  mutable int64_t seeks = 0;
};

class Book {
 public:
  static constexpr std::string_view kPool = "cofco";
  static constexpr std::string_view kMember = "m_7h2kq0v3n8c1xw5zt4ydg6pb2j";

  explicit Book(const ProgramConfig& config, std::string_view member = kMember);

  // Every call moves the clock to `now_us` (never back), fires what is due, applies, and returns
  // the outcome's label. A record that Decode refuses gives the reason of the refusal, a skipped
  // one "skip".
  std::string Paid(std::string_view order, int64_t amount_minor, int64_t occurred_us,
                   int64_t now_us, std::string_view currency = "USD");
  std::string Refunded(std::string_view order, std::string_view refund, int64_t amount_minor,
                       bool whole, int64_t occurred_us, int64_t now_us,
                       std::string_view currency = "USD");
  std::string Touched(const identity::v1::MemberResolved& event, int64_t now_us);
  std::string Redeem(std::string_view id, int64_t points, int64_t now_us,
                     std::string_view reason = "");
  std::string Reverse(std::string_view id, int64_t now_us, std::string_view reason = "");
  // Due timers only. `late`: they all fire with now = `now_us`, as after a standstill.
  void Advance(int64_t now_us, bool late = false);

  shard::Reply Query(std::string_view type, const google::protobuf::MessageLite& request) const;
  v1::Balance Balance() const;
  v1::ListEntriesResponse Entries(int page_size, std::string_view token = "") const;

  // An order's record as identity publishes it.
  static identity::v1::MemberResolved Resolved(std::string_view touch_id, int64_t occurred_us);
  static std::string BalanceName();

  // Decodes and applies; `effects` stays valid until the next call.
  std::string Apply(shard::Input input);
  shard::Input Record(const identity::v1::MemberResolved& event, int64_t now_us) const;

  v1::PointsRoot Root() const;

  MemoryEntity state;
  PointsProgram program;
  shard::Effects effects;  // of the newest input
  std::map<std::string, int64_t> sums;
  std::vector<shard::Publish> published;
  int64_t now_us = 0;
  int64_t changelog_bytes = 0;  // keys with pool and member, and values, of the newest input
  std::string member;

 private:
  void Carry();
};

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_CODEC_BOOK_H_
