#!/usr/bin/env python3
"""`make bench`: the figures, all ratios from one run on one machine, replication factor 1.

  bench.py                 full size, about twenty minutes on 2 cores; refuses while another local
                           cluster runs (--not-alone allows it, and the report says so)
  bench.py --ci            small numbers, goals shown but not judged (`make test`)
  bench.py --only PART,..  some parts (points, redeem, rebuild, restart, echo, streams, view,
                           identity, e2e, links, hot, idle); writes build/reports/ci/bench_part.json

Every part is one file of parts/; one that fails makes `ok` false, and the others still run. Report:
build/reports/bench.json (--ci: build/reports/ci/bench.json). Exit status 0 if `ok`. docs/bench.md says
what each figure is.
"""

import argparse
import importlib
import json
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for folder in (ROOT / "deploy/local", ROOT / "tests/e2e/demo", HERE):
    sys.path.insert(0, str(folder))

import stubs  # noqa: E402  (needs the path above)

stubs.generate()

import goals  # noqa: E402
from cluster import running_clusters  # noqa: E402
from context import Size  # noqa: E402
from ledger_stage import LedgerStage  # noqa: E402
from people_stage import PeopleStage, Whole  # noqa: E402

CORES = 2
# The order is that of the run: points leaves its output and state for those behind it.
LEDGER_PARTS = ("points", "redeem", "rebuild", "restart", "echo", "streams", "view")
PEOPLE_PARTS = ("identity",)
WHOLE_PARTS = ("e2e", "links", "hot", "idle")


def say(text=""):
    print(text, flush=True)


class Run:
    def __init__(self, size):
        self.size = size
        self.shown = {}
        self.failed = []

    def part(self, name, stage):
        """Runs one part and prints what it added."""
        before = set(self.shown)
        start = time.monotonic()
        try:
            module = importlib.import_module(f"parts.{name}")
            self.failed += [f"{name}: {problem}" for problem in module.run(stage, self.size, self.shown)]
        except Exception as error:  # the other figures are still worth having
            self.failed.append(f"{name}: {type(error).__name__}: {error}")
        for key in [key for key in self.shown if key not in before]:
            self.shown[key] = goals.rounded(self.shown[key])
            say(goals.line(key, self.shown[key], self.size.name == "full"))
        say(f"  ({name}: {time.monotonic() - start:.0f} s)")

    def stage(self, what, stage, names):
        """Starts a stage, runs its parts, stops it; a failed one leaves its logs."""
        if not names:
            return
        before = len(self.failed)
        say(f"{what}:")
        try:
            stage.start()
            for name in names:
                self.part(name, stage)
        except Exception as error:
            self.failed.append(f"{what}: {type(error).__name__}: {error}")
        finally:
            stage.stop(wipe=len(self.failed) == before)

    def missed(self):
        return [key for key in goals.GOALS if key in self.shown
                and not goals.held(key, self.shown[key])]

    def report(self, path, alone):
        body = {"ok": not self.failed, "size": self.size.name, "failed": self.failed,
                "goals_missed": self.missed(), "replication_factor": 1,
                "cores": len(os.sched_getaffinity(0)), "alone": alone, **self.shown}
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_suffix(".new")
        staged.write_text(json.dumps(body, indent=2) + "\n")
        staged.rename(path)


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--only", default="", help="names of parts, separated by commas")
    parser.add_argument("--not-alone", action="store_true")
    return parser.parse_args()


def main():
    options = parse()
    size = Size("ci" if options.ci else "full")
    wanted = [name for name in options.only.split(",") if name] or [
        *LEDGER_PARTS, *PEOPLE_PARTS, *WHOLE_PARTS]
    others = [str(folder) for folder in running_clusters()]
    must_be_alone = size.name == "full" and not options.not_alone
    if must_be_alone and others:
        sys.exit("bench: another local cluster is running: " + ", ".join(others))
    # Everything that is started shares these cores.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    folder = ROOT / "build/local" / ("bench-ci" if options.ci else "bench")
    run = Run(size)
    run.stage("the ledger alone", LedgerStage(folder / "ledger", size, must_be_alone),
              [name for name in LEDGER_PARTS if name in wanted])
    run.stage("identity alone", PeopleStage(folder / "people", size.people, must_be_alone),
              [name for name in PEOPLE_PARTS if name in wanted])
    run.stage("everything", Whole(folder / "whole"),
              [name for name in WHOLE_PARTS if name in wanted])
    reports = ROOT / "build/reports" / ("ci" if options.ci or options.only else "")
    path = reports / ("bench_part.json" if options.only else "bench.json")
    run.report(path, not others)
    say()
    for problem in run.failed:
        say(f"  FAILED {problem}")
    if run.missed():
        say("  goals missed" + ("" if size.name == "full" else " (not judged at this size)") + ": "
            + ", ".join(run.missed()))
    say(f"bench: {'ok' if not run.failed else 'NOT ok'}, replication factor 1, {size.name}. Report: {path}")
    return 0 if not run.failed else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
