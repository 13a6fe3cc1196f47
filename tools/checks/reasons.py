#!/usr/bin/env python3
"""Reasons of errors are the same in protos, pages and code.

Every reason that a comment of proto/**/*_service.proto names is a text of the code and a row of
docs/errors.md or docs/bad-inputs.md; every reason of those pages is a text of the code.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORD = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
CODES = {"INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
         "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "OUT_OF_RANGE", "DATA_LOSS"}


def of_protos():
    found = {}
    for path in sorted((ROOT / "proto").rglob("*_service.proto")):
        text = path.read_text()
        declared = set(re.findall(r"^\s*([A-Z0-9_]+) = \d+", text, re.M))
        for comment in re.findall(r"//(.*)", text):
            for word in set(WORD.findall(comment)) - CODES - declared:
                found.setdefault(word, path.relative_to(ROOT))
    return found


def of_page(name):
    rows = re.findall(r"^\|(.*)\|$", (ROOT / "docs" / name).read_text(), re.M)
    return {word for row in rows for word in WORD.findall(row)} - CODES


def of_code():
    found = set()
    for folder in ("libs", "services"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".cc", ".h") and not path.stem.endswith("test"):
                found |= set(re.findall(r'"([A-Z0-9_]+)"', path.read_text()))
    return found


def main():
    protos, code = of_protos(), of_code()
    pages = {name: of_page(name) for name in ("errors.md", "bad-inputs.md")}
    known = set().union(*pages.values())
    wrong = [f"{path}: {word} is no reason of the code" for word, path in protos.items()
             if word not in code]
    wrong += [f"{path}: {word} is on no page of docs/" for word, path in protos.items()
              if word not in known]
    wrong += [f"docs/{name}: {word} is no reason of the code" for name, words in pages.items()
              for word in sorted(words - code)]
    print("\n".join(wrong) if wrong else f"reasons: {len(known)} known, {len(protos)} in protos")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
