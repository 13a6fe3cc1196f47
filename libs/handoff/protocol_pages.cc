// Pages: sent one at a time, applied once, what is not here sent on.
#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/handoff/protocol.h"

namespace regulars::handoff {

std::string_view Protocol::TakePage(const v1::HandoffMessage& message, Cargo* cargo) {
  const v1::Page& page = message.page();
  auto applied =
      keys_.Load<v1::AppliedMove>(kMovePrefix, page.move_id()).value_or(v1::AppliedMove());
  if (page.number() < applied.number() ||
      (page.number() == applied.number() && page.part() <= applied.part())) {
    return "page_again";
  }
  applied.set_number(page.number());
  applied.set_part(page.part());
  Live(message.life());
  LearnNames({page.names().begin(), page.names().end()});
  std::map<std::string, Lines> on = ComeAlong(message);
  Unloaded unloaded = cargo->Unload(*this, page);
  for (const auto& [member, part] : unloaded.elsewhere) on.try_emplace(member);
  for (const auto& [member, lines] : on) {
    const auto part = unloaded.elsewhere.find(member);
    PassOn(message, member, lines, part == unloaded.elsewhere.end() ? "" : part->second);
  }
  if (!unloaded.rest.empty()) {
    if (page.part() == 0 && !page.last()) Expect(page.move_id());
    v1::HandoffMessage again = message;
    again.mutable_page()->set_cargo(std::move(unloaded.rest));
    again.mutable_page()->set_part(page.part() + 1);
    Send(again, Cat(page.move_id(), "/", page.number(), "/rest/", page.part() + 1), input_.now_us);
    keys_.Store(kMovePrefix, page.move_id(), applied);
    return "page_in_part";
  }
  v1::HandoffMessage answer = MessageTo(page.origin());
  answer.mutable_acknowledgement()->set_move_id(page.move_id());
  answer.mutable_acknowledgement()->set_number(page.number());
  Send(answer, Cat(page.move_id(), "/", page.number(), "/applied"), input_.now_us);
  applied.set_last(page.last());
  page.last() ? NoLongerExpected(page.move_id()) : Expect(page.move_id());
  keys_.Store(kMovePrefix, page.move_id(), applied);
  Pump(cargo);
  Rest(cargo);
  if (root_.has_redirect()) return "page_forwarded";
  if (!on.empty()) return "page_sent_on";
  return page.returned() ? "page_home" : "page";
}

std::map<std::string, Protocol::Lines> Protocol::ComeAlong(const v1::HandoffMessage& message) {
  std::map<std::string, Lines> on;
  for (const v1::Whereabouts& line : message.news()) {
    const std::string& fragment = line.fragment_id();
    const auto known = keys_.Load<v1::KnownFragment>(kAtPrefix, fragment);
    auto at = known.value_or(v1::KnownFragment());
    const bool gone = !at.member().empty() && (line.unlisted() || at.epoch() > line.epoch());
    if (!gone && !at.member().empty()) {
      const uint32_t here = at.here();
      at.Clear();
      at.set_here(here);
      keys_.Store(kAtPrefix, fragment, at);
    }
    if (!gone && !root_.has_redirect() && !line.unlisted()) Counted(fragment, line.epoch());
    if (!known.has_value() && line.unlisted() && line.via() != entity_) {
      at.set_via(line.via());
      keys_.Store(kAtPrefix, fragment, at);
    }
    if (const auto member = FragmentAt(fragment)) on[*member].emplace(fragment, line);
  }
  return on;
}

// A move of one page: who has it now answers for it.
void Protocol::PassOn(const v1::HandoffMessage& message, const std::string& to, const Lines& lines,
                      std::string cargo) {
  v1::HandoffMessage on = MessageTo(to);
  on.set_hops(message.hops() + 1);
  if (on.hops() > kHopsMax) {
    dead_letter_ = {std::string(kHandoffHops), "a page passed too many aliases"};
    return;
  }
  root_.set_passed_on(root_.passed_on() + 1);
  v1::Outgoing* move = root_.add_outgoing();
  move->set_move_id(Cat("on/", entity_, "/", root_.passed_on()));
  move->set_kind(message.page().kind());
  move->set_to(to);
  move->set_sent(1);
  move->set_all_sent(true);
  move->set_passing(true);
  v1::Page* page = on.mutable_page();
  page->set_move_id(move->move_id());
  page->set_kind(move->kind());
  page->set_origin(entity_);
  page->set_number(1);
  page->set_last(true);
  page->set_returned(message.page().returned() || to != survivor());
  page->set_cargo(std::move(cargo));
  AddNames(page);
  for (const auto& [fragment, line] : lines) {
    *on.add_news() = line;
    const auto at = keys_.Load<v1::KnownFragment>(kAtPrefix, fragment);
    if (at.has_value() && at->member() == to) on.set_life(std::max(on.life(), at->life()));
  }
  if (to == survivor()) on.set_life(std::max(on.life(), root_.redirect().survivor_life()));
  Send(on, move->move_id(), input_.now_us);
}

void Protocol::AddNames(v1::Page* page) const {
  keys_.ForEach(kNamePrefix, [&](const std::string& member, const std::string& bytes) {
    v1::Name name;
    REGULARS_ASSERT(name.ParseFromString(bytes), "a name of the handoff does not parse");
    v1::MovedName* moved = page->add_names();
    moved->set_member(member);
    moved->set_fragment_id(name.fragment_id());
  });
}

void Protocol::Begin(v1::Outgoing move, const Lines& lines, Cargo* cargo) {
  *root_.add_outgoing() = std::move(move);
  SendPage(root_.mutable_outgoing(root_.outgoing_size() - 1), lines, cargo);
}

void Protocol::SendPage(v1::Outgoing* move, const Lines& lines, Cargo* cargo) {
  v1::HandoffMessage message = MessageTo(move->to());
  message.set_life(move->life());
  v1::Page* page = message.mutable_page();
  page->set_move_id(move->move_id());
  page->set_kind(move->kind());
  page->set_origin(entity_);
  page->set_number(move->sent() + 1);
  if (page->number() == 1) AddNames(page);
  leaving_ = lines;
  if (!move->drained()) move->set_drained(cargo->Load(*this, move, page));
  REGULARS_ASSERT(page->cargo().size() <= kCargoBytesMax, "a page of a handoff is too large");
  for (const auto& [fragment, line] : leaving_) *message.add_news() = line;
  leaving_.clear();
  page->set_last(move->drained() && !WaitsForOthers(*move));
  move->set_sent(page->number());
  move->set_all_sent(page->last());
  Send(message, Cat(move->move_id(), "/", page->number(), "/page"), input_.now_us);
}

bool Protocol::WaitsForOthers(const v1::Outgoing& move) const {
  return root_.has_redirect() && root_.redirect().merge_id() == move.move_id() && expecting();
}

void Protocol::Pump(Cargo* cargo) {
  for (int i = 0; i < root_.outgoing_size();) {
    v1::Outgoing* move = root_.mutable_outgoing(i);
    if (move->sent() > move->acknowledged() || (move->drained() && WaitsForOthers(*move))) {
      ++i;
      continue;
    }
    if (!move->all_sent()) {
      SendPage(move, {}, cargo);
      ++i;
      continue;
    }
    if (!move->passing()) cargo->Sent(*move);
    if (root_.has_redirect() && root_.redirect().merge_id() == move->move_id()) {
      root_.mutable_redirect()->set_settled(true);
    }
    root_.mutable_outgoing()->DeleteSubrange(i, 1);
  }
}

void Protocol::Expect(const std::string& move) {
  const auto& expected = root_.expected();
  if (std::find(expected.begin(), expected.end(), move) == expected.end()) {
    root_.add_expected(move);
  }
}

void Protocol::NoLongerExpected(const std::string& move) {
  for (int i = 0; i < root_.expected_size(); ++i) {
    if (root_.expected(i) != move) continue;
    root_.mutable_expected()->DeleteSubrange(i, 1);
    return;
  }
}

void Protocol::Rest(Cargo* cargo) {
  if (!moving()) cargo->AtRest();
}

std::string_view Protocol::TakeAcknowledgement(const v1::HandoffMessage& message, Cargo* cargo) {
  const v1::Acknowledgement& answer = message.acknowledgement();
  for (v1::Outgoing& move : *root_.mutable_outgoing()) {
    if (move.move_id() != answer.move_id()) continue;
    if (answer.number() != move.sent() || answer.number() <= move.acknowledged()) break;
    move.set_acknowledged(answer.number());
    Pump(cargo);
    Rest(cargo);
    return "acknowledged";
  }
  return "acknowledged_again";
}

}  // namespace regulars::handoff
