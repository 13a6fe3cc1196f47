"""The system under chaos: two instances of every service, and the ways to hurt them.

    fleet = Fleet("build/local/chaos")
    fleet.start()
    fleet.kill("points-1"); fleet.start_node("points-1")

One pool on the wall clock, `lapsed` after one day, so that a touch of two days ago becomes a message at
once. Not thread-safe, but for channels, which are made at the start.
"""

import json
import os
import pathlib
import shutil
import signal
import sys
import time

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/e2e/demo"))

import system  # noqa: E402  (needs the path above)
from system import SERVICES, System  # noqa: E402

POOL = system.LIVE
LAPSED_DAYS = 1
INSTANCES = 2
TEND_EVERY_S = 0.5
# A process that hears this has lost its place in the group to another one of its slot and must end.
MAY_END = "FENCED_INSTANCE_ID"


class Fleet(System):
    pools = ((POOL, "live"),)
    rules = {
        "identity": {"linking": True, "link_scope": "member", "expected_members": 10_000_000},
        "points": {"program": "loyalty", "points": 1, "per_units": 1, "expiry_days": 365},
        "segmentation": {"lapsed_after_days": LAPSED_DAYS, "repeat_purchases": 2},
        "messaging": {"campaigns": [{"id": "win-back", "segment": "lapsed", "channel": "webhook"}]},
    }
    instances = dict.fromkeys(SERVICES, INSTANCES)
    # A process that was killed is back in a second; the library would wait up to two minutes.
    channel_options = (*System.channel_options, ("grpc.initial_reconnect_backoff_ms", 100),
                       ("grpc.min_reconnect_backoff_ms", 100),
                       ("grpc.max_reconnect_backoff_ms", 500))

    def __init__(self, folder, binaries=None):
        super().__init__(folder, binaries)
        self.stopped = set()     # nodes in SIGSTOP
        self.restarts = []       # (node, why) of processes that ended by themselves, rightly
        self._tended_s = 0.0

    def start(self):
        super().start()
        for node in self.nodes():
            self.channel(node)

    # -- processes ---------------------------------------------------------------------------------
    def kill(self, node):
        self.cluster.stop(node, sig=signal.SIGKILL)

    def end(self, node):
        """SIGTERM; True if it ended by itself in time."""
        return self.cluster.stop(node)

    def freeze(self, node):
        os.kill(self.pid(node), signal.SIGSTOP)
        self.stopped.add(node)

    def thaw(self, node):
        self.stopped.discard(node)
        os.kill(self.pid(node), signal.SIGCONT)

    def pid(self, node):
        return self.cluster.pids.alive()[node]

    def ended(self):
        """Nodes that have ended without being asked."""
        alive = self.cluster.pids.alive()
        return [node for node in self.nodes() if node not in alive]

    def tend(self):
        """Starts again what has ended by itself, as Kubernetes would. Only a process that another one
        of its slot has fenced may end; anything else is a SystemFailure."""
        if time.monotonic() - self._tended_s < TEND_EVERY_S:
            return
        self._tended_s = time.monotonic()
        for node in self.ended():
            tail = self.cluster.log_tail(node, lines=30)
            if MAY_END not in tail:
                raise system.SystemFailure(f"{node} ended by itself:\n{tail}")
            self.restarts.append((node, MAY_END))
            self.start_node(node)

    def wipe(self, node):
        shutil.rmtree(self.dir / "state" / node)

    # -- looks -------------------------------------------------------------------------------------
    def awake(self, service):
        return [node for node in self.nodes(service) if node not in self.stopped]

    def is_ready(self, node):
        try:
            return self._get(self.ports[node]["health"], "/readyz")[0] == 200
        except OSError:
            return False

    def owned(self, node):
        """{shard: its clock in microseconds} of what the node believes to own."""
        from regulars.runtime.v1 import runtime_service_pb2
        request = runtime_service_pb2.GetClockRequest(name=f"pools/{POOL}/clock")
        try:
            clock = self.clock_stub(node).GetClock(request, metadata=self.auth(POOL), timeout=2)
        except grpc.RpcError:
            return {}
        return {row.shard: row.clock_time.ToMicroseconds() for row in clock.shards if row.owned}

    def log_size(self, node):
        return (self.dir / "log" / f"{node}.log").stat().st_size

    def log_since(self, node, offset):
        """The node's log lines as dicts, from a place that log_size() told."""
        with open(self.dir / "log" / f"{node}.log", "rb") as file:
            file.seek(offset)
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue

    def set_provider_faults(self, **shares):
        import http.client
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["provider"]["http"], timeout=10)
        connection.request("POST", "/faults", json.dumps(shares))
        if connection.getresponse().status != 200:
            raise system.SystemFailure("the provider refuses its faults")
        connection.close()

    def messages(self):
        return json.loads(self._get(self.ports["provider"]["http"], "/messages")[1])["messages"]

    def wait(self, what, condition, limit_s=60.0, pause_s=0.05):
        """The seconds until condition() was true; SystemFailure after limit_s."""
        start = time.monotonic()
        while not condition():
            self.tend()
            if time.monotonic() - start > limit_s:
                raise system.SystemFailure(f"after {limit_s:.0f} s not yet: {what}")
            time.sleep(pause_s)
        return time.monotonic() - start
