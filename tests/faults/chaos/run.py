#!/usr/bin/env python3
"""`make chaos ROUNDS=30 SEED=1`: real processes, two of each service, a fault per round, load running.

  run.py [--rounds 30] [--seed 1]     report build/reports/chaos.json
  run.py --ci [--seed 1]              seven rounds, one of each kind; build/reports/ci/chaos.json
  run.py --plan                       only print which fault comes when

After every round the load pauses and everything it had acknowledged is looked for, exactly once. The
first violation ends the run: logs and data stay in build/local/chaos, and the exit status is 1. See
README.md.
"""

import argparse
import collections
import json
import pathlib
import random
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(ROOT / "tests/e2e/demo"))

import stubs  # noqa: E402  (needs the path above)

stubs.generate()

import audit  # noqa: E402
import books as book_keeping  # noqa: E402
import couples as pairs  # noqa: E402
import looks  # noqa: E402
import plan  # noqa: E402
import probe  # noqa: E402
from faults import Faults  # noqa: E402
from fleet import Fleet  # noqa: E402
from redemptions import Redemptions  # noqa: E402
from touches import Touches  # noqa: E402
from zombies import Zombies  # noqa: E402

RATE = 80.0               # touches per second
CI_ROUNDS = 7
STEPS_S, ZOMBIE_S = 4.0, 12.0   # within which couples take their steps; a zombie sleeps for longer
READ_BACK = 30            # customers whose balance is read from both instances after a round
PROVIDER_FAULTS = {"fail": 0.05, "cut": 0.05, "delay": 0.05, "delay_ms": 100}


def say(text):
    print(text, flush=True)


class Run:
    def __init__(self, fleet, seed, reports):
        self._fleet, self._seed, self._reports = fleet, seed, reports
        self.figures = {}            # name -> largest
        self.violations = []
        self.kinds = collections.Counter()
        self._verify_s = 0.0

    def start(self):
        self._fleet.start()
        self._fleet.set_provider_faults(**PROVIDER_FAULTS)
        self.books = book_keeping.Books()
        self._reader = probe.Reader(self._fleet)
        self.touches = Touches(self._fleet, self.books, self._seed, RATE)
        self.redemptions = Redemptions(self._fleet, self.books, self._seed)
        self.couples = pairs.Couples(self._fleet, self.books, self.touches, self._reader, self._seed)
        self.zombies = Zombies(self._fleet)
        self._audit = audit.Audit(self._fleet, self.books, self._reader)
        self._looks = looks.Looks(self.books, self._reader, self._audit)
        self._faults = Faults(self._fleet, self.touches, self.redemptions, self.books, self._reader,
                              self.zombies)
        self.touches.start()
        self.redemptions.start()
        self.couples.step(0)
        self.touches.burst(400)
        flow_ms = probe.flow(self._fleet, self.touches, self.books, self._reader,
                             time.monotonic())
        self._check(random.Random(self._seed))
        say(f"  everything flows: {flow_ms} ms from a new customer's order to the delivered message")

    def round(self, chosen):
        begin = time.monotonic()
        self._load(True)
        self.couples.step(ZOMBIE_S if chosen.kind == "zombie" else STEPS_S)
        shown = self._faults.inject(chosen)
        self._load(False)
        healed = time.monotonic()
        self._check(random.Random(chosen.seed))
        self.kinds[chosen.kind] += 1
        for name, value in shown.items():
            self.figures[name] = max(value, self.figures.get(name, 0))
        totals = self.books.totals()
        say(f"  {chosen.number:>3}  {str(chosen):<34}"
            + "".join(f"{name.removeprefix('recover_')} {value:,}  " for name, value in shown.items())
            + f"checked in {time.monotonic() - healed:.1f} s, verify {self._verify_s:.1f} s, of "
            f"{time.monotonic() - begin:.1f} s;  "
            f"{totals['purchases']:,} orders, {totals['redemptions']:,} redemptions, "
            f"{totals['sends']:,} messages, {self.zombies.total} zombie writes refused, "
            f"{self.couples.merges} merges, {self.couples.splits} splits, "
            f"{self._audit.moved['points']:,} points moved")

    def followed(self):
        """Figures of merges and splits."""
        moved = self._audit.moved
        return {"merges": self.couples.merges, "splits": self.couples.splits,
                "splits_by_undo": self.couples.undone, "points_moved": moved["points"],
                "orders_moved": moved["segmentation"], "sends_moved": moved["messaging"],
                "entries_continued": self._audit.continued,
                "commands_asked_again": self.couples.asked_again}

    def close(self):
        if hasattr(self, "touches"):
            self.touches.close()
            self.redemptions.close()

    # -- inside ------------------------------------------------------------------------------------
    def _load(self, on):
        for load in (self.touches, self.redemptions):
            (load.resume if on else load.pause)()

    def _check(self, draw):
        """Waits until the load has its answers and finds everything once."""
        self._fleet.tend()
        self._fleet.wait("the load has all its answers",
                         lambda: self.couples.idle() and self.touches.idle() and self.redemptions.idle(),
                         150)
        refusals = (self.touches.queue.refusals + self.redemptions.refusals
                    + self.couples.refusals)
        if refusals:
            raise audit.Violation(f"{len(refusals)} refusals: {'; '.join(refusals[:5])}")
        self._audit.settle()
        different = self.redemptions.ask_again()
        if different:
            raise audit.Violation("a repeated redemption was answered otherwise: " + different[0])
        rows = [row for row in self.books.rows() if row.member]
        self._looks.balances(draw.sample(rows, min(READ_BACK, len(rows))))
        self._looks.people([row for row in rows if row.one][-READ_BACK:])
        self._audit.provider()
        self._verify_s = time.monotonic()
        self._audit.verify(self._reports / "chaos_verify.json")
        self._verify_s = time.monotonic() - self._verify_s


