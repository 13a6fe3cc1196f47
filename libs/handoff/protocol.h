// How a member's state follows a merge and comes home with a split, exactly once: the protocol
// alone, for any service. What moves is the service's: its Cargo. Pure, as everything a Program
// calls.
//
// A merge of L into S, told by identity to L and to S:
//   L  becomes an alias. It hands its state to S page by page (Cargo::Load); each page is sent when
//      the one before was acknowledged, so a move of any size blocks nothing and fits every limit.
//      Records that still come to L are sent on to S, behind the pages that were sent before.
//   S  applies each page once per (move id, page number) and acknowledges it (Cargo::Unload).
//   L  is settled when the last page is acknowledged. What it keeps is the way to S, for ever.
// A split of S into S and L, told to both: each remembers where the fragments are, hands what has
// them as origin to their member in the same way, and sends later records of them on. L is a member
// of its own again, by identity's word or by a message that knows of the newer life.
//
// Moves overtake each other, so nothing is decided by order of arrival (docs/adr/0007, "four
// rules"). What moves is under a fragment, and a fragment under the number of splits that moved it:
//   * the first page of a move lists the fragments with their numbers, whatever of them is left;
//   * a member that lost a fragment to a split numbered e, or to a merge that listed it under e -
//   1,
//     sends what comes under less than e on to there; what comes under e or more is here again;
//   * what a split lists is left here if it came back under a greater number since;
//   * a fragment that nobody listed yet goes by the name of the member it was heard of under, and a
//     name is where the fragment is that its member began with.
// So "where is it" is a function of what is known (FragmentAt), whatever is under way: a move takes
// along what is at its target (Leaves), and a page keeps what is here. What a page brings that is
// not here is sent on in a move of one page: whoever takes a page answers for all of it. A member
// that became an alias again while pages come to it ends its own move after theirs.
//
// An alias of an alias sends messages on, too; when a record took more than one hop, the last
// member tells the first one (Shortcut), which takes the short way unless it has sent something
// since: so records never overtake each other. A handoff is a message of the service to itself:
// inside one shard the runtime applies it in the sender's transaction (docs/adr/0011), to another
// one it goes by topic. Nobody acts on the state between: commands wait, see below.
//
// Commands: to an alias whose state moves, and to a member that hands over or still awaits pages,
// UNAVAILABLE MEMBER_MOVING with RetryInfo; to a settled alias Reply.survivor, and the gateway goes
// there. A command under the name of an alias is the survivor's only while it has that name.
// Queries to an alias are the survivor's at once.
//
// Use, in Program::Apply, once per input and only if the root says that the member was handed over
// (or the input is an Inbound), so that nobody else pays for it:
//
//   handoff::Protocol protocol(state, input);
//   protocol.Take(inbound, &cargo)                 an Inbound that is not a ForwardedRecord
//   protocol.Elsewhere(fragment), SendOn(...)      a record whose fragment is not here
//   protocol.Applied(...)                          a record that was applied here
//   protocol.Refuse(name)                          a command
//   ... the service's own work ...
//   protocol.Finish(&effects);                     puts, deletes, messages
//
// Keep in the service's root: whether the entity has handoff state (`touched`), and its survivor,
// so that the view can answer for an alias. Input topic: {service, "handoff", clock_channels = -2}.
// Thread-safety: none; lives for one input. Limits: kHopsMax, kCargoBytesMax; a message beyond
// kHopsMax hops is a dead letter HANDOFF_HOPS (it cannot happen while identity's events are sound).
#ifndef REGULARS_LIBS_HANDOFF_PROTOCOL_H_
#define REGULARS_LIBS_HANDOFF_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/handoff/inbound.h"
#include "libs/handoff/keys.h"
#include "libs/shard/kernel.h"
#include "regulars/handoff/v1/handoff_events.pb.h"
#include "regulars/handoff/v1/handoff_state.pb.h"

namespace regulars::handoff {

inline constexpr uint32_t kHopsMax = 64;
inline constexpr size_t kCargoBytesMax = 640 * 1024;  // of one page; names and news stand beside it

inline constexpr std::string_view kMemberMoving = "MEMBER_MOVING";
inline constexpr std::string_view kMemberMerged = "MEMBER_MERGED";
inline constexpr std::string_view kHandoffHops = "HANDOFF_HOPS";

// What a Load fills or an Unload could not take.
struct Unloaded {
  std::string rest;                              // cargo that needs another input; empty = none
  std::map<std::string, std::string> elsewhere;  // member -> cargo of fragments that are there
};

class Protocol;

// A service's state as it moves. Lives for one input.
class Cargo {
 public:
  virtual ~Cargo() = default;
  // Takes out of the state what `move` covers (Protocol::Leaves, LeavesName), from move->cursor on,
  // and puts at most kCargoBytesMax of it into page->cargo; advances the cursor. True: that was
  // all. A page may be empty. Bound the keys it looks at, too.
  virtual bool Load(const Protocol& protocol, v1::Outgoing* move, v1::Page* page) = 0;
  // Every page of `move` was acknowledged.
  virtual void Sent(const v1::Outgoing& move) = 0;
  // Puts the page's cargo into the state. Must commute with the member's own inputs.
  virtual Unloaded Unload(const Protocol& protocol, const v1::Page& page) = 0;
  // Nothing moves to or from this member any more. Called after every message that leaves it so.
  virtual void AtRest() = 0;
};

class Protocol {
 public:
  Protocol(const shard::EntityState& state, const shard::Input& input);

