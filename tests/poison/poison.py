#!/usr/bin/env python3
"""Identifiers that are shared by too many people, through the real system.

Starts Kafka, Redis, ingest and identity in build/local/poison with a pool that links. Then:
  phone    so many people, each with an openid of their own, all say that one proved phone is theirs:
           nobody may become larger than the limit, the people of other touches must not wait
           (`stall_ms`), and the metric that an alert watches must say that the phone is contested
  tablet   customers with cards of their own share one device id, a weak class: each stays a member
Writes build/reports/poison.json (ci/ with --ci); exit status 1 unless every check held.
"""

import argparse
import collections
import json
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests/e2e/demo"), str(HERE)]
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import stubs  # noqa: E402  (needs the path above)

stubs.generate()

import yaml  # noqa: E402
from google.protobuf import timestamp_pb2  # noqa: E402
from regulars.identity.v1 import identity_service_pb2  # noqa: E402
from regulars.ingest.v1 import ingest_service_pb2, touch_pb2  # noqa: E402
from regulars.types.v1 import identifier_pb2  # noqa: E402

import load  # noqa: E402
from bystanders import Probe  # noqa: E402
from system import System  # noqa: E402

POOL = "shop"
MERGES_MAX = 100
LIMIT = MERGES_MAX + 1       # people who may be one
STALL_MS_MAX = 1000
RATE = 1000                  # touches per second
QUIET_S, LIMIT_S = 1.5, 300.0
CALM_S = 3.0                 # before the load, for comparison
LOOKUPS = 400                # at once
PHONE, TABLET = "13957913570", "tablet-at-the-counter"
ALERT = ("RegularsIdentifierContested", "identifiers_contested")


class Linking(System):
    pools = ((POOL, "live"),)

    def nodes(self, *services):
        return list(services or ("ingest", "identity"))

    def _write_keys_and_config(self):
        super()._write_keys_and_config()
        path = self.dir / "config.yaml"
        config = yaml.safe_load(path.read_text())
        # Without the limit per day members grow as large as they may be at all.
        config["pools"][0]["identity"] = {"linking": True, "merges_max": MERGES_MAX,
                                          "merges_per_window": "off"}
        path.write_text(yaml.safe_dump(config, sort_keys=False))

    def sum(self, name):
        """A control sum of identity over all shards."""
        return sum(value for key, value in self.metrics("identity").items()
                   if key.startswith("regulars_shard_sum{") and f'sum="{name}"' in key)

    def committed(self):
        return sum(value for key, value in self.metrics("identity").items()
                   if key.startswith("regulars_shard_committed_inputs_total"))


def openid(number):
    return identifier_pb2.ClearIdentifier(type="openid", scope="app", verified=True,
                                          value=f"openid_{number:021}", verified_by="wechat")


def phone():
    return identifier_pb2.ClearIdentifier(type="phone", value=PHONE, verified=True,
                                          verified_by="sms_code")


def card(number):
    return identifier_pb2.ClearIdentifier(type="card", value=f"tablet-{number:07}", verified=True,
                                          verified_by="shop")


def device():
    return identifier_pb2.ClearIdentifier(type="device", value=TABLET, verified=True,
                                          verified_by="shop")


def visit(name, *identifiers):
    return ingest_service_pb2.TouchInput(
        source="till", native_id=name, channel="store",
        occur_time=timestamp_pb2.Timestamp(seconds=int(time.time())), identifiers=identifiers,
        body=touch_pb2.TouchBody(visit=touch_pb2.Visit(place="counter")))


def send(system, touches):
    """All of them at RATE, acknowledged and applied; what they led to is applied, too."""
    before = system.sum("touches_new")
    stream = load.TouchStream(system, POOL)
    begin, chunk = time.monotonic(), RATE // 10
    for first in range(0, len(touches), chunk):
        time.sleep(max(0.0, begin + first / RATE - time.monotonic()))
        stream.send(touches[first:first + chunk])
    stream.flush()
    stream.close()
    wait(system, lambda: system.sum("touches_new") >= before + len(touches), "the touches are new")
    return time.monotonic() - begin


