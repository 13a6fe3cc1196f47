#!/usr/bin/env python3
"""Planted personal data through the real system, and its erasure.

Starts Kafka, Redis and the services in build/local/erase-canary. One person's phone, e-mail, name, address
and chat text go in, with touches that are accepted, quarantined and dead-lettered; others have data of
their own. The person is two members that became one by the phone, each with contact data. Then:
  before   nothing planted is readable in Kafka's files and records, Redis, local stores, logs or metrics;
           with every key there is, everything planted can be opened (else the scan would prove nothing)
  erase    reads say so, ResolveContact refuses, nothing of the member is in Redis: `effect_s`
  after    the documented steps that time takes otherwise: transport keys rotated, the changelog compacted,
           identity's local store thrown away. Nothing planted is readable, no key that is left opens any of
           it, late touches bring nothing back, and the others are untouched
Writes build/reports/erase_canary.json (ci/ with --ci); exit status 1 unless every check held.
"""

import argparse
import base64
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests/e2e/demo"), str(HERE)]
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import stubs  # noqa: E402

stubs.generate()

import grpc  # noqa: E402
import redis  # noqa: E402
from confluent_kafka import Consumer, TopicPartition  # noqa: E402
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry,  # noqa: E402
                                   ConfigResource, ResourceType)
from google.protobuf import timestamp_pb2  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from regulars.identity.v1 import (identity_service_pb2, privacy_events_pb2,  # noqa: E402
                                  privacy_service_pb2, privacy_service_pb2_grpc)
from regulars.ingest.v1 import ingest_service_pb2, touch_pb2  # noqa: E402
from regulars.types.v1 import identifier_pb2  # noqa: E402

import scan  # noqa: E402
import system as running  # noqa: E402

POOL, OLD_DAYS, LIMIT_S = "shop", 16, 120.0
EFFECT_S_MAX = 60.0
CHANGELOG = "regulars.identity.changelog.v1.g1"
DEAD_LETTERS, QUARANTINE = "regulars.identity.dlq.v1.g1", "regulars.ingest.quarantine.v1.g1"
# What an erasure waits a day for, in a second: the cleaner may work on whatever is a second old.
AT_ONCE = {"segment.ms": "1000", "max.compaction.lag.ms": "1000", "min.cleanable.dirty.ratio": "0.01",
           "delete.retention.ms": "1000", "file.delete.delay.ms": "1000"}
PLANTED = {
    "phone": "13899870031",
    "email": "kanarie.vogel@canary-mail.example",
    "name": "Kanarienvogel Zeisig",
    "street": "Kanarischer Ring 4711",
    "twin": "zwilling.zeisig@canary-mail.example",  # of the member that became part of the other one
    "text": "mein kanarienvogel singt nur fuer euch",
}
KINDS = privacy_events_pb2


class CanarySystem(running.System):
    pools = ((POOL, "live"),)
    rules = {**running.System.rules, "identity": {"linking": True}}

    def _write_keys_and_config(self):
        super()._write_keys_and_config()
        # Rotation is overdue: a key of long ago seals, so that one rotation destroys it.
        day = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=OLD_DAYS)
        key = base64.b64encode(os.urandom(32)).decode()
        self.keys("transport-keys").write_text(f"transport/{day:%Y-%m-%d} {key}\n")
        config = self.dir / "config.yaml"
        config.write_text(config.read_text() + "key_refresh_s: 1\n")

    def keys(self, name):
        return self.dir / "keys" / POOL / name

    def privacy(self):
        return privacy_service_pb2_grpc.PrivacyServiceStub(self.channel("identity"))

    def auth_with(self, name):
        return (("authorization", f"Bearer {self.keys(name).read_text().strip()}"),)


class Checks:
    def __init__(self):
        self.failed = []

    def __call__(self, what, held, detail=""):
        if not held:
            self.failed.append(what)
        print(f"{'ok ' if held else 'NOT'} {what}{'' if held else f' ({detail})'}", flush=True)


def await_(what, condition, limit_s=LIMIT_S):
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {limit_s:.0f} s: {what}")
        time.sleep(0.05)


