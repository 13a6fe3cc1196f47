#!/usr/bin/env python3
"""What the evaluation of `make match` computes, on examples small enough to check by hand."""

import unittest

import febrl


class Evaluation(unittest.TestCase):
    def test_true_pairs_are_those_of_one_person(self):
        self.assertEqual(febrl.true_pairs(["7", "8", "7", "7"]), {(0, 2), (0, 3), (2, 3)})

    def test_closure_connects(self):
        self.assertEqual(febrl.closure({(0, 1), (1, 2), (3, 4)}, 6),
                         {(0, 1), (0, 2), (1, 2), (3, 4)})
        self.assertEqual(febrl.closure(set(), 3), set())

    def test_a_rule_needs_all_its_fields(self):
        values = [{"a": "x", "b": "1"}, {"a": "x", "b": "1"}, {"a": "x", "b": "2"},
                  {"a": "", "b": "1"}, {"a": "", "b": "1"}]
        self.assertEqual(febrl.rule_pairs(values, [["a", "b"]]), {(0, 1)})

    def test_one_to_one_takes_the_best_first(self):
        scored = [(False, 9, (0, 5)), (False, 8, (0, 6)), (False, 7, (1, 6)), (True, 1, (2, 5))]
        self.assertEqual(febrl.one_to_one(scored), {(2, 5), (0, 6)})

    def test_quality_counts_pairs(self):
        precision, recall, f1 = febrl.quality({(0, 1), (2, 3)}, {(0, 1), (4, 5), (6, 7)})
        self.assertAlmostEqual(precision, 1 / 2)
        self.assertAlmostEqual(recall, 1 / 3)
        self.assertAlmostEqual(f1, 2 / 5)
        self.assertEqual(febrl.quality(set(), {(0, 1)}), (0.0, 0.0, 0.0))


if __name__ == "__main__":
    unittest.main()
