// Pages: sent one at a time, applied once, sent on or back.
#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/handoff/protocol.h"

namespace regulars::handoff {

std::string_view Protocol::TakePage(const v1::HandoffMessage& message, Cargo* cargo) {
  const v1::Page& page = message.page();
  // Pages that go back come by several ways, so in any order: each is remembered by itself.
  const std::string move_id = page.returned()
                                  ? Cat(page.move_id(), "/back/", page.number(), "/", page.part())
                                  : page.move_id();
  auto applied = keys_.Load<v1::AppliedMove>(kMovePrefix, move_id).value_or(v1::AppliedMove());
  if (page.number() < applied.number() ||
      (page.number() == applied.number() && page.part() <= applied.part())) {
    return "page_again";
  }
  if (page.kind() == v1::MOVE_KIND_MERGE && !page.returned() &&
      keys_.Has(kRevokedPrefix, page.move_id())) {
    applied.set_number(page.number());
    applied.set_part(page.part());
    keys_.Store(kMovePrefix, move_id, applied);
    ReturnPage(message);
    if (page.last()) NoLongerExpected(page.move_id());
    Rest(cargo);
    return "page_returned";
  }
  if (page.returned() || page.kind() == v1::MOVE_KIND_SPLIT) Learn(message, cargo);
  const bool first = page.number() == 1 && page.part() == 0 && !page.returned();
  if (first) ComeAlong(message);
  if (root_.has_redirect()) {
    SendPageOn(message, survivor());
    if (page.returned()) Acknowledge(page.move_id(), page.number(), cargo);
    if (page.last()) NoLongerExpected(page.move_id());
    Rest(cargo);
    return "page_forwarded";
  }
  if (page.number() == 1 && page.part() == 0) RegisterNames(page);
  if (first && !page.last()) Expect(page.move_id());
  Unloaded unloaded = cargo->Unload(*this, page);
  for (auto& [member, part] : unloaded.elsewhere) {
    v1::HandoffMessage back = message;
    back.mutable_page()->set_cargo(std::move(part));
    back.mutable_page()->set_returned(true);
    back.mutable_page()->set_last(false);
    SendPageOn(back, member);
  }
  applied.set_number(page.number());
  applied.set_part(page.part());
  if (!unloaded.rest.empty()) {
    v1::HandoffMessage again = message;
    again.mutable_page()->set_cargo(std::move(unloaded.rest));
    again.mutable_page()->set_part(page.part() + 1);
    Send(again, Cat(page.move_id(), "/", page.number(), "/rest/", page.part() + 1), input_.now_us);
    keys_.Store(kMovePrefix, move_id, applied);
    return "page_in_part";
  }
  if (page.returned()) {
    Acknowledge(page.move_id(), page.number(), cargo);
  } else {
    v1::HandoffMessage answer = MessageTo(page.origin());
    answer.mutable_acknowledgement()->set_move_id(page.move_id());
    answer.mutable_acknowledgement()->set_number(page.number());
    Send(answer, Cat(page.move_id(), "/", page.number(), "/applied"), input_.now_us);
  }
  if (page.last()) {
    applied.set_last(true);
    NoLongerExpected(page.move_id());
  }
  keys_.Store(kMovePrefix, move_id, applied);
  Rest(cargo);
  return page.returned() ? "page_home" : "page";
}

void Protocol::ComeAlong(const v1::HandoffMessage& message) {
  for (v1::Whereabouts at : message.news()) {
    const auto known = keys_.Load<v1::Whereabouts>(kAtPrefix, at.fragment_id());
    if (!known.has_value() || known->epoch() > at.epoch()) continue;
    at.clear_member();
    keys_.Store(kAtPrefix, at.fragment_id(), at);
  }
}

void Protocol::ReturnPage(const v1::HandoffMessage& message) {
  v1::HandoffMessage back = message;
  back.mutable_page()->set_returned(true);
  back.mutable_page()->set_last(false);
  SendPageOn(back, message.page().origin());
}

void Protocol::RegisterNames(const v1::Page& page) {
  for (const v1::MovedName& moved : page.names()) {
    if (moved.member() == entity_) continue;
    const auto known = keys_.Load<v1::Name>(kNamePrefix, moved.member());
    if (known.has_value() && known->epoch() > moved.epoch()) continue;  // a split was later
    v1::Name name;
    name.set_epoch(moved.epoch());
    name.set_via(moved.via());
    if (name.via().empty() && moved.member() != page.origin()) name.set_via(page.origin());
    if (name.via() == entity_) name.clear_via();
    // Who it came with is gone again: it goes along.
    if (const auto via = keys_.Load<v1::Name>(kNamePrefix, name.via());
        via.has_value() && via->epoch() > moved.epoch()) {
      name.set_gone_to(via->gone_to());
      name.set_epoch(via->epoch());
    }
    keys_.Store(kNamePrefix, moved.member(), name);
  }
}

void Protocol::Expect(const std::string& move) {
  const auto& expected = root_.expected();
  if (std::find(expected.begin(), expected.end(), move) == expected.end()) {
    root_.add_expected(move);
  }
}

void Protocol::Rest(Cargo* cargo) {
  if (!moving()) cargo->AtRest();
}

void Protocol::NoLongerExpected(const std::string& move) {
  for (int i = 0; i < root_.expected_size(); ++i) {
    if (root_.expected(i) != move) continue;
    root_.mutable_expected()->DeleteSubrange(i, 1);
    return;
  }
}

std::string_view Protocol::TakeAcknowledgement(const v1::HandoffMessage& message, Cargo* cargo) {
  const v1::Acknowledgement& answer = message.acknowledgement();
  return Acknowledge(answer.move_id(), answer.number(), cargo) ? "acknowledged"
                                                               : "acknowledged_again";
}

bool Protocol::Acknowledge(const std::string& move_id, uint32_t number, Cargo* cargo) {
  for (v1::Outgoing& move : *root_.mutable_outgoing()) {
    if (move.move_id() != move_id) continue;
    if (number != move.sent() || number <= move.acknowledged()) return false;
    move.set_acknowledged(number);
    Pump(cargo);
    Rest(cargo);
    return true;
  }
  return false;
}

void Protocol::Pump(Cargo* cargo) {
  while (root_.outgoing_size() > 0) {
    v1::Outgoing* move = root_.mutable_outgoing(0);
    if (move->sent() > move->acknowledged()) return;
    if (move->all_sent()) {
      cargo->Sent(*move);
      if (root_.redirect().merge_id() == move->move_id() && root_.has_redirect()) {
        root_.mutable_redirect()->set_settled(true);
      }
      root_.mutable_outgoing()->DeleteSubrange(0, 1);
      continue;
    }
    v1::HandoffMessage message = MessageTo(move->to());
    v1::Page* page = message.mutable_page();
    page->set_move_id(move->move_id());
    page->set_kind(move->kind());
    page->set_origin(entity_);
    page->set_number(move->sent() + 1);
    if (page->number() == 1) {
      if (move->whole()) {
        v1::MovedName* self = page->add_names();
        self->set_member(entity_);
        ForEachFragment([&](const v1::Whereabouts& at) {
          if (at.member().empty()) self->set_epoch(std::max(self->epoch(), at.epoch()));
        });
      }
      keys_.ForEach(kNamePrefix, [&](const std::string& name, const std::string& bytes) {
        v1::Name record;
        REGULARS_ASSERT(record.ParseFromString(bytes), "a name of the handoff does not parse");
        if (move->whole() ? !record.gone_to().empty() : record.gone_to() != move->to()) return;
        v1::MovedName* moved = page->add_names();
        moved->set_member(name);
        moved->set_via(record.via());
        moved->set_epoch(record.epoch());
      });
    }
    if (page->number() == 1 || move->kind() == v1::MOVE_KIND_SPLIT) {
      ForEachFragment([&](const v1::Whereabouts& at) {
        if (move->whole() ? at.member().empty() : at.member() == move->to()) {
          *message.add_news() = at;
        }
      });
    }
    page->set_last(cargo->Load(*this, move, page));
    REGULARS_ASSERT(page->cargo().size() <= kCargoBytesMax, "a page of a handoff is too large");
    move->set_sent(page->number());
    move->set_all_sent(page->last());
    Send(message, Cat(move->move_id(), "/", page->number(), "/page"), input_.now_us);
    return;
  }
}

void Protocol::SendPageOn(const v1::HandoffMessage& message, const std::string& to) {
  v1::HandoffMessage on = message;
  on.set_to(to);
  on.set_from(entity_);
  on.set_hops(message.hops() + 1);
  if (on.hops() > kHopsMax) {
    dead_letter_ = {std::string(kHandoffHops), "a page passed too many aliases"};
    return;
  }
  if (on.page().returned()) {
    on.clear_news();
    google::protobuf::RepeatedPtrField<v1::MovedName> names;
    for (const v1::MovedName& moved : on.page().names()) {
      const auto record = keys_.Load<v1::Name>(kNamePrefix, moved.member());
      if (!record.has_value() || record->gone_to() != to) continue;
      *names.Add() = moved;
      names.rbegin()->set_epoch(record->epoch());
    }
    *on.mutable_page()->mutable_names() = std::move(names);
    ForEachFragment([&](const v1::Whereabouts& at) {
      if (at.member() == to) *on.add_news() = at;
    });
  }
  const v1::Page& page = on.page();
  Send(on,
       Cat(page.move_id(), "/", page.number(), "/", page.part(),
           page.returned() ? "/back/" : "/on/", to, "/", on.hops()),
       input_.now_us);
}

}  // namespace regulars::handoff
