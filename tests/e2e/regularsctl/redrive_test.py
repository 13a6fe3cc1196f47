#!/usr/bin/env python3
"""`regularsctl dlq redrive` against real servers: a letter takes effect once, and says why it cannot.

The points service is started without one of the pools, as after a forgotten line of its configuration:
what ingest and identity take for that pool is set aside. The line is added, and the letter redriven.
"""

import json
import os
import pathlib
import subprocess
import sys
import time
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/e2e/demo"))

import stubs  # noqa: E402  (needs the path above)

stubs.generate()

from google.protobuf import timestamp_pb2  # noqa: E402
from system import System  # noqa: E402

POOL, OTHER = "late", "live"
CENTS, POINTS = 12345, 123
LETTERS = "regulars.points.dlq.v1.g1"
EVENTS = "regulars.identity.events.v1.g1"
CALL_LIMIT_S = 120
SOON_S = 60.0


class LateSystem(System):
    pools = ((OTHER, "live"), (POOL, "live"))


class RedriveTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = LateSystem(ROOT / "build/local/redrive")
        try:
            cls.system.start()
        except BaseException:
            cls.system.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.system.stop(wipe=True)

    def restart_points(self, change):
        """With `change` made to what the configuration file says."""
        path = self.system.dir / "config.yaml"
        kept = path.read_text()
        config = yaml.safe_load(kept)
        change(config["pools"])
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        try:
            self.system.cluster.stop("points")
            self.system.start_node("points")
            self.system.wait_ready("points")
        finally:
            path.write_text(kept)

    def call(self, *words):
        """(exit status, the JSON it printed, stderr)"""
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("REGULARS_") or name == "REGULARS_BIN"}
        done = subprocess.run([str(self.system.binaries / "regularsctl"), *words, "--json",
                               f"--config={self.system.dir}/config.yaml"],
                              capture_output=True, text=True, timeout=CALL_LIMIT_S,
                              env=environment, cwd=ROOT, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr

    def redrive(self, partition, *offsets):
        """(exit status, [(called, reason)])"""
        code, said, err = self.call("dlq", "redrive", LETTERS, str(partition), *map(str, offsets))
        self.assertIn("letters", said, err)
        return code, [(letter["called"], letter["reason"]) for letter in said["letters"]]

    def letters(self, count):
        """What `dlq list` prints once there are so many letters of points."""
        until = time.monotonic() + SOON_S
        while True:
            code, said, err = self.call("dlq", "list", "--service=points")
            self.assertEqual(code, 0, err)
            if said["total"] >= count or time.monotonic() > until:
                self.assertEqual(said["total"], count)
                return said["letters"]
            time.sleep(0.1)

    def buy(self):
        from regulars.ingest.v1 import ingest_service_pb2, touch_pb2
        from regulars.types.v1 import identifier_pb2
        order = touch_pb2.OrderPaid(order_id="A1", amount_minor=CENTS, currency_code="USD")
        touch = ingest_service_pb2.TouchInput(
            source="shop", native_id="A1", channel="web",
            occur_time=timestamp_pb2.Timestamp(seconds=int(time.time())),
            identifiers=[identifier_pb2.ClearIdentifier(type="customer", scope="shop", value="anna")],
            body=touch_pb2.TouchBody(order_paid=order))
        self.system.stub("ingest").RecordTouch(
            ingest_service_pb2.RecordTouchRequest(parent=f"pools/{POOL}", touch=touch),
            metadata=self.system.auth(POOL), timeout=30)

    def issued(self):
        code, said, err = self.call("member", "show", POOL, "--identifier=customer/shop:anna")
        self.assertEqual(code, 0, err)
        return int(said["balance"].get("issued_points", 0)) if said.get("balance") else 0

    def spoil(self, partition):
        """The event that was set aside once more, with bytes that are no message."""
        from confluent_kafka import Consumer, Producer, TopicPartition
        reader = Consumer({"bootstrap.servers": self.system.bootstrap, "group.id": "spoiler",
                           "auto.offset.reset": "earliest"})
        reader.assign([TopicPartition(EVENTS, partition, 0)])
        message = reader.poll(30)
        while message is not None and b"MemberResolved" not in dict(message.headers())["ce_type"]:
            message = reader.poll(30)
        reader.close()
        self.assertIsNotNone(message)
        producer = Producer({"bootstrap.servers": self.system.bootstrap})
        producer.produce(EVENTS, partition=partition, key=message.key(), value=b"\xff\xff",
                         headers=message.headers())
        self.assertEqual(producer.flush(30), 0)

    def test_a_letter_takes_effect_once_after_its_cause_is_mended(self):
        self.restart_points(lambda pools: pools.pop())
        self.buy()
        letters = self.letters(2)  # the member was created, and its touch resolved
        place = (letters[0]["partition"], *(letter["offset"] for letter in letters))
        for letter in letters:
            self.assertEqual((letter["topic"], letter["partition"], letter["reason"]),
                             (LETTERS, place[0], "POOL_UNKNOWN"))
        code, said, _ = self.call("dlq", "redrive", LETTERS, *map(str, place))
        self.assertEqual(code, 2, said)
        self.assertIn("API_KEY_INVALID", said["error"])

        self.restart_points(lambda pools: None)
        self.assertEqual(self.redrive(*place), (0, [(True, "")] * 2))
        self.assertEqual(self.issued(), POINTS)
        self.assertEqual(self.redrive(*place), (1, [(False, "LETTER_REDRIVEN")] * 2))
        self.system.cluster.stop("points")
        code, said, _ = self.call("dlq", "redrive", LETTERS, *map(str, place))
        self.assertEqual(code, 2, said)
        self.assertIn("stopped before offset", said["error"])
        self.restart_points(lambda pools: None)
        self.assertEqual(self.redrive(*place), (1, [(False, "LETTER_REDRIVEN")] * 2))
        self.assertEqual(self.issued(), POINTS)
        code, said, err = self.call("verify", "--wait=60s", f"--data={self.system.dir}/state")
        self.assertEqual((code, said.get("findings")), (0, []), err)

        self.spoil(place[0])
        second = self.letters(3)[-1]
        self.assertEqual(second["reason"], "PAYLOAD_MALFORMED")
        again = (place[0], second["offset"])
        self.assertEqual(self.redrive(*again), (1, [(True, "PAYLOAD_MALFORMED")]))
        third = self.letters(4)[-1]["offset"]
        code, said, err = self.call("dlq", "redrive", LETTERS, str(place[0]),
                                    "--reason=PAYLOAD_MALFORMED")
        self.assertEqual([(row["offset"], row["called"], row["reason"]) for row in said["letters"]],
                         [(again[1], False, "LETTER_REDRIVEN"), (third, True, "PAYLOAD_MALFORMED")])
        self.other_key()
        last = self.letters(5)[-1]["offset"]
        self.assertEqual(self.redrive(place[0], last), (1, [(False, "LETTER_UNREADABLE")]))
        self.assertEqual(self.issued(), POINTS)
        self.bad_calls(place[:2])

    def other_key(self):
        """The key that sealed the letters is destroyed."""
        keys = self.system.dir / "keys" / "other"
        subprocess.run([ROOT / "deploy/keys/make_keys.sh", POOL, keys], check=True,
                       stdout=subprocess.DEVNULL)
        self.restart_points(lambda pools: pools[-1].update(seal_key_file=str(keys / "seal-key")))

    def bad_calls(self, place):
        partition, offset = map(str, place)
        rows = [
            ((LETTERS, partition), "dlq redrive TOPIC PARTITION OFFSET"),
            ((LETTERS, partition, offset, "--reason=X"), "dlq redrive TOPIC PARTITION OFFSET"),
            ((LETTERS, partition, "first"), "dlq redrive TOPIC PARTITION OFFSET"),
            ((LETTERS, "99", "0"), f"there is no {LETTERS}/99"),
            ((LETTERS, partition, "999999"), "no record at offset 999999"),
            ((LETTERS, str((place[0] + 1) % 4), offset), f"no record at offset {offset}"),
            (("regulars.points.events.v1.g1", partition, offset), "is not the dead-letter topic"),
        ]
        for words, said in rows:
            with self.subTest(words=words):
                code, answer, _ = self.call("dlq", "redrive", *words)
                self.assertEqual(code, 2, answer)
                self.assertIn(said, answer["error"])


if __name__ == "__main__":
    unittest.main()
