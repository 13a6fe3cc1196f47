#!/usr/bin/env python3
"""`make demo`: eighteen months of a real shop through the real system, every figure checked.

  run.py            fresh Kafka, Redis, five services; replay, report, last act; keeps running
  run.py --again    the same load once more over the running state: every touch is a repeat
  run.py --ci       both, in a folder of its own, everything stopped at the end (`make test`)

Reports: build/reports/demo.json and demo_again.json (--ci: build/reports/ci/). Exit status 0 only if
every check held.
"""

import argparse
import pathlib
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE))

import stubs  # noqa: E402  (needs the path above)

stubs.generate()

import data  # noqa: E402
import expect  # noqa: E402
import figures  # noqa: E402
import fold  # noqa: E402
import lag  # noqa: E402
import lastact  # noqa: E402
import latency  # noqa: E402
import load  # noqa: E402
import report  # noqa: E402
from report import say  # noqa: E402
from system import HISTORY, STATEFUL, System  # noqa: E402

PROGRESS_S = 2.0
# Touches per second of the whole replay. At CI size the rate is reported and not judged: a test is not timed.
RATE_MIN = {"full": 1500, "ci": 0}
DUPLICATES_LIMIT_S = 120.0


class Progress(threading.Thread):
    """A line every PROGRESS_S: how far, how fast, who is behind. A thread of its own, so that looking
    does not hold up the replay."""

    def __init__(self, system, purchases):
        super().__init__(daemon=True)
        self._lag, self._total = lag.Lag(system.bootstrap), len(purchases)
        self._place = (purchases[0].time_s, 0)
        self._over = threading.Event()
        self._begin = time.monotonic()
        self.start()

    def __call__(self, until_s, sent):
        self._place = (until_s, sent)

    def run(self):
        while not self._over.wait(PROGRESS_S):
            until_s, sent = self._place
            rate = sent / (time.monotonic() - self._begin)
            behind = ", ".join(f"{name} {count}" for name, count in self._lag.read().items())
            say(f"  {report.date(until_s)}  {sent:>6,} of {self._total:,} purchases  "
                f"{rate:>6,.0f}/s   behind: {behind}")

    def close(self):
        self._over.set()
        self.join(30)
        self._lag.close()


def replay(system, purchases, clock):
    progress = Progress(system, purchases)
    try:
        took_s = load.replay(system, HISTORY, purchases, expect.END_S, progress, clock)
    finally:
        progress.close()
    say(f"  {len(purchases):,} purchases in {took_s:.1f} s")
    return took_s


def check_figures(system, act, expected, checks):
    """Takes the figures and compares each with the independent computation."""
    shown = figures.collect(system)
    for name, value in shown.items():
        checks.equal(name, value, expected[name])
    sizes = figures.segment_sizes(system)
    checks.equal("ListSegments repeat_buyer", sizes.get("repeat_buyer", (None,))[0],
                 expected["repeat_members"])
    checks.equal("ListSegments lapsed", sizes.get("lapsed"),
                 (expected["lapsed_members"], expected["lapsed_entries"]))
    top = figures.top_members(act, expected["top_members"])
    checks.equal("top members", top, expected["top_members"])
    provider = system.provider_counts()
    checks.equal("messages at the provider", provider["messages"], expected["sends_delivered"])
    checks.equal("idempotency keys per send", provider["keys_per_send_max"], 1)
    report.print_shop(shown, expected, sizes, top)
    return shown


def check_engine(system, shown, took_s, count, size, checks):
    shown["touches_per_s"] = int(count / took_s)
    checks.that("touches_per_s", shown["touches_per_s"] >= RATE_MIN[size],
                f"is {shown['touches_per_s']}, must be at least {RATE_MIN[size]}")
    shown["ledger_imbalance"] = figures.ledger_imbalance(system.bootstrap, HISTORY)
    checks.equal("ledger_imbalance", shown["ledger_imbalance"], 0)
    fold.wait_view(system)
    view = fold.compare_view(system.bootstrap, system.redis_address)
    shown["view_equals_log"], shown["view_keys"] = view["equal"], view["keys"]
    checks.that("view_equals_log", view["equal"], str(view))
    say("\nA second pool on the wall clock, 200 touches per second:")
    delay = latency.measure(system, say)
    shown.update(touch_to_points_p50_ms=delay["p50_ms"], touch_to_points_p99_ms=delay["p99_ms"],
                 live_touches=delay["touches"], live_touches_per_s=delay["per_s"])
    report.print_engine(shown)


