#!/usr/bin/env python3
"""Alerts and dashboard against the code: every expression parses, every metric exists.

  * every PromQL expression of alerts.yml and dashboard.json parses;
  * every regulars_* name in them is emitted somewhere in libs/, services/ or tools/ (as a literal);
  * every alert names a runbook heading that exists in docs/runbook/README.md.
"""

import json
import pathlib
import re
import subprocess
import sys

import promql_parser
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/dashboard.json"
RUNBOOK = ROOT / "docs/runbook/README.md"
SERIES_SUFFIX = re.compile(r"_(bucket|sum|count)$")


def expressions():
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def emitted():
    listed = subprocess.run(["git", "-C", str(ROOT), "grep", "-hoE", "--untracked",
                             r'"regulars_[a-z0-9_]+"', "--", "libs", "services", "tools", ":!*_test.cc"],
                            capture_output=True, text=True, check=False).stdout
    return {name.strip('"') for name in listed.split()}


def anchors():
    headings = re.findall(r"^#+ (.+)$", RUNBOOK.read_text(), re.M)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def main():
    wrong, names, count = [], {}, 0
    for title, text in expressions():
        count += 1
        try:
            promql_parser.parse(text)
        except ValueError as error:
            wrong.append(f"{title}: {error}: {text}")
        for name in re.findall(r"\bregulars_[a-z0-9_]+", text):
            names.setdefault(name, title)
    known = emitted()
    for name, title in sorted(names.items()):
        if name not in known and SERIES_SUFFIX.sub("", name) not in known:
            wrong.append(f"{title}: no code emits {name}")
    headings = anchors()
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            anchor = rule["annotations"]["runbook"].split("#")[1]
            if anchor not in headings:
                wrong.append(f"{rule['alert']}: the runbook has no heading #{anchor}")
    print("\n".join(wrong + [f"{count} expressions, {len(names)} metrics, {len(wrong)} problems"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