def reason_of(call):
    """The ErrorInfo reason of a call that fails; "OK" if it does not."""
    try:
        call()
    except grpc.RpcError as error:
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                for detail in status_pb2.Status.FromString(value).details:
                    info = error_details_pb2.ErrorInfo()
                    if detail.Unpack(info):
                        return info.reason
        return error.code().name
    return "OK"


class Scene:
    """Calls, and what can be seen of the system from outside."""

    def __init__(self, system):
        self.system = system
        self.auth, self.privacy_auth = system.auth(POOL), system.auth_with("privacy-key")

    # -- calls -----------------------------------------------------------------------------------
    def touch(self, person, number, contact=None, text="", age_s=60, channel="store", planted_id=None,
              quarantine=False, kind="card"):
        touch = ingest_service_pb2.TouchInput(
            source="till", native_id=f"{person}-{number}", channel=channel,
            occur_time=timestamp_pb2.Timestamp(seconds=int(time.time()) - age_s),
            identifiers=[identifier_pb2.ClearIdentifier(
                type=kind, value=f"{kind}-of-{person}", verified=True, verified_by="till")],
            body=touch_pb2.TouchBody(visit=touch_pb2.Visit(place="till 1")), text=text)
        if planted_id:
            touch.identifiers.add(type="phone", value=planted_id, verified=True, verified_by="sms_code")
        if contact:
            touch.contact.CopyFrom(contact)
        self.system.stub("ingest").RecordTouch(ingest_service_pb2.RecordTouchRequest(
            parent=f"pools/{POOL}", touch=touch, quarantine_on_error=quarantine),
            metadata=self.auth, timeout=10)

    def lookup(self, person, kind="card"):
        return self.system.stub("identity").LookupMember(identity_service_pb2.LookupMemberRequest(
            parent=f"pools/{POOL}", identifier=identifier_pb2.ClearIdentifier(
                type=kind, value=f"{kind}-of-{person}")), metadata=self.auth, timeout=10).member

    def member(self, name):
        return self.system.stub("identity").GetMember(
            identity_service_pb2.GetMemberRequest(name=name), metadata=self.auth, timeout=10)

    def resolve(self, name, auth=None):
        return self.system.privacy().ResolveContact(privacy_service_pb2.ResolveContactRequest(
            name=name, purpose="marketing", channel="sms",
            kinds=[KINDS.CONTACT_KIND_PHONE, KINDS.CONTACT_KIND_EMAIL, KINDS.CONTACT_KIND_NAME,
                   KINDS.CONTACT_KIND_ADDRESS]), metadata=auth or self.privacy_auth, timeout=10)

    def values(self, name):
        """{field: value}, {} while nothing is known."""
        try:
            return {field.kind: field.value for field in self.resolve(name).fields}
        except grpc.RpcError:
            return {}

    def consent(self, name):
        return self.system.privacy().RecordConsent(privacy_service_pb2.RecordConsentRequest(
            parent=name, consent=privacy_service_pb2.Consent(
                purpose="marketing", channel="sms", decision=KINDS.CONSENT_DECISION_GRANTED,
                source="shop")), metadata=self.auth, timeout=10)

    def erase(self, name):
        return self.system.privacy().EraseMember(
            privacy_service_pb2.EraseMemberRequest(name=name, reason="request"),
            metadata=self.privacy_auth, timeout=10)

    def export(self, name):
        return self.system.privacy().ExportMember(privacy_service_pb2.ExportMemberRequest(
            name=name), metadata=self.privacy_auth, timeout=10).json

    # -- what can be seen --------------------------------------------------------------------------
    def records(self):
        """[(topic, subject, key, value, headers)] of every record that the log still has."""
        # While the log is cleaned a reader may never be told that it is at an end: it reads anew.
        return await_("a whole reading of the log", self.read_log)

    def read_log(self):
        """As records(); None if the reading came to no end."""
        consumer = Consumer({"bootstrap.servers": self.system.bootstrap, "group.id": "canary",
                             "isolation.level": "read_uncommitted", "enable.partition.eof": True})
        found = []
        try:
            places = [TopicPartition(topic, partition, 0)
                      for topic, data in consumer.list_topics(timeout=10).topics.items()
                      if topic.startswith("regulars.") for partition in data.partitions]
            places = [TopicPartition(place.topic, place.partition,
                                     consumer.get_watermark_offsets(place, timeout=10)[0])
                      for place in places]
            consumer.assign(places)
            left, heard = len(places), time.monotonic()
            while left:
                batch = consumer.consume(1000, timeout=1.0)
                if batch:
                    heard = time.monotonic()
                elif time.monotonic() - heard > 5:
                    return None
                for message in batch:
                    if message.error():
                        left -= 1
                        continue
                    headers = dict(message.headers() or ())
                    found.append((message.topic(), headers.get("ce_subject", b""),
                                  message.key() or b"", message.value() or b"", headers))
        finally:
            consumer.close()
        return found

    def redis_values(self):
        """[(key, value as bytes)], and a dump on disk that is not compressed."""
        host, port = self.system.redis_address.rsplit(":", 1)
        with redis.Redis(host=host, port=int(port)) as client:
            client.config_set("rdbcompression", "no")
            client.save()
            rows = []
            for key in client.scan_iter(count=1000):
                kind = client.type(key)
                value = client.get(key) if kind == b"string" else b"".join(
                    part for pair in client.hgetall(key).items() for part in pair)
                rows.append((key, (value or b"") + (client.dump(key) or b"")))
            return rows

    def readable(self, needles, records):
        """{place: bytes of planted texts}; empty is what it should be."""
        found = dict(needles.in_folder(self.system.dir / "kafka"))
        for folder in ("redis", "state", "log"):
            found.update(needles.in_folder(self.system.dir / folder))
        for topic, _, key, value, headers in records:
            total = needles.count(key) + needles.count(value) + sum(
                needles.count(part or b"") for part in headers.values())
            if total:
                found[topic] = found.get(topic, 0) + total
        for key, value in self.redis_values():
            if total := needles.count(key) + needles.count(value):
                found[f"redis {key!r}"] = total
        for node in self.system.nodes():
            _, text = self.system._get(self.system.ports[node]["health"], "/metrics")
            if total := needles.count(text.encode()):
                found[f"metrics of {node}"] = total
        return found

    def opened(self, records):
        """What every key that is there opens of everything in the log and in Redis."""
        lines = []
        for topic, subject, _, value, _ in records:
            lines.append(f"{topic} {subject.decode() or '-'} {base64.b64encode(value).decode()}")
        for _, value in self.redis_values():
            lines.append(f"redis - {base64.b64encode(value).decode()}")
        files = [f"--keys={self.system.keys(name)}" for name in ("transport-keys", "kek", "seal-key")]
        done = subprocess.run(
            [self.system.binaries / "erase_canary_opener", f"--pool={POOL}", *files],
            input="\n".join(lines).encode() + b"\n", capture_output=True, check=True)
        out = json.loads(done.stdout)
        out["clear"] = [base64.b64decode(text) for text in out["clear"]]
        return out