  // Applies a merge, a split, a page, an acknowledgement or a shortcut; the label of the outcome. A
  // message with a record is not for Take: see Elsewhere.
  std::string_view Take(const Inbound& inbound, Cargo* cargo);

  // Where a record of this fragment that names this member belongs; nullopt = here. "" = a record
  // without a fragment; "" = it names the entity itself.
  [[nodiscard]] std::optional<std::string> Elsewhere(std::string_view fragment,
                                                     std::string_view name = "") const;
  // Learns what `message` tells, before its record is looked at.
  void Learn(const v1::HandoffMessage& message, Cargo* cargo);
  // Sends the record of the input on to `to`. `message`: the one it came in, nullptr if it came by
  // its own topic. False: too many hops, it is a dead letter.
  bool SendOn(const std::string& to, const v1::HandoffMessage* message);
  // A forwarded record of `fragment` that names `member` was applied here: an alias far away may
  // learn of a shorter way.
  void Applied(const v1::HandoffMessage& message, std::string_view fragment,
               std::string_view member);

  // The answer to a command for `name` that cannot be applied here now; nullopt = go on.
  [[nodiscard]] std::optional<shard::Reply> Refuse(std::string_view name) const;
  // UNAVAILABLE MEMBER_MOVING.
  [[nodiscard]] static shard::Reply Moving();
  // The answer to a query of an alias.
  [[nodiscard]] static shard::Reply AskSurvivor(std::string_view survivor);

  // For Cargo: what `move` takes along. `name`: a member; "" = the entity itself. The page that is
  // loaded lists every fragment they said yes to.
  [[nodiscard]] bool Leaves(const v1::Outgoing& move, std::string_view fragment) const;
  [[nodiscard]] bool LeavesName(const v1::Outgoing& move, std::string_view name) const;
  // For Cargo: where something of this fragment or name belongs instead of here.
  [[nodiscard]] std::optional<std::string> FragmentAt(std::string_view fragment) const;
  [[nodiscard]] std::optional<std::string> NameAt(std::string_view name) const;

  [[nodiscard]] bool moving() const;     // pages come or go
  [[nodiscard]] bool expecting() const;  // pages come
  [[nodiscard]] const std::string& survivor() const { return root_.redirect().survivor(); }
  [[nodiscard]] const v1::HandoffState& root() const { return root_; }
  [[nodiscard]] const std::string& entity() const { return entity_; }

  // What it decided, added to `effects`. Once, last.
  void Finish(shard::Effects* effects);

 private:
  using Lines = std::map<std::string, v1::Whereabouts, std::less<>>;  // by fragment

  std::string_view TakeMerge(const Merge& merge, Cargo* cargo);
  std::string_view TakeSplit(const Split& split, Cargo* cargo);
  void SendPart(const Split& split, const SplitPart& part, Cargo* cargo);
  void ComeHome(const Split& split, const SplitPart& part);
  std::string_view TakePage(const v1::HandoffMessage& message, Cargo* cargo);
  // Takes in what the page lists; by member, what has to go on to it.
  std::map<std::string, Lines> ComeAlong(const v1::HandoffMessage& message);
  void PassOn(const v1::HandoffMessage& message, const std::string& to, const Lines& lines,
              std::string cargo);
  std::string_view TakeAcknowledgement(const v1::HandoffMessage& message, Cargo* cargo);
  std::string_view TakeShortcut(const v1::HandoffMessage& message);

  // This member lives under `life`, or longer.
  void Live(uint32_t life);
  // A fragment is here under `number`.
  void Counted(const std::string& fragment, uint32_t number);
  // It left under `number` for `member`; false: it came back since.
  bool Left(const v1::Whereabouts& line, uint32_t epoch, const std::string& member, uint32_t life,
            uint32_t ended);
  [[nodiscard]] v1::Whereabouts LineOf(std::string_view fragment) const;
  void ForEachFragment(
      const std::function<void(const std::string&, const v1::KnownFragment&)>& fn) const;
  void LearnNames(const std::vector<v1::MovedName>& names);
  void AddNames(v1::Page* page) const;

  // Begins a move; its first page is sent at once and lists `lines`.
  void Begin(v1::Outgoing move, const Lines& lines, Cargo* cargo);
  void SendPage(v1::Outgoing* move, const Lines& lines, Cargo* cargo);
  // Sends what may be sent, ends what has ended.
  void Pump(Cargo* cargo);
  [[nodiscard]] bool WaitsForOthers(const v1::Outgoing& move) const;
  void Expect(const std::string& move);
  void NoLongerExpected(const std::string& move);
  void Rest(Cargo* cargo);
  v1::HandoffMessage MessageTo(const std::string& to) const;
  void Send(const v1::HandoffMessage& message, std::string id, int64_t time_us);

  const std::string entity_;
  const shard::Input& input_;
  Keys keys_;
  v1::HandoffState root_;
  std::vector<shard::Publish> messages_;
  std::optional<shard::DeadLetterEffect> dead_letter_;
  mutable Lines leaving_;  // of the page that is loaded
};

}  // namespace regulars::handoff

#endif  // REGULARS_LIBS_HANDOFF_PROTOCOL_H_