def demo(system, size, path):
    checks, shown = report.Checks(), {}
    try:
        say("CDNOW: 69,659 purchases of 23,570 customers, 1997-01-01 to 1998-06-30")
        purchases = data.read(data.fetch(ROOT / ".cache"))
        expected = expect.figures(purchases)
        say("starting Kafka, Redis, a webhook provider and five services")
        system.start()
        say("replaying, in lock step of seven days:")
        took_s = replay(system, purchases, clock=True)
        figures.wait_delivered(system, say)
        fold.wait_quiet(system)
        act = lastact.Act(system, say)
        shown.update(check_figures(system, act, expected, checks), replay_s=round(took_s, 1))
        check_engine(system, shown, took_s, len(purchases), size, checks)
        say("\nThe last act, through gRPC:")
        best = expected["top_members"][0]["customer"]
        member = act.run(purchases, best, [p for p in purchases if p.customer == best][-1])
        for what, held in act.checks:
            checks.that("last act: " + what, held)
        system.check_alive()
        if size == "full":
            report.print_calls(system, HISTORY, member)
            say("`make demo-again` sends the same load once more, `make down` stops everything.")
    except Exception as error:
        checks.that("the run", False, f"ended early: {error}")
        report.write(path, checks, size, shown)
        raise
    report.write(path, checks, size, shown)
    return report.verdict(checks, path)


def state_of(system):
    """What must not change: sums and states of the history pool, messages at the provider."""
    sums = fold.all_sums(system.bootstrap, HISTORY)
    states = {service: fold.of_pool(fold.states(system.bootstrap, service), HISTORY)
              for service in STATEFUL}
    return sums, states, system.provider_counts()["messages"]


def wait_duplicates(system, wanted):
    deadline = time.monotonic() + DUPLICATES_LIMIT_S
    while True:
        count = fold.sums(system.bootstrap, "identity", HISTORY)["touches_duplicate"]
        if count >= wanted or time.monotonic() > deadline:
            return count
        time.sleep(0.2)


def again(system, size, path):
    checks = report.Checks()
    shown = {}
    try:
        purchases = data.read(data.fetch(ROOT / ".cache"))
        fold.wait_quiet(system)
        sums, states, messages = state_of(system)
        say("The same 69,659 purchases a second time, without the clock:")
        took_s = replay(system, purchases, clock=False)
        before = sums["identity"]["touches_duplicate"]
        shown["touches"] = len(purchases)
        shown["duplicates"] = wait_duplicates(system, before + len(purchases)) - before
        shown["touches_per_s"] = int(len(purchases) / took_s)
        checks.equal("duplicates", shown["duplicates"], len(purchases))
        fold.wait_quiet(system)
        sums_after, states_after, messages_after = state_of(system)
        for name, service in (("balance", "points"), ("segment", "segmentation"),
                              ("send", "messaging"), ("member", "identity")):
            old, new = states[service], states_after[service]
            changed = sum(1 for key in old.keys() | new.keys() if old.get(key) != new.get(key))
            shown[f"{name}_changes"] = changed
            checks.equal(f"{name} changes", changed, 0)
            sums[service].pop("touches_duplicate", None)
            sums_after[service].pop("touches_duplicate", None)
            checks.equal(f"sums of {service}", dict(sums_after[service]), dict(sums[service]))
        shown["messages_sent"] = messages_after - messages
        checks.equal("messages sent", shown["messages_sent"], 0)
        say(f"\n  repeats recognised {shown['duplicates']:,} of {len(purchases):,}; changed: "
            + ", ".join(f"{shown[f'{n}_changes']} {n}s" for n in ("member", "balance", "segment", "send"))
            + f"; {shown['messages_sent']} messages sent")
    except Exception as error:
        checks.that("the run", False, f"ended early: {error}")
        report.write(path, checks, size, shown)
        raise
    report.write(path, checks, size, shown)
    return report.verdict(checks, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--dir", help="folder of the local system (build/local/demo)")
    parser.add_argument("--bin", help="folder of the services (build/release/bin)")
    options = parser.parse_args()
    size = "ci" if options.ci else "full"
    reports = ROOT / "build/reports" / ("ci" if options.ci else "")
    folder = options.dir or ROOT / "build/local" / ("demo-ci" if options.ci else "demo")
    system = System(folder, options.bin)
    if not options.ci:
        if options.again:
            system.attach()
            return again(system, size, reports / "demo_again.json")
        return demo(system, size, reports / "demo.json")
    code = 1
    try:
        code = (demo(system, size, reports / "demo.json")
                or again(system, size, reports / "demo_again.json"))
        return code
    finally:
        system.stop(wipe=code == 0)  # a failure leaves its logs


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except Exception as error:  # one line for the reader; the report has the rest
        sys.exit(f"demo: {type(error).__name__}: {error}")