def contact(name, phone, email, street):
    return ingest_service_pb2.ContactDetails(full_name=name, phone=phone, email=email,
                                             address_lines=[street], city="Leipzig",
                                             region_code="DE")


def load(scene, others):
    """The planted person and the others; (name of the member, names of the others)."""
    planted = contact(PLANTED["name"], PLANTED["phone"], PLANTED["email"], PLANTED["street"])
    for number in range(3):
        scene.touch("wang", number, planted, text=PLANTED["text"], planted_id=PLANTED["phone"])
    scene.touch("wang", "old", planted, text=PLANTED["text"], age_s=3 * 365 * 86400)
    scene.touch("wang", "bad", planted, text=PLANTED["text"], channel="", quarantine=True)
    for other in range(others):
        scene.touch(f"other{other}", 0, contact(
            f"Nobody {other}", f"1370000{other:04}", f"o{other}@others.example", f"Lane {other}"))
    names = []
    for person in ["wang"] + [f"other{other}" for other in range(others)]:
        name = await_(f"{person} is a member", lambda p=person: quiet(lambda: scene.lookup(p)))
        await_("and has a record", lambda n=name: quiet(lambda: scene.member(n)))
        await_("consent", lambda n=name: quiet(lambda: scene.consent(n)))
        names.append(name)
    return names[0], names[1:]


