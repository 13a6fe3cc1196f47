#!/usr/bin/env python3
"""The provider double keeps its promises: run by ctest (label unit)."""

import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROVIDER = pathlib.Path(__file__).with_name("provider.py")


class ProviderTest(unittest.TestCase):
    def start(self, *arguments):
        process = subprocess.Popen([sys.executable, str(PROVIDER), *arguments],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        self.port = json.loads(process.stdout.readline())["port"]

    def call(self, method, path, body=None, key=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {"Idempotency-Key": key} if key else {}
            raw = body if isinstance(body, (bytes, type(None))) else json.dumps(body)
            connection.request(method, path, raw, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (http.client.RemoteDisconnected, ConnectionError):
            return 0, None
        finally:
            connection.close()

    def send(self, number):
        body = {"pool": "p", "member": f"m_{number}", "campaign": "c", "occurrence": 1}
        return self.call("POST", "/deliver", body, f"key{number}")

    def counts(self):
        return self.call("GET", "/counts")[1]

    def test_a_repeat_gets_the_same_id_and_is_no_second_message(self):
        self.start()
        first, second = self.send(1), self.send(1)
        self.assertEqual(first, second)
        self.assertEqual(first[0], 200)
        counts = self.counts()
        self.assertEqual((counts["messages"], counts["taken"], counts["repeated"]), (1, 1, 1))
        self.assertEqual(counts["keys_per_send_max"], 1)

    def test_bad_requests_take_nothing(self):
        self.start()
        self.assertEqual(self.call("POST", "/", {"member": "m"})[0], 400)
        self.assertEqual(self.call("POST", "/", b"no json", "k")[0], 400)
        self.assertEqual(self.call("POST", "/", b"x" * (64 * 1024 + 1), "k")[0], 413)
        self.assertEqual(self.call("GET", "/nothing")[0], 404)
        self.assertEqual(self.call("POST", "/faults", {"fail": 2})[0], 400)
        self.assertEqual(self.counts()["messages"], 0)

    def test_two_keys_of_one_send_are_seen(self):
        self.start()
        body = {"pool": "p", "member": "m", "campaign": "c", "occurrence": 1}
        self.call("POST", "/", body, "a")
        self.call("POST", "/", body, "b")
        self.assertEqual(self.counts()["keys_per_send_max"], 2)

    def test_faults_are_the_same_for_the_same_seed(self):
        seen = []
        for _ in range(2):
            self.start("--seed", "7", "--fail", "0.3", "--refuse", "0.1", "--cut", "0.3")
            seen.append([self.send(number)[0] for number in range(60)])
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(set(seen[0]), {0, 200, 400, 503})
        counts = self.counts()
        self.assertGreater(counts["cut_before"], 0)
        self.assertGreater(counts["cut_after"], 0)
        self.assertEqual(counts["messages"], counts["taken"] + counts["cut_after"])

    def test_every_request_is_recorded(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "requests.jsonl"
            self.start("--record", str(path), "--cut", "1")
            self.assertEqual(self.send(1)[0], 0)
            self.assertEqual(self.call("POST", "/faults", {"cut": 0})[1]["cut"], 0)
            self.assertEqual(self.send(1)[0], 200)
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            self.assertEqual([line["key"] for line in lines], ["key1", "key1"])
            self.assertEqual(self.counts()["requests_per_key_max"], 2)


if __name__ == "__main__":
    unittest.main()
