#!/usr/bin/env python3
"""The plan of a chaos run, and the books it is judged by."""

import collections
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parents[1] / "e2e/demo"))

import books  # noqa: E402  (needs the path above)
import plan  # noqa: E402


class Plan(unittest.TestCase):
    def test_a_seed_draws_the_same_faults(self):
        self.assertEqual(plan.draw(1, 30), plan.draw(1, 30))
        self.assertNotEqual(plan.draw(1, 30), plan.draw(2, 30))

    def test_a_longer_run_begins_with_the_rounds_of_a_shorter_one(self):
        self.assertEqual(plan.draw(7, 30)[:5], plan.draw(7, 5))

    def test_every_block_holds_every_kind(self):
        kinds = [chosen.kind for chosen in plan.draw(3, 28)]
        for start in range(0, 28, 7):
            self.assertEqual(sorted(kinds[start:start + 7]), sorted(plan.KINDS))

    def test_every_kind_of_rot_and_every_service_comes_up(self):
        rounds = plan.draw(1, 700)
        seen = collections.Counter(chosen.rot for chosen in rounds)
        self.assertEqual(set(seen), {"", *plan.ROT})
        killed = {chosen.node for chosen in rounds if chosen.kind == "kill"}
        self.assertEqual(len(killed), 10)


class Books(unittest.TestCase):
    def test_an_order_counts_when_it_is_acknowledged_and_once(self):
        kept = books.Books()
        kept.enter("o1", "c", 1999, lapses=True)
        self.assertEqual((kept.totals()["points"], kept.unanswered()), (0, 1))
        kept.confirm("o1")
        kept.confirm("o1")
        row = kept.rows()[0]
        self.assertEqual((row.purchases, row.cents, row.points, row.lapses), (1, 1999, 19, 1))
        self.assertEqual(kept.unanswered(), 0)

    def test_only_settled_points_are_promised(self):
        kept = books.Books()
        kept.enter("o1", "c", 1000)
        kept.confirm("o1")
        row = kept.rows()[0]
        self.assertFalse(kept.promise(row, 1))
        kept.settle()
        self.assertTrue(kept.promise(row, 6))
        self.assertFalse(kept.promise(row, 5))
        kept.redeemed("r1", row, 6, "q")
        self.assertEqual(kept.totals()["redeemed"], 6)

    def test_a_couple_is_two_one_and_two_again(self):
        kept = books.Books()
        first, second = kept.couple("a", "b")
        self.assertEqual((first.person(), second.couple()), ([first], [second, first]))
        kept.join(second)
        self.assertEqual(first.person(), [first, second])
        kept.part(first)
        self.assertEqual(second.person(), [second])


if __name__ == "__main__":
    unittest.main()
