#!/usr/bin/env python3
"""regularsctl against a running system: clean while it is sound, and it finds what is spoiled.

Real Kafka, Redis and services; part of the demo's history is replayed. Spoiled in turn: a key of the
view, the view as a whole, a local store, the changelog. Every call has a stable exit status: 0 fine,
1 something is wrong, 2 could not look or was called wrongly.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/e2e/demo"))

import stubs  # noqa: E402  (needs the path above)

stubs.generate()

import data  # noqa: E402
import fold  # noqa: E402
import load  # noqa: E402
import redis  # noqa: E402
from system import HISTORY, System, free_port  # noqa: E402

PURCHASES = 2000
AFTER_S = 200 * 24 * 3600     # beyond 180 days: members lapse and messages are sent
WAIT = "60s"
CALL_LIMIT_S = 300


class RegularsctlTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = System(ROOT / "build/local/regularsctl")
        cls.follower = None
        try:
            cls.system.start()
            cls.follower = cls.start_auditor("--json")
            cls.wait_ready(cls.follower[1])
            cls.purchases = data.read(data.fetch(ROOT / ".cache"))[:PURCHASES]
            load.replay(cls.system, HISTORY, cls.purchases, cls.purchases[-1].time_s + AFTER_S,
                        lambda *_: None)
        except BaseException:
            cls.stop_follower()
            cls.system.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.stop_follower()
        cls.system.stop(wipe=True)

    @classmethod
    def stop_follower(cls):
        if cls.follower:
            cls.follower[0].kill()
            cls.follower[0].communicate()

    @classmethod
    def start_auditor(cls, *words):
        address = f"127.0.0.1:{free_port()}"
        auditor = subprocess.Popen(
            [str(cls.system.binaries / "regularsctl"), "audit", f"--brokers={cls.system.bootstrap}",
             f"--listen={address}", *words], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        return auditor, address

    @staticmethod
    def wait_ready(address):
        until = time.monotonic() + CALL_LIMIT_S
        while True:
            try:
                with urllib.request.urlopen(f"http://{address}/readyz", timeout=5):
                    return
            except urllib.error.URLError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def call(self, *words, config=True):
        """(exit status, stdout, stderr)"""
        argv = [str(self.system.binaries / "regularsctl"), *words]
        if config:
            argv.append(f"--config={self.system.dir}/config.yaml")
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("REGULARS_") or name == "REGULARS_BIN"}
        done = subprocess.run(argv, capture_output=True, text=True, timeout=CALL_LIMIT_S,
                              env=environment, cwd=ROOT, check=False)
        self.assertNotIn("terminate", done.stderr)
        return done.returncode, done.stdout, done.stderr

    def verify(self, *words):
        code, out, err = self.call("verify", f"--wait={WAIT}", "--json", *words)
        self.assertIn(code, (0, 1), err)
        report = json.loads(out)
        self.assertEqual(report["ok"], code == 0)
        return report

    def audit(self, *words):
        """A running auditor that has read everything, and the address of its health port."""
        auditor, address = self.start_auditor(*words)
        self.addCleanup(auditor.stdout.close)
        self.addCleanup(auditor.wait)
        self.addCleanup(auditor.kill)
        self.wait_caught_up(auditor, address)
        return auditor, address

    def wait_caught_up(self, auditor, address):
        self.wait_metrics(auditor, address, lambda ready, figures: ready
                          and figures["regulars_audit_lag_records"] == 0
                          and figures["regulars_audit_transactions_total"] >= 16)

    def wait_metrics(self, auditor, address, enough):
        until = time.monotonic() + CALL_LIMIT_S
        figures = {}
        while time.monotonic() < until:
            self.assertIsNone(auditor.poll())
            try:
                with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
                    text = answer.read().decode()
                with urllib.request.urlopen(f"http://{address}/readyz", timeout=5) as answer:
                    ready = answer.status == 200
            except urllib.error.URLError:
                time.sleep(0.1)
                continue
            figures = {name: float(value) for name, value
                       in re.findall(r"^(regulars_audit_\S+) (\S+)$", text, re.M)}
            if enough(ready, figures):
                return figures
            time.sleep(0.1)
        return self.fail(f"not in time: {figures}")

    def client(self):
        host, port = self.system.redis_address.rsplit(":", 1)
        return redis.Redis(host=host, port=int(port))

    def view_key(self):
        client = self.client()
        for name in client.scan_iter(match=b"r1:*:points:*", count=5000):
            if not name.endswith(b":meta"):
                return client, name
        self.fail("the view has no key of points")

    def test_1_a_sound_system_is_clean(self):
        path = self.system.dir / "verify.json"
        report = self.verify(f"--data={self.system.dir}/state", f"--report={path}")
        self.assertEqual(report["findings"], [])
        self.assertEqual(report["shards"], 16)
        self.assertEqual(report["stores"], 16)
        self.assertEqual(report["stores_at_end"], 16)
        self.assertEqual(report["view_absent"], 0)
        for name in ("transactions", "keys_folded", "view_keys", "output_records",
                     "entities_checked", "sums_checked", "group_offsets"):
            self.assertGreater(report[name], 0, name)
        self.assertEqual(json.loads(path.read_text())["ok"], True)
        code, out, _ = self.call("verify", "--service=points")
        self.assertEqual(code, 0, out)
        self.assertIn("verify: clean", out)

    def test_1_the_auditor_that_followed_the_load_found_nothing(self):
        auditor, address = self.follower
        self.wait_caught_up(auditor, address)
        auditor.terminate()
        out, _ = auditor.communicate(timeout=60)
        report = json.loads(out)
        self.assertEqual((auditor.returncode, report["ok"], report["findings"]), (0, True, []))
        verified = self.verify()
        # All but what was written before it began, and the transactions of that moment.
        self.assertGreater(report["transactions"], 0.9 * verified["transactions"])
        judged = report["output_records"] - report.get("outputs_unchecked", 0)
        self.assertGreater(judged, 0.9 * verified["output_records"])

    def test_1_the_auditor_reads_a_sound_log_from_its_start(self):
        auditor, _ = self.audit("--from-start", "--json")
        auditor.terminate()
        out, _ = auditor.communicate(timeout=60)
        report = json.loads(out)
        self.assertEqual((auditor.returncode, report["ok"], report["findings"]), (0, True, []))
        verified = self.verify()
        for name in ("transactions", "output_records"):
            self.assertEqual(report[name], verified[name], name)
        code, out, err = self.call("audit", "--service=points", "--for=2s")
        self.assertEqual(code, 0, out + err)
        self.assertIn("clean", out)

    def test_2_a_spoiled_view_key_is_found(self):
        client, name = self.view_key()
        kept = client.get(name)
        client.set(name, b"older", keepttl=True)
        report = self.verify("--service=points")
        self.assertEqual((report["ok"], report["view_mismatches"]), (False, 1), report)
        client.delete(name)
        report = self.verify("--service=points")
        self.assertEqual((report["ok"], report["view_absent"]), (True, 1), report)
        client.set(name, kept, ex=3600)
        self.assertTrue(self.verify("--service=points")["ok"])

    def test_3_people_get_answers(self):
        customer = self.purchases[0].customer
        identifier = f"--identifier=customer/{load.SOURCE}:{customer}"
        code, out, err = self.call("member", "show", HISTORY, identifier, "--json")
        self.assertEqual(code, 0, err)
        shown = json.loads(out)
        member = shown["member"]["name"].rsplit("/", 1)[1]
        bought = [p for p in self.purchases if p.customer == customer]
        self.assertEqual(int(shown["balance"]["issued_points"]), sum(p.cents // 100 for p in bought))
        code, out, err = self.call("member", "show", HISTORY, member)
        self.assertEqual(code, 0, err)
        self.assertIn("win-back", out)
        code, out, err = self.call("points", "explain", HISTORY, member)
        self.assertEqual(code, 0, err)
        for purchase in bought:
            self.assertIn(f"order/{load.SOURCE}/{purchase.line}", out)
        code, out, err = self.call("lag")
        self.assertEqual(code, 0, err)
        self.assertIn("behind: 0 records", out)
        code, out, err = self.call("topics")
        self.assertEqual(code, 0, out + err)
        self.assertIn("0 missing, 0 different", out)
        code, out, err = self.call("dlq", "list")
        self.assertEqual(code, 0, err)
        self.assertIn("0 dead letters", out)
        code, out, err = self.call("parked", "list", HISTORY)
        self.assertEqual(code, 0, err)
        self.assertIn("0 parked keys", out)

    def test_4_bad_calls_get_one_clear_line(self):
        rows = [
            ((), "no command"),
            (("mend",), "must be verify"),
            (("verify", "--sevice=points"), "unknown flag --sevice"),
            (("verify", "--service=ingest"), "must be one of"),
            (("verify", "--wait=soon"), "--wait must be a duration"),
            (("audit", "--for=ever"), "--for must be a duration"),
            (("audit", "--listen=nowhere"), "nowhere"),
            (("audit", "--generation=7"), "there is no topic regulars.identity.changelog.v1.g7"),
            (("verify", "--wait"), "--wait needs a value"),
            (("verify", "--data=/no/such/folder"), "no folder"),
            (("verify", "--generation=7"), "there is no topic regulars.identity.changelog.v1.g7"),
            (("verify", "--redis=127.0.0.1:1"), "127.0.0.1:1"),
            (("lag", "--brokers=127.0.0.1:1"), "no broker answers at 127.0.0.1:1"),
            (("topics", "--topics-file=/no/file"), "cannot read /no/file"),
            (("topics", "--profile=moon"), "no profile moon"),
            (("member", "show", HISTORY), "member show POOL MEMBER"),
            (("member", "show", HISTORY, "nobody"), "is no member id"),
            (("member", "show", "moon", "m_" + "0" * 26), "pool moon is not in the configuration"),
            (("member", "show", HISTORY, "m_" + "0" * 26), "MEMBER_UNKNOWN"),
            (("member", "show", HISTORY, "--identifier=customer/cdnow:none"), "IDENTIFIER_UNKNOWN"),
            (("points", "explain", HISTORY, "m_" + "0" * 26), "MEMBER_UNKNOWN"),
            (("points", "spend", HISTORY, "m_" + "0" * 26), "points explain POOL MEMBER"),
            (("dlq", "show", "regulars.points.dlq.v1.g1", "x", "0"), "dlq show TOPIC PARTITION"),
            (("dlq", "show", "regulars.points.dlq.v1.g1", "99", "0"), "there is no"),
            (("dlq", "show", "regulars.points.dlq.v1.g1", "0", "0"), "no record at offset 0"),
            (("dlq", "redrive"), "dlq redrive TOPIC PARTITION OFFSET"),
            (("dlq", "burn"), "dlq list"),
            (("parked", "redrive", HISTORY, "m_" + "0" * 26), "--service=S"),
            (("parked", "redrive", HISTORY, "m_" + "0" * 26, "--service=points"), "has not parked"),
            (("parked", "list", "moon"), "pool moon is not in the configuration"),
        ]
        for words, said in rows:
            with self.subTest(words=words):
                code, _, err = self.call(*words)
                self.assertEqual(code, 2, err)
                self.assertIn(said, err)
        code, out, _ = self.call("lag", "--brokers=127.0.0.1:1", "--json")
        self.assertEqual((code, json.loads(out)["ok"]), (2, False))

    def test_5_a_flushed_view_of_a_dead_owner_and_a_stray_record_are_found(self):
        fold.wait_quiet(self.system)
        for node in self.system.nodes():
            self.system.cluster.stop(node)
        state = f"--data={self.system.dir}/state"
        self.assertTrue(self.verify("--service=points", state)["ok"])
        self.client().flushall()
        report = self.verify("--service=points", "--wait=1s")
        self.assertEqual(report["views_not_whole"], 4, report)
        auditor, address = self.audit()
        self.spoil_log()
        figures = self.wait_metrics(auditor, address, lambda _, f: f[
            'regulars_audit_findings_total{kind="torn_transactions"}'] > 0)
        self.assertEqual(sum(value for name, value in figures.items() if "findings" in name), 1)
        auditor.terminate()
        out, _ = auditor.communicate(timeout=60)
        self.assertEqual(auditor.returncode, 1)
        self.assertIn("points-0: 1 records after the last @shard", out)
        report = self.verify("--service=points", "--wait=1s", state)
        self.assertFalse(report["ok"])
        self.assertEqual(report["torn_transactions"], 1, report)
        self.assertEqual(report["store_mismatches"], 0, report)

    def spoil_log(self):
        """What no owner would do: a value written beside the transactions."""
        from confluent_kafka import Consumer, Producer, TopicPartition
        topic = fold.changelog("points")
        reader = Consumer({"bootstrap.servers": self.system.bootstrap, "group.id": "spoiler",
                           "auto.offset.reset": "earliest"})
        reader.assign([TopicPartition(topic, 0, 0)])
        key = None
        while key is None:
            message = reader.poll(30)
            self.assertIsNotNone(message)
            key = message.key() if message.key()[:1] == b"s" else None
        reader.close()
        producer = Producer({"bootstrap.servers": self.system.bootstrap})
        producer.produce(topic, partition=0, key=key, value=message.value())
        self.assertEqual(producer.flush(30), 0)


if __name__ == "__main__":
    unittest.main()
