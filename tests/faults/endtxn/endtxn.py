#!/usr/bin/env python3
"""`make endtxn`: late EndTxn requests against the real producer, with the dirty-producer rule and without.

    endtxn.py [--tries 200] [--ci]

A broker of its own in build/local/endtxn has a second listener whose advertised address is the driver's
proxy; endtxn_driver (main.cc) does the tries and compares. Rule on: nothing may be torn. Rule off: something
must be torn, and the `@shard` chains must name exactly what was. Report: build/reports/endtxn.json (--ci:
build/reports/ci/). Exit status 0 only if all of that held.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "deploy/local"))

from cluster import Cluster, free_port  # noqa: E402  (needs the path above)

BIN = pathlib.Path(os.environ.get("REGULARS_BIN", ROOT / "build/release/bin"))
# A try takes about a second; by silence, or on a busy machine, several.
LIMIT_S_PER_TRY = 20.0


class ProxiedCluster(Cluster):
    """A cluster whose broker also listens at `behind_proxy` and advertises `proxy` there."""

    def __init__(self, folder):
        super().__init__(folder)
        self.behind_proxy, self.proxy = free_port(), free_port()

    def broker_properties(self, text):
        added = {"listeners": f",PROXIED://127.0.0.1:{self.behind_proxy}",
                 "advertised.listeners": f",PROXIED://127.0.0.1:{self.proxy}",
                 "listener.security.protocol.map": ",PROXIED:PLAINTEXT"}
        return "".join(line + added.get(line.split("=")[0], "") + "\n" for line in text.splitlines())

    @property
    def port(self):
        return int(self.env()["KAFKA_BOOTSTRAP"].rsplit(":", 1)[1])

    def transaction_version(self):
        """The broker's finalized feature level; 2 = KIP-890 part 2, for clients that speak it."""
        argv = [*self._java(), "-Xmx128m", "-XX:TieredStopAtLevel=1",
                "org.apache.kafka.tools.FeatureCommand", "--bootstrap-server",
                self.env()["KAFKA_BOOTSTRAP"], "describe"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
        for line in done.stdout.splitlines():
            words = line.replace(":", " ").split()
            if "transaction.version" in words:
                return int(words[words.index("FinalizedVersionLevel") + 1])
        raise SystemExit("the broker does not tell its features: " + done.stdout + done.stderr)


def drive(cluster, tries, rule):
    argv = [str(BIN / "endtxn_driver"), f"--broker={cluster.port}",
            f"--behind-proxy={cluster.behind_proxy}", f"--proxy={cluster.proxy}",
            f"--tries={tries}", f"--rule={rule}"]
    start = time.monotonic()
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False,
                          timeout=120 + LIMIT_S_PER_TRY * tries)
    if done.returncode != 0:
        raise SystemExit(f"the driver ended with {done.returncode} (rule {rule})")
    return {**json.loads(done.stdout), "took_s": round(time.monotonic() - start, 1)}


def judge(tries, size, broker_level, with_rule, without):
    """The report: flat, and what is wrong in words."""
    both = (with_rule, without)
    report = {
        "tries": tries,
        "held": sum(run["held"] for run in both),
        "held_by_silence": sum(run["by_silence"] for run in both),
        "delivered_late": sum(run["delivered_late"] for run in both),
        "late_accepted_rule_on": with_rule["accepted"],
        "late_accepted_rule_off": without["accepted"],
        "torn_rule_on": with_rule["torn"],
        "found_rule_on": with_rule["found"],
        "lost_rule_on": with_rule["lost"],
        "aborted_visible_rule_on": with_rule["aborted_visible"],
        "caused": without["torn"],
        "detected": without["found"],
        "caused_and_detected": without["torn_and_found"],
        "producers_recreated": with_rule["recreated"],
        "producers_rule_off": without["producers"],
        "endtxn_version": max(run["version"] for run in both),
        "broker_transaction_version": broker_level,
        "transactions": sum(run["transactions"] for run in both),
        "took_rule_on_s": with_rule["took_s"],
        "took_rule_off_s": without["took_s"],
        "outcomes_unknown": sum(run["unknown"] for run in both),
    }
    promises = {
        "every EndTxn was held": report["held"] == 2 * tries,
        "every held EndTxn was delivered late": report["delivered_late"] == 2 * tries,
        "rule on: no late EndTxn was accepted": with_rule["accepted"] == 0,
        "rule on: nothing torn, lost or visible after an abort":
            with_rule["torn"] == with_rule["lost"] == with_rule["aborted_visible"] == 0,
        "rule on: the chains are whole": with_rule["found"] == 0,
        "rule on: every try cost its producer": with_rule["recreated"] >= tries,
        "rule off: something was torn": without["torn"] > 0,
        "rule off: the chains name what was torn and nothing else":
            without["torn"] == without["found"] == without["torn_and_found"],
    }
    wrong = [text for text, held in promises.items() if not held]
    return {"ok": not wrong, "size": size, **report, "wrong": wrong}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=200)
    parser.add_argument("--ci", action="store_true", help="report as CI size")
    arguments = parser.parse_args()
    for name in ("KAFKA_BOOTSTRAP", "REDIS_ADDRESS"):
        os.environ.pop(name, None)  # the broker needs the second listener
    small = arguments.ci or arguments.tries < 200  # never over a full report
    size = "ci" if small else "full"
    cluster = ProxiedCluster(ROOT / f"build/local/endtxn{'-ci' if arguments.ci else ''}")
    try:
        cluster.up(fresh=True)
        level = cluster.transaction_version()
        runs = [drive(cluster, arguments.tries, rule) for rule in ("on", "off")]
    finally:
        cluster.down(wipe=True)
    report = judge(arguments.tries, size, level, *runs)
    path = ROOT / "build/reports" / ("ci/endtxn.json" if small else "endtxn.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    for name, value in report.items():
        if name != "wrong":
            print(f"{name:27} {value}")
    for text in report["wrong"]:
        print(f"WRONG: not so: {text}")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
