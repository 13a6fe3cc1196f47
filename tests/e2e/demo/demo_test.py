#!/usr/bin/env python3
"""The demo's own arithmetic: run by ctest (label unit)."""

import unittest

import data
import expect

DAY = expect.DAY_S


def purchase(customer, day, cents, line=2):
    return data.Purchase(line, customer, day * DAY, 1, cents)


class DataTest(unittest.TestCase):
    def test_amounts_are_read_without_floating_point(self):
        for text, cents in (("11.77", 1177), ("0.00", 0), ("9.9", 990), ("12", 1200),
                            ("1286.01", 128601)):
            self.assertEqual(data.cents_of(text), cents, text)
        for text in ("-1.00", "1.234", "", "1e3", "1.x"):
            with self.assertRaises(data.DataError, msg=text):
                data.cents_of(text)

    def test_a_date_is_its_midnight_utc(self):
        self.assertEqual(data.time_of("19970101"), 852076800)


class ExpectTest(unittest.TestCase):
    def test_a_purchase_exactly_180_days_later_keeps_the_member(self):
        self.assertEqual(expect.lapses([0, 180 * DAY], 180 * DAY), (0, False))
        self.assertEqual(expect.lapses([0, 180 * DAY + 1], 180 * DAY + 1), (1, False))

    def test_the_end_is_judged_like_a_purchase(self):
        self.assertEqual(expect.lapses([0], 180 * DAY), (0, False))
        self.assertEqual(expect.lapses([0], 180 * DAY + 1), (1, True))
        self.assertEqual(expect.lapses([0, 400 * DAY], 1000 * DAY), (2, True))

    def test_points_are_rounded_down_per_order_and_expire_at_365_days(self):
        orders = [purchase("a", 0, 1177), purchase("a", 1, 99), purchase("b", 1, 250)]
        seen = expect.figures(orders, end_s=365 * DAY)
        self.assertEqual(seen["points_issued"], 13)
        self.assertEqual(seen["points_expired"], 11)
        self.assertEqual(seen["points_outstanding"], 2)
        self.assertEqual(seen["members"], 2)
        self.assertEqual(seen["repeat_members"], 1)
        self.assertEqual(seen["purchase_cents"], 1526)
        self.assertEqual(seen["top_members"][0],
                         {"customer": "a", "purchase_cents": 1276, "purchases": 2})


if __name__ == "__main__":
    unittest.main()