def write(path, fleet, run, args, rounds, done, began):
    figures = {f"{name}_max": value for name, value in sorted(run.figures.items())}
    totals = run.books.totals() if hasattr(run, "books") else {}
    report = {
        "ok": (not run.violations and done == len(rounds) and run.zombies.total > 0
               and run.followed()["points_moved"] > 0),
        "size": "ci" if args.small else "full", "seed": args.seed, "rounds": done,
        "rounds_planned": len(rounds), "violations": len(run.violations),
        "zombie_writes_refused": run.zombies.total,
        "zombie_writes_refused_by_log": run.zombies.refused["transaction"],
        "zombie_writes_refused_by_view": run.zombies.refused["view"],
        **run.followed(), **figures, **{f"rounds_{kind}": run.kinds[kind] for kind in plan.KINDS},
        **{f"acknowledged_{name}": value for name, value in totals.items()},
        "touches_sent_again": run.touches.queue.sent_again, "touches_repeated": run.touches.repeats,
        "redemptions_asked_again": run.redemptions.asked_again,
        "processes_fenced_and_restarted": len(fleet.restarts),
        "took_s": round(time.monotonic() - began, 1), "problems": run.violations,
    }
    path.write_text(json.dumps(report, indent=1) + "\n")
    return report


def chaos(args, fleet, path):
    rounds = plan.draw(args.seed, args.rounds, args.only)
    run = Run(fleet, args.seed, path.parent)
    began, done = time.monotonic(), 0
    say(f"chaos: {len(rounds)} rounds, seed {args.seed}; Kafka, Redis, a webhook provider, two "
        f"instances of five services")
    try:
        run.start()
        for chosen in rounds:
            try:
                run.round(chosen)
            except Exception as error:
                run.violations.append(f"round {chosen.number} ({chosen}): "
                                      f"{type(error).__name__}: {error}")
                break
            done += 1
    finally:
        run.close()
        if not hasattr(run, "zombies"):
            say("chaos: the system did not come up")
    report = write(path, fleet, run, args, rounds, done, began)
    for name, value in report.items():
        if not isinstance(value, list):
            say(f"  {name:<32} {value}")
    for violation in run.violations:
        say(f"VIOLATION {violation}")
    if done == len(rounds) and not run.zombies.total:
        say("no write of a zombie was refused: nothing was shown")
    if done == len(rounds) and not report["points_moved"]:
        say("no merge moved points: nothing was shown")
    return 0 if report["ok"] else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--plan", action="store_true", help="print the rounds and end")
    parser.add_argument("--dir", help="folder of the local system (build/local/chaos)")
    parser.add_argument("--bin", help="folder of the services (build/release/bin)")
    parser.add_argument("--only", nargs="+", choices=plan.KINDS, default=plan.KINDS,
                        help="kinds of faults, for a look at some of them")
    parser.add_argument("--keep", action="store_true", help="leave logs and data of a clean run")
    args = parser.parse_args()
    if args.ci:
        args.rounds = CI_ROUNDS
    if args.plan:
        for chosen in plan.draw(args.seed, args.rounds, args.only):
            say(f"  {chosen.number:>3}  {chosen}")
        return 0
    args.small = args.rounds < 30 or set(args.only) != set(plan.KINDS)  # never over a full report
    fleet = Fleet(args.dir or ROOT / "build/local" / ("chaos-ci" if args.ci else "chaos"), args.bin)
    path = ROOT / "build/reports" / ("ci" if args.small else "") / "chaos.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    code = 1
    for ending in (signal.SIGINT, signal.SIGTERM):   # the processes must not outlive the run
        signal.signal(ending, signal.default_int_handler)
    try:
        code = chaos(args, fleet, path)
        return code
    finally:
        for node in list(fleet.stopped):
            fleet.thaw(node)
        fleet.stop(wipe=code == 0 and not args.keep)
        if code or args.keep:
            say(f"logs and data are in {fleet.dir}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except Exception as error:  # one line for the reader; the report has the rest
        sys.exit(f"chaos: {type(error).__name__}: {error}")