def meet_twin(scene, member):
    """Another member with contact data, which becomes part of the planted one: its name."""
    scene.touch("twin", 0, ingest_service_pb2.ContactDetails(email=PLANTED["twin"]), age_s=120,
                kind="customer")
    twin = await_("the twin is a member", lambda: quiet(lambda: scene.lookup("twin", "customer")))
    scene.touch("twin", 1, planted_id=PLANTED["phone"], kind="customer")
    await_("the twin is part of the planted one",
           lambda: quiet(lambda: scene.lookup("twin", "customer")) == member)
    return twin


def quiet(call):
    try:
        return call()
    except grpc.RpcError:
        return None


def texts_in(clear):
    return {what for what, text in PLANTED.items() if any(text.encode() in part for part in clear)}


def before(scene, check, needles, member, twin):
    values = await_("the vault has all of it", lambda: len(scene.values(member)) == 4
                    and scene.values(member))
    check("ResolveContact tells what the touches brought",
          PLANTED["phone"] in values[KINDS.CONTACT_KIND_PHONE]
          and values[KINDS.CONTACT_KIND_NAME] == PLANTED["name"], values)
    check("without the right it tells nothing",
          reason_of(lambda: scene.resolve(member, scene.auth)) == "RIGHT_MISSING")
    check("an export has everything",
          all(PLANTED[what] in scene.export(member)
              for what in ("phone", "email", "name", "street", "twin")))
    check("the name of the twin leads to the same person", scene.values(twin) == values)
    records = scene.records()
    kept = {topic for topic, *_ in records if topic in (DEAD_LETTERS, QUARANTINE)}
    check("a dead letter and a quarantined touch hold planted data", len(kept) == 2, kept)
    found = scene.readable(needles, records)
    check("before: nothing planted is readable", not found, found)
    opened = scene.opened(records)
    check("before: with the keys everything planted can be opened",
          texts_in(opened["clear"]) == set(PLANTED), texts_in(opened["clear"]))
    wrapped = [value for topic, _, key, value, _ in records
               if topic == CHANGELOG and b"vault/key" in key and value
               and any(id_of(name) in key for name in (member, twin))]
    check("each of the two has a key of its own", len(set(wrapped)) == 2, len(wrapped))
    # From the middle of the ciphertext: what stands beside it may be compressed.
    keys = scan.Needles.of_bytes(value[-50:-14] for value in wrapped)
    for what in ("kafka/data", "state"):
        check(f"before: a wrapped key is seen in {what}",
              wrapped and keys.in_folder(scene.system.dir / what), len(wrapped))
    return sum(found.values()), opened, keys


def id_of(name):
    return name.rsplit("/", 1)[1].encode()


def erase(scene, check, member, twin):
    """Seconds until every read says so."""
    begin = time.monotonic()
    answer = scene.erase(member)
    check("the erasure says what it destroyed",
          answer.contact_field_count == 4 and answer.identifier_count >= 1, answer)
    for what, call, reason in (
            ("ResolveContact", lambda: scene.resolve(member), "MEMBER_ERASED"),
            ("ResolveContact of the twin", lambda: scene.resolve(twin), "MEMBER_ERASED"),
            ("GetMember", lambda: scene.member(member), "MEMBER_ERASED"),
            ("ExportMember", lambda: scene.export(member), "MEMBER_ERASED"),
            ("LookupMember", lambda: scene.lookup("wang"), "IDENTIFIER_UNKNOWN")):
        await_(f"{what} says {reason}", lambda c=call, r=reason: reason_of(c) == r, EFFECT_S_MAX)
    await_("nothing of the member is in identity's view", lambda: not any(
        b":identity:" in key and (id_of(member) in key or id_of(twin) in key)
        for key, _ in scene.redis_values()), EFFECT_S_MAX)
    return time.monotonic() - begin


def rotate(system, check):
    done = subprocess.run([system.binaries / "regularsctl", "keys", "rotate",
                           system.keys("transport-keys"), "--json"],
                          capture_output=True, text=True, check=False)
    out = json.loads(done.stdout) if done.returncode == 0 else {}
    check("the rotation destroys the key of the day and makes new ones",
          len(out.get("destroyed", ())) == 1 and len(out.get("made", ())) == 4, done.stdout + done.stderr)


def compact_at_once(system):
    admin = AdminClient({"bootstrap.servers": system.bootstrap})
    resource = ConfigResource(ResourceType.TOPIC, CHANGELOG, incremental_configs=[
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in AT_ONCE.items()])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(10)


