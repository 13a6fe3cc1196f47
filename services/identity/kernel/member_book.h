// What a member entity keeps, by name instead of by key: a small root, and one key for each fact
// that grows.
//   member                    MemberState, the root
//   frag/<fragment>           MemberFragment      of a root
//   edge/<fragment>/<..>      MemberEdge          of a root
//   name/<member>             AbsorbedMember      of a root
//   dnl/<own>/<other>         DoNotLink           of a root
//   moved/<fragment>          Whereabouts         what went away with a split
//   gone/<member>             Whereabouts
//   revoked/<fragment>/<..>   RevokedEdge
//   suppressed/<number>       LinkSuppressed, the newest kSuppressedMax
//   defer/<number>            LinkMessage that waits
//   op/<operation id>         LinkOperation
// A member that was absorbed keeps its root (with `parent`) and where things went; the rest moved.
// Thread-safety: none; lives for one input. Limits: link_rules.h.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_MEMBER_BOOK_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_MEMBER_BOOK_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "regulars/identity/v1/identity_links.pb.h"
#include "regulars/identity/v1/identity_state.pb.h"
#include "services/identity/kernel/draft.h"

namespace regulars::identity {

inline constexpr std::string_view kFragmentPrefix = "frag/";
inline constexpr std::string_view kEdgePrefix = "edge/";
inline constexpr std::string_view kNamePrefix = "name/";
inline constexpr std::string_view kDoNotLinkPrefix = "dnl/";
inline constexpr std::string_view kDeferPrefix = "defer/";
inline constexpr std::string_view kSuppressedPrefix = "suppressed/";
inline constexpr std::string_view kMovedPrefix = "moved/";
inline constexpr std::string_view kGonePrefix = "gone/";
inline constexpr std::string_view kRevokedPrefix = "revoked/";
inline constexpr std::string_view kOperationPrefix = "op/";

// The same edge whatever its direction.
v1::MemberEdge MakeEdge(std::string_view a, std::string_view b);
std::string EdgeKey(std::string_view prefix, const v1::MemberEdge& edge);

class MemberBook {
 public:
  // Reads the root; a member that linking never touched gets its one fragment as a key.
  MemberBook(Draft* state, std::string_view member);

  // Nothing may be asked before the member's birth was heard of, except what waits.
  bool born() const { return root_.has_birth(); }
  bool is_root() const { return born() && root_.parent().empty(); }
  bool proposing() const { return !root_.proposing_to().empty(); }
  const std::string& id() const { return member_; }
  v1::MemberState& root() { return root_; }
  const v1::MemberState& root() const { return root_; }

  bool HasFragment(std::string_view fragment) const;
  std::optional<v1::MemberFragment> Fragment(std::string_view fragment) const;
  std::vector<v1::MemberFragment> Fragments() const;
  void AddFragment(const v1::MemberFragment& fragment);
  void UpdateFragment(const v1::MemberFragment& fragment);
  void RemoveFragment(const v1::MemberFragment& fragment);

  std::vector<v1::MemberEdge> Edges() const;
  // False if it is known or the member holds as many as it may: between fragments that are one
  // person's anyway it is left out.
  bool AddEdge(const v1::MemberEdge& edge);
  void RemoveEdge(const v1::MemberEdge& edge);

  // Itself or a member that is part of it.
  bool HasName(std::string_view member) const;
  std::vector<v1::AbsorbedMember> Names() const;
  void AddName(const v1::AbsorbedMember& name);
  void UpdateName(const v1::AbsorbedMember& name);
  void RemoveName(std::string_view member);

  std::vector<v1::DoNotLink> Pairs() const;
  void AddPair(const v1::DoNotLink& pair);
  void RemovePair(const v1::DoNotLink& pair);

  std::optional<v1::Whereabouts> MovedTo(std::string_view fragment) const;
  std::optional<v1::Whereabouts> GoneTo(std::string_view member) const;
  void SetMoved(std::string_view fragment, std::string_view member, uint32_t link_epoch);
  void SetGone(std::string_view name, std::string_view member, uint32_t link_epoch);

  // False if the message is too large or too many wait.
  bool Defer(const v1::LinkMessage& message);
  std::vector<v1::LinkMessage> TakeDeferred();

  void AddSuppressed(const v1::LinkSuppressed& suppressed);

  // Forgets what travels with a merge: everything but the fragments, which are still to be told.
  void ClearAfterMerge();
  // Writes the root. The last call.
  void Save();

 private:
  Draft& state_;
  const std::string member_;
  v1::MemberState root_;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_MEMBER_BOOK_H_
