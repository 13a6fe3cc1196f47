#!/usr/bin/env python3
"""Sends every row of docs/bad-inputs.md to running services and looks that nothing changed.

Starts Kafka, Redis, ingest and identity in build/local/bad-inputs. A row is right if code and reason are
those of the document and no topic grew; what looks bad and is taken comes last. Writes
build/reports/bad_inputs.json (ci/ with --ci); exit status 1 if a row is wrong, or stands in the document without
being sent here.
"""

import hashlib
import json
import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/e2e/demo"), str(ROOT / "tests/bad_inputs")]
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import stubs  # noqa: E402

stubs.generate()

from confluent_kafka import Consumer, TopicPartition  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from grpc import StatusCode  # noqa: E402

import calls  # noqa: E402
import people as persons  # noqa: E402
import rules as linking_rules  # noqa: E402
import system as running  # noqa: E402
import touches  # noqa: E402

CODES = {code.value[0]: code.name for code in StatusCode}
running.SERVICES = ("ingest", "identity")


class LinkingSystem(running.System):
    rules = {**running.RULES, "identity": {"linking": True}}

    def _write_keys_and_config(self):
        super()._write_keys_and_config()
        path = self.dir / "keys" / calls.EVENT / "api-keys"
        gone = linking_rules.GONE
        digest = hashlib.sha256(linking_rules.GONE_KEY.encode()).hexdigest()
        lines = [line for line in path.read_text().splitlines() if not line.startswith(f"{gone} ")]
        path.write_text("\n".join([*lines, f"{gone} {gone} {digest} simulate-rules", ""]))


def documented():
    """{section: {id: (code, reason)}}"""
    sections, rows = {}, None
    for line in (ROOT / "docs/bad-inputs.md").read_text().splitlines():
        if line.startswith("## "):
            rows = sections.setdefault(line[3:].split(":")[0], {})
        elif line.startswith("| ") and not line.startswith("| id "):
            row_id, _, code, reason = (cell.strip() for cell in line.strip("|").split(" |", 3))
            rows[row_id] = (code, reason)
    return sections


def told(error):
    """(code, reason) of an RpcError or a google.rpc.Status."""
    if error is None:
        return "OK", ""
    status = error
    if not isinstance(error, status_pb2.Status):
        details = [value for key, value in error.trailing_metadata() or ()
                   if key == "grpc-status-details-bin"]
        status = status_pb2.Status.FromString(details[0]) if details else status_pb2.Status()
        status.code = error.code().value[0]
    info = error_details_pb2.ErrorInfo()
    reasons = []
    for detail in status.details:
        if detail.Unpack(info):
            reasons.append(info.reason)
    return CODES[status.code], ",".join(reasons)


class Topics:
    """End offsets of everything that a bad input could have changed."""

    def __init__(self, bootstrap):
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bad-inputs"})

    def ends(self):
        found = {}
        for name, topic in self.consumer.list_topics(timeout=10).topics.items():
            if name.startswith("regulars.ingest.") or name.startswith("regulars.identity."):
                for partition in topic.partitions:
                    where = TopicPartition(name, partition)
                    found[name, partition] = self.consumer.get_watermark_offsets(where, timeout=10)[1]
        return found


