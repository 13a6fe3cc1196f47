"""The check after a heal: what the services keep against the books, and nobody else's count.

The changelogs of points, segmentation and messaging are folded (read_committed, from where the last
check stopped); the provider tells its messages; `regularsctl verify` says whether log, stores and view
agree with each other.
"""

import collections
import subprocess
import time

import fold
from confluent_kafka import Consumer, KafkaError, TopicPartition

from fleet import POOL
from system import SHARDS

SERVICES = ("points", "segmentation", "messaging")
SETTLE_LIMIT_S = 90.0
VERIFY_LIMIT_S = 120.0
SHOWN_MAX = 8             # differences that are printed


class Violation(RuntimeError):
    pass


class Tail:
    """Root states of one service's members, folded further at each read()."""

    def __init__(self, bootstrap, service):
        self._topic, self._bootstrap = fold.changelog(service), bootstrap
        self._next = dict.fromkeys(range(SHARDS), 0)
        self.roots = {}          # member id -> bytes of the state

    def read(self, limit_s=30.0):
        from regulars.runtime.v1 import runtime_state_pb2
        reader = Consumer({"bootstrap.servers": self._bootstrap, "group.id": "chaos-look",
                           "isolation.level": "read_committed", "enable.auto.commit": False,
                           "enable.partition.eof": True, "auto.offset.reset": "error",
                           "fetch.min.bytes": 1, "log_level": 3, "fetch.wait.max.ms": 20})
        try:
            reader.assign([TopicPartition(self._topic, shard, offset)
                           for shard, offset in self._next.items()])
            ends = set()
            deadline = time.monotonic() + limit_s
            while len(ends) < SHARDS:
                if time.monotonic() > deadline:
                    raise Violation(f"{self._topic} could not be read in {limit_s:.0f} s")
                for message in reader.consume(2000, 0.1):
                    if message.error() is None:
                        self._take(message, runtime_state_pb2)
                    elif message.error().code() == KafkaError._PARTITION_EOF:
                        ends.add(message.partition())
                        self._next[message.partition()] = message.offset()
                    else:
                        raise Violation(f"{self._topic}: {message.error()}")
        finally:
            reader.close()

    def _take(self, message, runtime_state_pb2):
        self._next[message.partition()] = message.offset() + 1
        key = message.key()
        if key[:1] != b"s":
            return
        pool, entity, sub = key[1:].split(b"\0", 2)
        if pool != POOL.encode() or sub:
            return
        if message.value() is None:
            self.roots.pop(entity.decode(), None)
        else:
            self.roots[entity.decode()] = runtime_state_pb2.StateValue.FromString(
                message.value()).value


