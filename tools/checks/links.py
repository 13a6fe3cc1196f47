#!/usr/bin/env python3
"""Every relative link of every Markdown file of the tree leads to a file, and its #anchor to a heading."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def pages():
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard",
                             "--", "*.md"], check=True, capture_output=True, text=True).stdout
    return [ROOT / line for line in sorted(set(listed.splitlines())) if (ROOT / line).is_file()]


def without_code(text):
    return re.sub(r"```.*?```", "", text, flags=re.S)


def anchors(path):
    headings = re.findall(r"^#+ (.+)$", without_code(path.read_text()), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def main():
    wrong = []
    for page in pages():
        for target in LINK.findall(without_code(page.read_text())):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            path = (page.parent / name).resolve() if name else page
            if not path.exists():
                wrong.append(f"{page.relative_to(ROOT)}: {target} does not exist")
            elif anchor and path.suffix == ".md" and anchor not in anchors(path):
                wrong.append(f"{page.relative_to(ROOT)}: {name} has no heading #{anchor}")
    print("\n".join(wrong + [f"{len(pages())} pages, {len(wrong)} broken links"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