def main():
    sections = documented()
    content = sections["Content of a touch"]
    other = sections["Calls"]
    taken = sections["Looks bad and is taken"]
    about_people, at_once = sections["Calls about people"], sections["Two at once"]
    about_rules = sections["Calls about rules"]
    system = LinkingSystem(ROOT / "build/local/bad-inputs")
    results, wrong = [], []

    def judge(row_id, expected, answer):
        right = answer == expected
        results.append({"id": row_id, "code": answer[0], "reason": answer[1], "ok": right})
        if not right:
            wrong.append(row_id)
        print(f"{'ok   ' if right else 'WRONG'} {row_id:26} {answer[0]} {answer[1]}"
              + ("" if right else f"   (documented: {expected[0]} {expected[1]})"), flush=True)

    try:
        system.start()
        caller = calls.Calls(system)
        # What may pass passes: otherwise every row below would be right for the wrong reason.
        judge("(a good touch)", ("OK", ""), told(caller.record(touches.good())))
        judge("(a good promise)", ("OK", ""), told(caller.advance(1000)))
        people = persons.People(system, caller)
        people.prepare()
        topics = Topics(system.bootstrap)
        before = settled(topics)
        for row_id, expected in content.items():
            touch = touches.good(row_id)
            touches.ROWS[row_id](touch)
            judge(row_id, expected, told(caller.record(touch)))
        sent = caller.rows()
        for row_id, expected in other.items():
            if row_id in sent:
                answer = told(sent[row_id]())
                # gRPC itself refuses these, before or without the service.
                if expected[1].startswith("none") or row_id == "deadline-over":
                    expected, answer = (expected[0], ""), (answer[0], "")
                judge(row_id, expected, answer)
            elif row_id == "headers-20mb":
                stopped, _ = calls.edge_stops_headers()
                judge(row_id, ("stopped", ""), ("stopped" if stopped else "passed", ""))
            elif row_id not in calls.ELSEWHERE:
                judge(row_id, expected, ("not sent", ""))
        asked = people.rows()
        for row_id, expected in about_people.items():
            judge(row_id, expected, told(asked.pop(row_id)()) if row_id in asked else ("not sent", ""))
        judge("(every row is documented)", ("", ""), (", ".join(asked), ""))
        rules = linking_rules.Rules(system)
        judge("(good rules)", ("OK", ""), told(rules.at_the_limit()))
        asked = rules.rows()
        for row_id, expected in about_rules.items():
            if row_id in asked:
                judge(row_id, expected, told(asked.pop(row_id)()))
            elif row_id not in linking_rules.ELSEWHERE:
                judge(row_id, expected, ("not sent", ""))
        judge("(every row about rules is documented)", ("", ""), (", ".join(asked), ""))
        after = topics.ends()
        topics.consumer.close()
        judge("(nothing changed)", ("same", ""), ("same" if after == before else "grown", ""))
        both = people.at_once()
        for row_id, (code, reasons) in at_once.items():
            done, *refused = sorted(map(told, both.pop(row_id)), key=lambda answer: answer[0] != "OK")
            judge(f"{row_id}, one", ("OK", ""), done)
            reason = next((one for one in reasons.split(" or ") if one == refused[0][1]), reasons)
            judge(row_id, (code, reason), refused[0])
        judge("(one of the two was done)", ("yes", ""), ("yes" if people.dan_is_himself() else "no", ""))
        for row_id, expected in taken.items():
            touch = touches.good(row_id)
            touches.TAKEN[row_id](touch)
            judge(row_id, (expected[0], ""), told(caller.record(touch)))
        members = caller.members_of_a_shared_hint()
        judge("(a hint joins nobody)", ("two members", ""),
              ("two members" if len(members) == 2 else "one member", ""))
    finally:
        system.stop()
    ci = "--ci" in sys.argv  # the same rows; only where the report goes
    report = {"ok": not wrong, "size": "ci" if ci else "full", "rows": len(results), "wrong": wrong,
              "results": results}
    path = ROOT / "build/reports" / ("ci" if ci else "") / "bad_inputs.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{len(results)} rows, {len(wrong)} wrong; {path.relative_to(ROOT)}")
    return 1 if wrong else 0


def settled(topics, rounds=100):
    """Ends once the good touch went through identity: two equal looks, half a second apart."""
    seen = topics.ends()
    for _ in range(rounds):
        time.sleep(0.5)  # a pause between two looks; the condition is that they are equal
        now = topics.ends()
        events = [end for (name, _), end in now.items() if name == "regulars.identity.events.v1.g1"]
        if now == seen and sum(events) > 0:
            return now
        seen = now
    raise SystemExit("the good touch did not come out of identity")


if __name__ == "__main__":
    sys.exit(main())
