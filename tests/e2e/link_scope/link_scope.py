#!/usr/bin/env python3
"""Two linking pools, one kept in one shard and one spread: members become one in both.

Real Kafka, Redis, ingest and identity in a folder of its own; run by ctest (label e2e,
`link_scope`). Shows, by reading the log, that everything that identity decides of the pool with
`link_scope: pool` is in one partition and of the other one in several, while the events of both
are spread; that restarts change nothing; and that a scope that was changed later stops identity,
which goes on when it is changed back. Exit status 0 only if every check held.
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent / "demo"))

import stubs  # noqa: E402  (needs the path above)

stubs.generate()

import grpc  # noqa: E402
import yaml  # noqa: E402
from confluent_kafka import Consumer, TopicPartition  # noqa: E402
from google.protobuf import timestamp_pb2  # noqa: E402
from regulars.identity.v1 import identity_service_pb2  # noqa: E402
from regulars.identity.v1 import rule_service_pb2, rule_service_pb2_grpc  # noqa: E402
from regulars.ingest.v1 import ingest_service_pb2, touch_pb2  # noqa: E402
from regulars.types.v1 import identifier_pb2  # noqa: E402

from system import SHARDS, System, SystemFailure  # noqa: E402

NEAR, FAR = "near", "far"
SCOPES = {NEAR: "pool", FAR: "member"}
PEOPLE = 40
LIMIT_S = 60.0
LINKS = "regulars.identity.links.v1.g1"
DECIDED = ("regulars.ingest.touches.v1.g1", LINKS, "regulars.identity.changelog.v1.g1")
EVENTS = "regulars.identity.events.v1.g1"


class Pools(System):
    pools = ((NEAR, "live"), (FAR, "live"))

    def nodes(self, *services):
        return list(services or ("ingest", "identity"))

    def write_scopes(self, scopes):
        path = self.dir / "config.yaml"
        config = yaml.safe_load(path.read_text())
        for pool in config["pools"]:
            # The first one is what a linking pool is by itself.
            scope = scopes[pool["name"]]
            pool["identity"] = {"linking": True} if scope == "pool" else {
                "linking": True, "link_scope": scope, "expected_members": 10_000_000}
        path.write_text(yaml.safe_dump(config, sort_keys=False))

    def _write_keys_and_config(self):
        super()._write_keys_and_config()
        self.write_scopes(SCOPES)


class Scene:
    def __init__(self, system):
        self.system = system
        self.failed = 0
        self.sent = 0

    def check(self, what, held, detail=""):
        self.failed += not held
        print(f"{'ok ' if held else 'NOT'} {what}{'' if held else f' ({detail})'}", flush=True)

    @staticmethod
    def openid(number):
        return identifier_pb2.ClearIdentifier(type="openid", scope="app", verified=True,
                                              value=f"openid_{number:021}",
                                              verified_by="wechat")

    @staticmethod
    def email(number):
        return identifier_pb2.ClearIdentifier(type="email", value=f"someone{number}@example.com",
                                              verified=True, verified_by="link")

    def visit(self, pool, *identifiers):
        self.sent += 1
        self.system.stub("ingest").RecordTouch(
            ingest_service_pb2.RecordTouchRequest(
                parent=f"pools/{pool}", touch=ingest_service_pb2.TouchInput(
                    source="till", native_id=f"{pool}-{self.sent}", channel="store",
                    occur_time=timestamp_pb2.Timestamp(seconds=int(time.time()) - 60),
                    identifiers=identifiers,
                    body=touch_pb2.TouchBody(visit=touch_pb2.Visit(place="door")))),
            metadata=self.system.auth(pool), timeout=10)

    def get(self, pool, identifier):
        """The member that the identifier leads to now; None if it leads to none."""
        with contextlib.suppress(grpc.RpcError):
            return self.system.stub("identity").LookupMember(
                identity_service_pb2.LookupMemberRequest(parent=f"pools/{pool}",
                                                         identifier=identifier),
                metadata=self.system.auth(pool), timeout=10).member
        return None

    def await_(self, what, condition):
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"not within {LIMIT_S:.0f} s: {what}")
            self.system.check_alive()
            time.sleep(0.05)

    def are_one(self, pool, number):
        members = {self.get(pool, self.openid(number)), self.get(pool, self.email(number))}
        return len(members) == 1 and None not in members

    def everybody(self, pool):
        return [self.get(pool, self.openid(number)) for number in range(PEOPLE)]

    def simulated(self, pool, rules, **more):
        """(progress messages, result) of SimulateRules."""
        key = (self.system.dir / "keys" / pool / "rules-key").read_text().strip()
        stub = rule_service_pb2_grpc.RuleServiceStub(self.system.channel("identity"))
        said = list(stub.SimulateRules(
            rule_service_pb2.SimulateRulesRequest(parent=f"pools/{pool}", rules=rules, **more),
            metadata=(("authorization", f"Bearer {key}"),), timeout=60))
        return [one.progress for one in said[:-1]], said[-1].result

    def places(self, topic):
        """{pool: partitions with a record of it}"""
        found = {NEAR: set(), FAR: set()}
        consumer = Consumer({"bootstrap.servers": self.system.bootstrap, "group.id": "look",
                             "enable.auto.commit": False, "isolation.level": "read_committed"})
        try:
            for partition in range(SHARDS):
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), 10)
                consumer.assign([TopicPartition(topic, partition, low)])
                while low < high:
                    message = consumer.poll(1.0)
                    if message is None:  # control records at the end
                        break
                    low = message.offset() + 1
                    for pool in found:
                        if pool in self.pools_of(message):
                            found[pool].add(partition)
        finally:
            consumer.close()
        return found

    @staticmethod
    def pools_of(message):
        if "changelog" in message.topic():
            key = message.key()
            return {key[1:].split(b"\0", 1)[0].decode()} if key[:1] in b"st" else set()
        return {value.decode() for name, value in message.headers() or ()
                if name == "ce_regularspool"}


def join(scene):
    """Two touches mint two members each; a third one names both."""
    for pool in SCOPES:
        for number in range(PEOPLE):
            scene.visit(pool, scene.openid(number))
            scene.visit(pool, scene.email(number))
        scene.await_(f"{pool}: everybody is known", lambda p=pool: all(
            scene.get(p, scene.openid(n)) and scene.get(p, scene.email(n)) for n in range(PEOPLE)))
        apart = {scene.get(pool, kind(n)) for n in range(PEOPLE)
                 for kind in (scene.openid, scene.email)}
        scene.check(f"{pool}: {2 * PEOPLE} members before", len(apart) == 2 * PEOPLE, len(apart))
        for number in range(PEOPLE):
            scene.visit(pool, scene.openid(number), scene.email(number))
        scene.await_(f"{pool}: both identifiers of everybody lead to one member",
                     lambda p=pool: all(scene.are_one(p, n) for n in range(PEOPLE)))
        scene.check(f"{pool}: {PEOPLE} members after", len(set(scene.everybody(pool))) == PEOPLE)


def look(scene):
    for topic in DECIDED:
        places = scene.places(topic)
        # What a shard says to itself is not written.
        count = 0 if topic == LINKS else 1
        scene.check(f"{topic}: {NEAR} is in {count} partitions", len(places[NEAR]) == count, places)
        scene.check(f"{topic}: {FAR} is in several", len(places[FAR]) > 1, places)
    places = scene.places(EVENTS)
    scene.check(f"{EVENTS}: both are spread", min(map(len, places.values())) > 1, places)


def audit(scene):
    done = subprocess.run(
        [scene.system.binaries / "regularsctl", "verify", "--service=identity", "--wait=30s",
         f"--config={scene.system.dir}/config.yaml"], capture_output=True, text=True, timeout=120,
        check=False)
    scene.check("regularsctl verify is content", done.returncode == 0, done.stdout + done.stderr)


def simulate(scene):
    """Other rules over this log: the same rules change nothing, one identifier each undoes it all."""
    rules = scene.system.dir / "rules.yaml"
    for pool in SCOPES:
        for strict in (False, True):
            # Both pools are decided under the standard rules.
            rules.write_text(yaml.safe_dump({"linking": True, "link_rules_version": "2"} |
                                            ({"identifiers_max": 1} if strict else {})))
            done = subprocess.run(
                [scene.system.binaries / "regularsctl", "identity", "simulate-rules", pool,
                 f"--rules={rules}", "--json", "--limit=3",
                 f"--config={scene.system.dir}/config.yaml"], capture_output=True, text=True,
                timeout=120, check=False)
            said = json.loads(done.stdout) if done.returncode == 0 else {}
            want = {"members_now": PEOPLE, "merges_now": PEOPLE, "members_not_reproduced": 0,
                    "members_then": 2 * PEOPLE if strict else PEOPLE,
                    "merges_then": 0 if strict else PEOPLE,
                    "members_fall_apart": PEOPLE if strict else 0,
                    "newly_stopped": {"max_identifiers": PEOPLE} if strict else {}}
            scene.check(f"simulate-rules of {pool}, strict={strict}",
                        {name: said.get(name) for name in want} == want and
                        len(said["examples"]) == (3 if strict else 0),
                        done.stdout + done.stderr)
            progress, result = scene.simulated(pool, rules.read_text(), differences_max=3)
            scene.check(f"SimulateRules of {pool}, strict={strict}, says the same",
                        comparable(result) == {name: said.get(name) for name in comparable(result)}
                        and [d.touch_id for d in result.differences] ==
                        [example["touch_id"] for example in said["examples"]], result)
            scene.check("and how far it is", progress and progress[0].offsets_read == 0 and
                        progress[-1].offsets_total > 0, progress)


def comparable(result):
    """Figures of a RuleSimulation under the names of the command's report."""
    plain = ("links", "members_now", "members_then", "merges_now", "merges_then",
             "members_come_together", "members_fall_apart", "links_undecided",
             "members_not_reproduced", "rules_now", "rules_then")
    maps = ("newly_stopped", "no_longer_stopped")
    return ({name: getattr(result, name) for name in plain} |
            {name: dict(getattr(result, name)) for name in maps})