class Audit:
    def __init__(self, fleet, books, reader):
        self._fleet, self._books, self._reader = fleet, books, reader
        self._tails = {service: Tail(fleet.bootstrap, service) for service in SERVICES}

    def settle(self, limit_s=SETTLE_LIMIT_S):
        """Waits until what is kept equals the books; raises Violation with the difference if it does
        not, or as soon as something is there twice."""
        self._find_members(limit_s)
        deadline = time.monotonic() + limit_s
        while True:
            for tail in self._tails.values():
                tail.read()
            differences = self._differences()
            if not differences:
                self._books.settle()
                return
            if time.monotonic() > deadline:
                raise Violation(f"{len(differences)} differences from what was acknowledged: "
                                + "; ".join(differences[:SHOWN_MAX]))
            time.sleep(0.2)

    def read_back(self, sample):
        """Balances of these customers, each from both instances, through gRPC."""
        for row in sample:
            for _ in range(2):
                deadline = time.monotonic() + 20
                while True:
                    shown = self._reader.balance(row.member)
                    if shown is not None and shown.points == row.points - row.redeemed:
                        break
                    if time.monotonic() > deadline:
                        raise Violation(f"GetBalance of {row.member} ({row.name}) shows "
                                        f"{shown and shown.points}, must be "
                                        f"{row.points - row.redeemed}")
                    time.sleep(0.05)

    def verify(self, report):
        """`regularsctl verify`: log, chains, stores and view agree."""
        data = [f"--data={self._fleet.dir / 'state' / node}"
                for node in self._fleet.nodes("identity", "points", "segmentation", "messaging")]
        done = subprocess.run(
            [self._fleet.binaries / "regularsctl", "verify", f"--brokers={self._fleet.bootstrap}",
             f"--redis={self._fleet.redis_address}", "--wait=10s", f"--report={report}", *data],
            capture_output=True, text=True, check=False, timeout=VERIFY_LIMIT_S)
        if done.returncode != 0:
            text = (done.stdout + done.stderr).strip().splitlines()
            raise Violation(f"regularsctl verify ended with {done.returncode}: "
                            + " | ".join(text[-SHOWN_MAX:]))

    # -- inside ------------------------------------------------------------------------------------
    def _find_members(self, limit_s):
        deadline = time.monotonic() + limit_s
        for row in self._books.rows():
            while not row.member:
                row.member = self._reader.member(row.name) or ""
                if not row.member:
                    if time.monotonic() > deadline:
                        raise Violation(f"customer {row.name} has acknowledged touches and no member")
                    time.sleep(0.05)

    def _differences(self):
        found = []
        rows = {row.member.rsplit("/", 1)[-1]: row for row in self._books.rows()}
        if len(rows) != len(self._books.rows()):
            found.append("one member for two customers")
        for service in SERVICES:
            found += [f"{service} keeps member {member} that is nobody's"
                      for member in self._tails[service].roots.keys() - rows.keys()]
        found += self._compare_points(rows) + self._compare_purchases(rows)
        return found + self._compare_sends(rows)

    def _compare_points(self, rows):
        from regulars.points.v1 import points_state_pb2
        found, roots = [], self._tails["points"].roots
        for member, row in rows.items():
            root = points_state_pb2.PointsRoot.FromString(roots.get(member, b""))
            shown = (root.issued, root.redeemed, root.balance)
            wanted = (row.points, row.redeemed, row.points - row.redeemed)
            if shown != wanted:
                found.append(f"points of {member} ({row.name}): issued, redeemed, balance are "
                             f"{shown}, must be {wanted}")
        return found

    def _compare_purchases(self, rows):
        from regulars.segmentation.v1 import segmentation_state_pb2
        found, roots = [], self._tails["segmentation"].roots
        for member, row in rows.items():
            root = segmentation_state_pb2.SegmentationRoot.FromString(roots.get(member, b""))
            entries = sum(s.entry_count for s in root.segments if s.segment == "lapsed")
            shown = (root.purchases, sum(money.amount_minor for money in root.sums), entries)
            wanted = (row.purchases, row.cents, row.lapses)
            if shown != wanted:
                found.append(f"segmentation of {member} ({row.name}): purchases, cents, times lapsed "
                             f"are {shown}, must be {wanted}")
        return found

    def _compare_sends(self, rows):
        from regulars.messaging.v1 import messaging_state_pb2
        found, roots = [], self._tails["messaging"].roots
        at_provider = collections.Counter()
        sends = collections.defaultdict(set)
        for message in self._fleet.messages():
            at_provider[message["member"]] += 1
            sends[message["member"], message["campaign"], message["occurrence"]].add(message["key"])
        for send, keys in sends.items():
            if len(keys) > 1:
                raise Violation(f"{len(keys)} idempotency keys at the provider for {send}")
        for member, row in rows.items():
            root = messaging_state_pb2.MessagingRoot.FromString(roots.get(member, b""))
            shown = (root.decided, root.delivered, root.failed, at_provider[member])
            wanted = (row.lapses, row.lapses, 0, row.lapses)
            if shown != wanted:
                found.append(f"sends of {member} ({row.name}): decided, delivered, failed, at the "
                             f"provider are {shown}, must be {wanted}")
        return found

    def provider(self):
        """Counts of the provider; at most one key per send, also of those it never took."""
        counts = self._fleet.provider_counts()
        if counts["keys_per_send_max"] > 1:
            raise Violation(f"{counts['keys_per_send_max']} idempotency keys for one send")
        return counts
