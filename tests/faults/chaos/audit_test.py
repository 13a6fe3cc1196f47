#!/usr/bin/env python3
"""The check notices what a merge or a split may do wrong: states and messages made by hand."""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parents[1] / "e2e/demo"))

import stubs  # noqa: E402  (needs the path above)

stubs.generate()

import audit  # noqa: E402
import books  # noqa: E402


class Fleet:
    bootstrap = ""

    def __init__(self):
        self.taken = []

    def messages(self):
        return self.taken


class AuditTest(unittest.TestCase):
    """Ann lapsed at 70 and had her message; Bob has bought."""

    def setUp(self):
        self.fleet, self.books = Fleet(), books.Books()
        self.ann, self.bob = self.books.couple("ann", "bob")
        for row, cents, lapses in ((self.ann, 700, True), (self.bob, 400, False)):
            row.member = f"pools/live/members/m_{row.name}"
            self.books.enter(row.name, row.name, cents, lapses)
            self.books.confirm(row.name)
        self.audit = audit.Audit(self.fleet, self.books, None)
        self.occasion("m_ann", 70)
        self.message("m_ann", 70, "k1")
        self.apart()

    # -- what the services keep --------------------------------------------------------------------
    def keep(self, service, member, **fields):
        from regulars.messaging.v1 import messaging_state_pb2
        from regulars.points.v1 import points_state_pb2
        from regulars.segmentation.v1 import segmentation_state_pb2
        root = {"points": points_state_pb2.PointsRoot,
                "segmentation": segmentation_state_pb2.SegmentationRoot,
                "messaging": messaging_state_pb2.MessagingRoot}[service](**fields)
        self.audit._tails[service].roots[member] = root.SerializeToString()

    def points(self, member, points, **fields):
        self.keep("points", member, issued=points, balance=points, **fields)

    def orders(self, member, count, cents, lapsed=None, **fields):
        self.keep("segmentation", member, purchases=count, sums=[{"amount_minor": cents}],
                  segments=[] if lapsed is None else
                  [{"segment": "lapsed", "inside": lapsed, "entry_count": 1}], **fields)

    def sends(self, member, count, **fields):
        self.keep("messaging", member, decided=count, delivered=count, **fields)

    def occasion(self, member, occurrence):
        self.audit._occasions.new[member, occurrence] += 1

    def message(self, origin, occurrence, key):
        self.fleet.taken.append({"origin_member": origin, "occurrence": occurrence, "key": key})

    def apart(self):
        self.points("m_ann", 7)
        self.points("m_bob", 4)
        self.orders("m_ann", 1, 700, lapsed=True)
        self.orders("m_bob", 1, 400)
        self.sends("m_ann", 1)
        self.sends("m_bob", 0)

    def as_one(self):
        self.books.join(self.bob)
        self.points("m_ann", 11)
        self.orders("m_ann", 2, 1100, lapsed=False)
        self.sends("m_ann", 1)
        self.points("m_bob", 0, survivor="m_ann")
        self.orders("m_bob", 0, 0, survivor="m_ann")
        self.sends("m_bob", 0, survivor="m_ann")

    def assert_found(self, *texts):
        found = self.audit.differences()
        self.assertEqual(len(found), len(texts), found)
        for text in texts:
            self.assertTrue(any(text in one for one in found), (text, found))

    # -- rightly kept ------------------------------------------------------------------------------
    def test_two_who_are_two_one_and_two_again(self):
        self.assert_found()
        self.as_one()
        self.assert_found()
        self.assertTrue(self.audit.is_retired("pools/live/members/m_bob"))
        self.assertFalse(self.audit.is_retired("pools/live/members/m_ann"))
        self.books.part(self.ann)
        self.apart()
        self.assert_found()

    # -- wrongly kept ------------------------------------------------------------------------------
    def test_points_lost_on_the_way(self):
        self.as_one()
        self.points("m_ann", 7)
        self.assert_found("points of pools/live/members/m_ann")

    def test_points_at_both(self):
        self.as_one()
        self.points("m_bob", 4, survivor="m_ann")
        self.assert_found("points of pools/live/members/m_bob")

    def test_a_service_that_did_not_follow(self):
        self.as_one()
        self.sends("m_bob", 0)
        self.assert_found(*["messaging does not keep"] * 2)

    def test_both_part_of_each_other(self):
        self.as_one()
        self.points("m_ann", 11, survivor="m_bob")
        self.assert_found(*["points does not keep"] * 2)

    def test_a_retired_member_that_is_in_a_segment(self):
        self.as_one()
        self.orders("m_bob", 0, 0, lapsed=True, survivor="m_ann")
        self.assert_found("segmentation of pools/live/members/m_bob")

    def test_one_who_did_not_come_home(self):
        self.points("m_bob", 0, survivor="m_ann")
        self.assert_found("points keeps pools/live/members/m_bob")

    def test_an_order_that_stayed_with_the_other_side(self):
        self.orders("m_ann", 2, 1100, lapsed=False)
        self.orders("m_bob", 0, 0)
        self.assert_found("of pools/live/members/m_ann", "of pools/live/members/m_bob")

    def test_a_message_for_an_entry_that_continues(self):
        self.message("m_ann", 90, "k2")
        self.assert_found("without an occasion", "had 2 messages")

    def test_an_occasion_more_than_there_was(self):
        self.occasion("m_ann", 90)
        self.message("m_ann", 90, "k2")
        self.assert_found("had 2 messages")

    def test_a_message_that_never_came(self):
        self.fleet.taken.clear()
        self.assert_found("no message for its occasion", "had 0 messages")

    def test_a_message_sent_twice(self):
        self.message("m_ann", 70, "k2")
        self.assertRaises(audit.Violation, self.audit.differences)

    def test_a_member_that_is_nobodys(self):
        self.sends("m_eve", 0)
        self.assert_found("m_eve that is nobody's")


if __name__ == "__main__":
    unittest.main()
