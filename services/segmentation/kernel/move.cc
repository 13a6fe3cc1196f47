#include "services/segmentation/kernel/move.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/checked.h"
#include "libs/base/text.h"
#include "services/segmentation/kernel/purchase_book.h"

namespace regulars::segmentation {
namespace {

std::string DoubleSub(const std::string& order_key, std::string_view fragment) {
  return Cat(kDoublePrefix, order_key, "/", fragment);
}

// Which of two copies of an order stands.
bool StandsBefore(const v1::PurchaseState& a, const v1::PurchaseState& b) {
  return std::tuple(!a.paid(), a.occurred_us(), a.fragment_id()) <
         std::tuple(!b.paid(), b.occurred_us(), b.fragment_id());
}

v1::SegmentationPage PageOf(const std::string& cargo) {
  v1::SegmentationPage page;
  REGULARS_ASSERT(page.ParseFromString(cargo), "a page of segmentation does not parse");
  return page;
}

bool IsAwaited(const v1::PurchaseState& order) { return !order.paid(); }

}  // namespace

bool Mover::Load(const handoff::Protocol& protocol, handoff::v1::Outgoing* move,
                 handoff::v1::Page* page) {
  v1::SegmentationCursor at;
  REGULARS_ASSERT(at.ParseFromString(move->cursor()), "a cursor does not parse");
  v1::SegmentationPage out;
  if (page->number() == 1) {
    const auto root = ReadState<v1::SegmentationRoot>(draft_, "");
    for (int i = 0; root.has_value() && i < root->segments_size(); ++i) {
      const v1::SegmentState& segment = root->segments(i);
      if (!segment.inside() && !segment.suspended()) continue;
      v1::InheritedEntry* entry = out.add_entries();
      entry->set_segment(segment.segment());
      entry->set_member(protocol.entity());
      entry->set_occurrence_us(segment.occurrence_us());
    }
    if (root.has_value()) out.mutable_entries()->MergeFrom(root->inherited());
  }
  bool last = false;
  bool full = false;
  for (size_t looked = 0; !last && !full && looked < limits_.keys; ++looked) {
    const auto next = draft_.Next(
        kOrderPrefix, at.sub().empty() ? std::string(kOrderPrefix) : Cat(at.sub(), "\x01"));
    if (!next.has_value()) {
      last = true;
    } else if (LoadOrder(protocol, *move, next->first.substr(kOrderPrefix.size()), &out)) {
      at.set_sub(next->first);
      full = static_cast<size_t>(out.orders_size()) >= limits_.orders ||
             out.ByteSizeLong() >= limits_.bytes;
    } else {
      full = true;
    }
  }
  CountMoved(0, out.orders_size());
  page->set_cargo(out.SerializeAsString());
  move->set_cursor(at.SerializeAsString());
  return last;
}

bool Mover::LoadOrder(const handoff::Protocol& protocol, const handoff::v1::Outgoing& move,
                      const std::string& order_key, v1::SegmentationPage* page) {
  Copies staying;
  bool any = false;
  bool all = true;
  for (v1::PurchaseState& copy : CopiesOf(order_key)) {
    const bool leaves = protocol.Leaves(move, copy.fragment_id());
    if (leaves && any && page->ByteSizeLong() >= limits_.bytes) all = false;
    if (!leaves || !all) {
      staying.push_back(std::move(copy));
      continue;
    }
    any = true;
    v1::MovedOrder* moved = page->add_orders();
    moved->set_order_key(order_key);
    *moved->mutable_state() = std::move(copy);
  }
  if (any) SetCopies(order_key, std::move(staying));
  return all;
}

handoff::Unloaded Mover::Unload(const handoff::Protocol& protocol, const handoff::v1::Page& page) {
  const v1::SegmentationPage came = PageOf(page.cargo());
  std::map<std::string, v1::SegmentationPage> elsewhere;
  int64_t here = 0;
  for (const v1::MovedOrder& moved : came.orders()) {
    if (const auto member = protocol.FragmentAt(moved.state().fragment_id())) {
      *elsewhere[*member].add_orders() = moved;
    } else {
      Place(moved);
      ++here;
    }
  }
  for (const v1::InheritedEntry& entry : came.entries()) {
    if (protocol.survivor().empty()) {
      Inherit(protocol, entry);
    } else {
      *elsewhere[protocol.survivor()].add_entries() = entry;
    }
  }
  CountMoved(here, 0);
  handoff::Unloaded unloaded;
  for (const auto& [member, part] : elsewhere) {
    unloaded.elsewhere[member] = part.SerializeAsString();
  }
  return unloaded;
}

void Mover::Inherit(const handoff::Protocol& protocol, const v1::InheritedEntry& entry) {
  if (entry.member() == protocol.entity()) return;
  PurchaseBook book(draft_);
  auto* inherited = book.root().mutable_inherited();
  const auto known = std::find_if(inherited->begin(), inherited->end(), [&](const auto& other) {
    return other.segment() == entry.segment();
  });
  const auto newness = [](const v1::InheritedEntry& one) {
    return std::tuple(one.occurrence_us(), one.member());
  };
  if (known == inherited->end()) {
    *inherited->Add() = entry;
  } else if (newness(*known) < newness(entry)) {
    *known = entry;
  }
  shard::Effects step;
  book.Finish(&step);
  draft_.Take(std::move(step));
}

void Mover::Place(const v1::MovedOrder& moved) {
  Copies copies = CopiesOf(moved.order_key());
  v1::PurchaseState came = moved.state();
  if (!copies.empty() && IsAwaited(copies.front())) {  // its refunds were here first
    const v1::PurchaseState waiting = std::move(copies.front());
    copies.clear();
    if (came.paid() || came.currency_code() == waiting.currency_code()) AddRefunds(waiting, &came);
    copies.push_back(std::move(came));
  } else {
    auto same = std::find_if(copies.begin(), copies.end(), [&](const v1::PurchaseState& copy) {
      return copy.fragment_id() == came.fragment_id();
    });
    if (same == copies.end() && IsAwaited(came) && !copies.empty()) same = copies.begin();
    if (same == copies.end()) {
      copies.push_back(std::move(came));
    } else {
      AddRefunds(came, &*same);
    }
  }
  SetCopies(moved.order_key(), std::move(copies));
}

bool Mover::TakeDouble(const Purchase& purchase) {
  Copies copies = CopiesOf(purchase.order_key);
  if (copies.empty() || IsAwaited(copies.front()) || purchase.fragment_id.empty()) return false;
  for (const v1::PurchaseState& copy : copies) {
    if (copy.fragment_id() == purchase.fragment_id) return false;
  }
  v1::PurchaseState copy;
  copy.set_paid(true);
  copy.set_occurred_us(purchase.occurred_us);
  copy.set_amount_minor(purchase.amount_minor);
  copy.set_currency_code(purchase.currency);
  copy.set_fragment_id(purchase.fragment_id);
  copies.push_back(std::move(copy));
  SetCopies(purchase.order_key, std::move(copies));
  return true;
}

bool Mover::TakeDouble(const Refund& refund) {
  Copies copies = CopiesOf(refund.order_key);
  for (size_t i = 1; i < copies.size(); ++i) {
    if (copies[i].fragment_id() != refund.fragment_id) continue;
    if (copies[i].currency_code() != refund.currency) return false;
    v1::PurchaseState one;
    one.set_currency_code(refund.currency);
    one.add_refund_ids(refund.refund_id);
    one.set_refunded_minor(refund.amount_minor);
    one.set_whole_order_refunded(refund.whole_order);
    AddRefunds(one, &copies[i]);
    SetCopies(refund.order_key, std::move(copies));
    return true;
  }
  return false;
}

Mover::Copies Mover::CopiesOf(const std::string& order_key) const {
  Copies copies;
  if (auto order = ReadState<v1::PurchaseState>(draft_, OrderSub(order_key))) {
    copies.push_back(*std::move(order));
  }
  const std::string prefix = DoubleSub(order_key, "");
  for (auto next = draft_.Next(prefix, prefix); next.has_value();
       next = draft_.Next(prefix, Cat(next->first, "\x01"))) {
    v1::MovedOrder doubled;
    REGULARS_ASSERT(doubled.ParseFromString(next->second), "a double does not parse");
    // Another order's id may go on where this one's ends.
    if (doubled.order_key() == order_key) copies.push_back(std::move(*doubled.mutable_state()));
  }
  for (v1::PurchaseState& copy : copies) {
    copy.clear_double_refunded_minor();
    copy.clear_double_refunded_whole();
    copy.clear_without_room();
    copy.clear_counted();
  }
  return copies;
}

void Mover::SetCopies(const std::string& order_key, Copies copies) {
  shard::Effects step;
  for (const v1::PurchaseState& copy : CopiesOf(order_key)) {
    const std::string sub = DoubleSub(order_key, copy.fragment_id());
    if (draft_.Get(sub).has_value()) step.deletes.push_back(sub);
  }
  draft_.Take(std::move(step));
  RemoveOrder(order_key);
  if (copies.empty()) return;
  std::sort(copies.begin(), copies.end(), StandsBefore);
  v1::PurchaseState standing = std::move(copies.front());
  shard::Effects doubles;
  for (size_t i = 1; i < copies.size(); ++i) {
    if (copies[i].currency_code() == standing.currency_code()) {
      standing.set_double_refunded_minor(
          std::max(standing.double_refunded_minor(), copies[i].refunded_minor()));
    }
    if (copies[i].whole_order_refunded()) standing.set_double_refunded_whole(true);
    v1::MovedOrder doubled;
    doubled.set_order_key(order_key);
    const std::string sub = DoubleSub(order_key, copies[i].fragment_id());
    *doubled.mutable_state() = std::move(copies[i]);
    doubles.puts.push_back({sub, doubled.SerializeAsString()});
  }
  draft_.Take(std::move(doubles));
  PutOrder(order_key, std::move(standing));
}

void Mover::RemoveOrder(const std::string& order_key) {
  const auto order = ReadState<v1::PurchaseState>(draft_, OrderSub(order_key));
  if (!order.has_value()) return;
  PurchaseBook book(draft_);
  shard::Effects step;
  if (IsAwaited(*order)) book.root().set_pending_orders(book.root().pending_orders() - 1);
  book.Remove(order_key, *order, &step);
  book.Finish(&step);
  draft_.Take(std::move(step));
}

void Mover::PutOrder(const std::string& order_key, v1::PurchaseState order) {
  PurchaseBook book(draft_);
  shard::Effects step;
  if (IsAwaited(order)) book.root().set_pending_orders(book.root().pending_orders() + 1);
  if (!book.HasRoomFor({}, order)) order.set_without_room(true);
  book.Replace(order_key, {}, &order, &step);
  book.Finish(&step);
  draft_.Take(std::move(step));
}

void Mover::AddRefunds(const v1::PurchaseState& from, v1::PurchaseState* to) {
  if (from.refund_ids_size() == 0 || from.currency_code() != to->currency_code()) return;
  if (from.whole_order_refunded()) to->set_whole_order_refunded(true);
  const auto& known = to->refund_ids();
  const auto is_known = [&](const std::string& id) {
    return std::find(known.begin(), known.end(), id) != known.end();
  };
  if (std::all_of(from.refund_ids().begin(), from.refund_ids().end(), is_known)) return;
  if (to->refund_ids_size() + from.refund_ids_size() > kRefundsOfMovedOrderMax) {
    refunds_lost_ = true;
    return;
  }
  to->set_refunded_minor(CheckedAdd(to->refunded_minor(), from.refunded_minor())
                             .value_or(std::numeric_limits<int64_t>::max()));
  for (const std::string& id : from.refund_ids()) {
    if (!is_known(id)) to->add_refund_ids(id);
  }
}

void Mover::CountMoved(int64_t in, int64_t out) {
  PurchaseBook book(draft_);
  shard::Effects step;
  v1::SegmentationRoot& root = book.root();
  root.set_orders_moved_in(root.orders_moved_in() + in);
  root.set_orders_moved_out(root.orders_moved_out() + out);
  book.Finish(&step);
  step.sums.push_back({"orders_moved_in", in});
  step.sums.push_back({"orders_moved_out", out});
  draft_.Take(std::move(step));
}

}  // namespace regulars::segmentation