def wait(system, condition, what):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {LIMIT_S:.0f} s: {what}")
        system.check_alive()
        time.sleep(0.1)


def wait_quiet(system):
    state = {"inputs": -1.0, "since": time.monotonic()}

    def quiet():
        inputs = system.committed()
        if inputs != state["inputs"]:
            state.update(inputs=inputs, since=time.monotonic())
        return time.monotonic() - state["since"] > QUIET_S

    wait(system, quiet, "identity has nothing to do")


def members(system, identifiers):
    """Counter of the members that the identifiers lead to."""
    stub, auth = system.stub("identity"), system.auth(POOL)
    found = collections.Counter()
    for first in range(0, len(identifiers), LOOKUPS):
        calls = [stub.LookupMember.future(identity_service_pb2.LookupMemberRequest(
            parent=f"pools/{POOL}", identifier=one), metadata=auth, timeout=30)
            for one in identifiers[first:first + LOOKUPS]]
        found.update(call.result().member for call in calls)
    return found


def measure(system, people, customers):
    calm = Probe(system, POOL)
    calm.start()
    time.sleep(CALM_S)
    figures = {"calm_max_ms": calm.stop()["max_ms"]}
    probe = Probe(system, POOL)
    probe.start()
    took = send(system, [visit(f"phone-{n}", openid(n), phone()) for n in range(people)])
    others = probe.stop()
    wait_quiet(system)
    found = members(system, [openid(n) for n in range(people)])
    figures.update(
        people=people, limit=LIMIT, largest_component=max(found.values()), members=len(found),
        stall_ms=max(others["max_ms"], others["gap_ms"]), other_p50_ms=others["p50_ms"],
        touches_per_s=round(people / took), links_suppressed=round(system.sum("links_suppressed")),
        contested=round(system.sum(ALERT[1])))
    send(system, [visit(f"tablet-{n}", card(n), device()) for n in range(customers)])
    wait_quiet(system)
    figures.update(customers=customers, members_on_tablet=len(
        members(system, [card(n) for n in range(customers)])),
        contested_after_tablet=round(system.sum(ALERT[1])))
    return figures


def alarm(figures):
    """Whether the metric says what the alert asks for; a weak identifier is none of its business."""
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
    watched = any(rule["alert"] == ALERT[0] and ALERT[1] in rule["expr"]
                  for group in rules["groups"] for rule in group["rules"])
    return watched and figures["contested"] == 1 == figures["contested_after_tablet"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ci", action="store_true", help="3,000 people and 1,000 customers")
    parser.add_argument("--dir", default=str(ROOT / "build/local/poison"))
    arguments = parser.parse_args()
    people, customers = (3_000, 1_000) if arguments.ci else (100_000, 10_000)
    system, figures, ok = Linking(arguments.dir), {}, False
    try:
        system.start()
        figures = measure(system, people, customers)
        figures["alarm"] = alarm(figures)
        checks = {
            "somebody was joined, and nobody is larger than the limit":
                1 < figures["largest_component"] <= LIMIT,
            "everybody else stayed": figures["members"] >= people - MERGES_MAX,
            f"others never waited for {STALL_MS_MAX} ms": figures["stall_ms"] <= STALL_MS_MAX,
            "the alarm fires": figures["alarm"],
            "on the tablet everybody stayed": figures["members_on_tablet"] == customers,
        }
        for what, held in checks.items():
            print(f"{'ok ' if held else 'NOT'} {what}", flush=True)
        ok = all(checks.values())
    finally:
        system.stop(wipe=ok)
    report = {"ok": ok, "size": "ci" if arguments.ci else "full", **figures}
    path = ROOT / "build/reports" / ("ci" if arguments.ci else "") / "poison.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    for name, value in report.items():
        print(f"{name} {value}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