def new_local_store(system):
    system.cluster.stop("identity")
    shutil.rmtree(system.dir / "state" / "identity")
    system.start_node("identity")
    system.wait_ready("identity")


def after(scene, check, needles, keys, others):
    """(readable bytes, what the opener said, seconds until the log had no key that opens anything)"""
    rotate(scene.system, check)
    begin = time.monotonic()
    compact_at_once(scene.system)
    new_local_store(scene.system)
    state = {"round": 0}

    def clean():
        state["round"] += 1
        for other in range(others):  # a segment is closed by what comes after it
            scene.touch(f"other{other}", f"later{state['round']}")
        state["records"] = scene.records()
        state["opened"] = scene.opened(state["records"])
        return not texts_in(state["opened"]["clear"]) and not keys.in_folder(
            scene.system.dir / "kafka/data")

    await_("the old key leaves the log", clean)
    took = time.monotonic() - begin
    check("no wrapped key of the two is in a segment, or in a local store",
          not keys.in_folder(scene.system.dir / "kafka")
          and not keys.in_folder(scene.system.dir / "state"))
    found = scene.readable(needles, state["records"])
    check("after: nothing planted is readable", not found, found)
    opened = state["opened"]
    shown = texts_in(opened["clear"])
    check("after: no key that is left opens anything planted", not shown, shown)
    check("after: what others have in the vault still opens",
          any(b"Nobody 0" in text for text in opened["clear"]), opened["opened"])
    readable = sum(found.values()) + sum(needles.count(text) for text in opened["clear"])
    return readable, opened, took


def afterwards(scene, check, member, others):
    before_it = letters(scene)
    scene.touch("wang", "late", contact(*(PLANTED[what] for what in
                                          ("name", "phone", "email", "street"))), age_s=3600)
    await_("the late touch is set aside", lambda: letters(scene) > before_it)
    check("a late touch brings nothing back", reason_of(lambda: scene.lookup("wang"))
          == "IDENTIFIER_UNKNOWN")
    scene.touch("wang", "new", age_s=0)
    again = await_("the person comes again", lambda: quiet(lambda: scene.lookup("wang")))
    check("who comes again is another member", again != member, again)
    check("the erased one stays erased", reason_of(lambda: scene.member(member)) == "MEMBER_ERASED")
    values = [scene.values(other) for other in others]
    check("the others are untouched", all(
        value.get(KINDS.CONTACT_KIND_NAME) == f"Nobody {number}"
        for number, value in enumerate(values)), values[:3])


def letters(scene):
    return sum(topic == DEAD_LETTERS for topic, *_ in scene.records())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ci", action="store_true", help="a tenth of the members")
    parser.add_argument("--dir", default=str(ROOT / "build/local/erase-canary"))
    arguments = parser.parse_args()
    others = 20 if arguments.ci else 200
    system, check = CanarySystem(arguments.dir), Checks()
    needles = scan.Needles(PLANTED.values())
    figures = {}
    try:
        system.start()
        scene = Scene(system)
        member, names = load(scene, others)
        twin = meet_twin(scene, member)
        readable_before, opened_before, keys = before(scene, check, needles, member, twin)
        figures["effect_s"] = round(erase(scene, check, member, twin), 3)
        check(f"the erasure took effect within {EFFECT_S_MAX:.0f} s", figures["effect_s"] <= EFFECT_S_MAX)
        readable_after, opened_after, took = after(scene, check, needles, keys, min(others, 20))
        afterwards(scene, check, member, names)
        figures.update(readable_bytes=readable_before + readable_after, log_clean_s=round(took, 1),
                       members=others + 1, sealed_before=opened_before["sealed"],
                       opened_before=opened_before["opened"], sealed_after=opened_after["sealed"],
                       opened_after=opened_after["opened"])
    finally:
        system.stop(wipe=not check.failed and "readable_bytes" in figures)
    ok = not check.failed and figures.get("readable_bytes") == 0
    report = {"ok": ok, "size": "ci" if arguments.ci else "full", **figures, "failed": check.failed}
    path = ROOT / "build/reports" / ("ci" if arguments.ci else "") / "erase_canary.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
