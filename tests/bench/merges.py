"""Pairs of members that a touch makes one, and how long that takes.

    pairs = Pairs(system, pool, run, 300)
    pairs.prepare()            # a member under a card and one under an openid, each with an order
    visible, moved = pairs.join(10)   # ten pairs a second are named together; milliseconds, sorted
    pairs.problems()           # what is not one

Measured from the call of RecordTouch until a read_committed consumer holds the MergeCommitted, and
until it holds the PointsMoved with which the survivor has the loser's points.
"""

import threading
import time

from confluent_kafka import Consumer, TopicPartition
from google.protobuf import timestamp_pb2
from regulars.identity.v1 import identity_events_pb2
from regulars.points.v1 import points_events_pb2

from context import BenchFailure, wait_for
from people_stage import EVENTS, POINTS
from system import SHARDS

LIMIT_S = 60.0


class Pairs:
    def __init__(self, system, pool, run, count):
        from regulars.identity.v1 import identity_service_pb2
        from regulars.ingest.v1 import ingest_service_pb2, touch_pb2
        from regulars.types.v1 import identifier_pb2
        self._identity, self._ingest = identity_service_pb2, ingest_service_pb2
        self._touch, self._identifier = touch_pb2, identifier_pb2
        self._system, self._pool, self._run, self._count = system, pool, run, count
        self._auth = system.auth(pool)
        self._pair_of = {}      # member -> number
        self._number_of = {}    # merge id -> number
        self._merged = {}       # number -> when its merge was readable
        self._moved = {}        # number -> when its points were the survivor's
        self._over = threading.Event()
        self._failure = None

    def prepare(self):
        for kind in (self._card, self._openid):
            calls = [self._record(f"{kind.__name__}-{n}", [kind(n)], self._order(f"{kind.__name__}-{n}"))
                     for n in range(self._count)]
            for call in calls:
                call.result()
        for number in range(self._count):
            for identifier in (self._card(number), self._openid(number)):
                _, member = wait_for(lambda i=identifier: self._lookup(i), "a member is known", LIMIT_S)
                self._pair_of[member] = number
        if len(self._pair_of) != 2 * self._count:
            raise BenchFailure(f"{len(self._pair_of)} members, must be {2 * self._count}")

    def join(self, per_s):
        watch = threading.Thread(target=self._watch, args=(self._reader(),), daemon=True)
        watch.start()
        sent, calls, begin = {}, [], time.monotonic()
        for number in range(self._count):
            time.sleep(max(0.0, begin + number / per_s - time.monotonic()))
            sent[number] = time.monotonic()
            calls.append(self._record(f"both-{number}", [self._card(number), self._openid(number)]))
        for call in calls:
            call.result()
        try:
            wait_for(lambda: self._failure or len(self._moved) == self._count,
                     "every pair is one and has its points", LIMIT_S)
        finally:
            self._over.set()
            watch.join(LIMIT_S)
        if self._failure:
            raise BenchFailure(self._failure)
        return [sorted(round((seen[number] - at) * 1000) for number, at in sent.items())
                for seen in (self._merged, self._moved)]

    def problems(self):
        apart = [number for number in range(self._count)
                 if self._lookup(self._card(number)) != self._lookup(self._openid(number))]
        return [f"{len(apart)} pairs are two members"] if apart else []

    # -- inside ------------------------------------------------------------------------------------
    def _card(self, number):
        return self._identifier.ClearIdentifier(type="card", value=f"{self._run}-{number}",
                                                verified=True, verified_by="shop")

    def _openid(self, number):
        return self._identifier.ClearIdentifier(type="openid", scope="app", verified=True,
                                                value=f"{self._run}{number:020}", verified_by="wechat")

    def _order(self, name):
        return self._touch.TouchBody(order_paid=self._touch.OrderPaid(
            order_id=f"{self._run}-{name}", amount_minor=10_000, currency_code="USD"))

    def _record(self, name, identifiers, body=None):
        body = body or self._touch.TouchBody(visit=self._touch.Visit(place="till"))
        touch = self._ingest.TouchInput(
            source="pairs", native_id=f"{self._run}-{name}", channel="store",
            occur_time=timestamp_pb2.Timestamp(seconds=int(time.time())), identifiers=identifiers,
            body=body)
        return self._system.stub("ingest").RecordTouch.future(self._ingest.RecordTouchRequest(
            parent=f"pools/{self._pool}", touch=touch), metadata=self._auth, timeout=30)

    def _lookup(self, identifier):
        import grpc
        try:
            name = self._system.stub("identity").LookupMember(self._identity.LookupMemberRequest(
                parent=f"pools/{self._pool}", identifier=identifier), metadata=self._auth,
                timeout=10).member
        except grpc.RpcError:
            return None
        return name.rsplit("/", 1)[1]

    def _reader(self):
        reader = Consumer({"bootstrap.servers": self._system.bootstrap, "group.id": "bench-merges",
                           "isolation.level": "read_committed", "enable.auto.commit": False,
                           "auto.offset.reset": "error", "fetch.wait.max.ms": 20, "log_level": 3})
        places = [TopicPartition(topic, shard) for topic in (EVENTS, POINTS) for shard in range(SHARDS)]
        reader.assign([TopicPartition(place.topic, place.partition,
                                      reader.get_watermark_offsets(place, timeout=10)[1])
                       for place in places])
        return reader

    def _watch(self, reader):
        moved_before = {}       # merge id -> when, if the other topic was read first
        while not self._over.is_set():
            for message in reader.consume(2000, timeout=0.02):
                now = time.monotonic()
                if message.error():
                    self._failure = str(message.error())
                    return
                if message.topic() == EVENTS:
                    self._see_merge(message, now, moved_before)
                else:
                    self._see_points(message, now, moved_before)
        reader.close()

    def _see_merge(self, message, now, moved_before):
        # Most events begin with a member; looking at their headers would cost the load a core.
        if message.value()[2:4] == b"m_":
            return
        if not dict(message.headers())["ce_type"].endswith(b".MergeCommitted"):
            return
        merged = identity_events_pb2.MergeCommitted.FromString(message.value())
        number = self._pair_of.get(merged.loser)
        if number is None:
            return
        self._merged.setdefault(number, now)
        self._number_of[merged.merge_id] = number
        if merged.merge_id in moved_before:
            self._moved[number] = moved_before.pop(merged.merge_id)

    def _see_points(self, message, now, moved_before):
        value = message.value()
        if value[2:4] == b"m_" and value[2:2 + value[1]].decode() not in self._pair_of:
            return
        if not dict(message.headers())["ce_type"].endswith(b".PointsMoved"):
            return
        moved = points_events_pb2.PointsMoved.FromString(message.value())
        if moved.points <= 0:
            return
        if moved.move_id in self._number_of:
            self._moved.setdefault(self._number_of[moved.move_id], now)
        else:
            moved_before.setdefault(moved.move_id, now)