def restart(scene):
    before = {pool: scene.everybody(pool) for pool in SCOPES}
    scene.system.cluster.stop("identity")
    scene.system.start_node("identity")
    scene.system.wait_ready("identity")
    scene.check("a restart changes nothing",
                before == {pool: scene.everybody(pool) for pool in SCOPES})


def changed(scene):
    for scopes in ({NEAR: "member", FAR: "member"}, {NEAR: "pool", FAR: "pool"}):
        scene.system.cluster.stop("identity")
        scene.system.write_scopes(scopes)
        scene.system.start_node("identity")
        stopped = False
        try:
            scene.system.wait_ready("identity")
        except SystemFailure:
            stopped = "WRONG_SHARD" in scene.system.cluster.log_tail("identity")
        scene.check(f"identity does not start with the scopes {scopes}", stopped)
    scene.system.cluster.stop("identity")
    scene.system.write_scopes(SCOPES)
    scene.system.start_node("identity")
    scene.system.wait_ready("identity")
    scene.check("and does when they are as they were",
                all(scene.are_one(pool, n) for pool in SCOPES for n in range(PEOPLE)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=str(ROOT / "build/local/link_scope"))
    system = Pools(parser.parse_args().dir)
    scene = Scene(system)
    try:
        system.start()
        join(scene)
        look(scene)
        audit(scene)
        simulate(scene)
        restart(scene)
        changed(scene)
    finally:
        system.stop(wipe=scene.failed == 0)
    print(f"{scene.failed} checks failed")
    return 1 if scene.failed else 0


if __name__ == "__main__":
    sys.exit(main())
