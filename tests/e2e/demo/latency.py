"""How long a touch takes to become points, on a pool with a live clock.

RATE orders per second for SECONDS, of CUSTOMERS customers in turn; measured from the call of
RecordTouch until a read_committed consumer of points.events holds the PointsEarned, i.e. after ingest,
identity and points have each committed.
"""

import threading
import time
import uuid

from confluent_kafka import Consumer, TopicPartition
from google.protobuf import timestamp_pb2

from fold import FoldError
from system import GENERATION, LIVE, SHARDS

RATE, SECONDS, CUSTOMERS = 200, 20, 500
WARM_UP = 100                # touches before the measured ones
LIMIT_S = 30.0
TOPIC = f"regulars.points.events.v1.{GENERATION}"


class Watch(threading.Thread):
    """Notes when the PointsEarned of each order of a run is readable."""

    def __init__(self, bootstrap, run):
        super().__init__(daemon=True)
        self._run = run
        self._over = threading.Event()
        self.seen = {}
        self.failure = None
        self._reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "demo-latency",
                                 "isolation.level": "read_committed", "enable.auto.commit": False,
                                 "auto.offset.reset": "error", "fetch.min.bytes": 1,
                                 "fetch.wait.max.ms": 50, "log_level": 3})
        ends = [self._reader.get_watermark_offsets(TopicPartition(TOPIC, shard), timeout=10)[1]
                for shard in range(SHARDS)]
        self._reader.assign([TopicPartition(TOPIC, shard, end) for shard, end in enumerate(ends)])

    def run(self):
        from regulars.points.v1 import points_events_pb2
        while not self._over.is_set():
            message = self._reader.poll(0.1)
            now = time.monotonic()
            if message is None:
                continue
            if message.error():
                self.failure = str(message.error())
                break
            kinds = dict(message.headers() or [])
            if not kinds.get("ce_type", b"").endswith(b".PointsEarned"):
                continue
            posting = points_events_pb2.PointsEarned.FromString(message.value()).posting
            order = posting.natural_id.rsplit("/", 1)[-1]
            if order.startswith(self._run):
                self.seen.setdefault(order, now)
        self._reader.close()

    def stop(self):
        self._over.set()
        self.join(10)


def touch(run, number):
    from regulars.ingest.v1 import ingest_service_pb2, touch_pb2
    from regulars.types.v1 import identifier_pb2
    now_us = time.time_ns() // 1000
    return ingest_service_pb2.RecordTouchRequest(
        parent=f"pools/{LIVE}",
        touch=ingest_service_pb2.TouchInput(
            source="till", native_id=f"{run}{number}", channel="store",
            occur_time=timestamp_pb2.Timestamp(seconds=now_us // 10**6, nanos=now_us % 10**6 * 1000),
            identifiers=[identifier_pb2.ClearIdentifier(type="customer", scope="till",
                                                        value=f"{run}{number % CUSTOMERS}")],
            body=touch_pb2.TouchBody(order_paid=touch_pb2.OrderPaid(
                order_id=f"{run}{number}", amount_minor=1000 + number, currency_code="USD"))))


def measure(system, say):
    """{"p50_ms", "p99_ms", "touches", "per_s"}"""
    run = uuid.uuid4().hex[:8] + "-"
    watch = Watch(system.bootstrap, run)
    watch.start()
    stub, auth = system.stub("ingest"), system.auth(LIVE)
    sent, answers = {}, []
    try:
        total = WARM_UP + RATE * SECONDS
        start = time.monotonic()
        for number in range(total):
            pause = start + number / RATE - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            request = touch(run, number)
            sent[f"{run}{number}"] = time.monotonic()
            answers.append(stub.RecordTouch.future(request, metadata=auth, timeout=30))
            if number % (RATE * 5) == 0:
                say(f"  live pool: {number:,} of {total:,} touches sent")
        took = time.monotonic() - start
        for answer in answers:
            answer.result()
        deadline = time.monotonic() + LIMIT_S
        while len(watch.seen) < total and time.monotonic() < deadline and not watch.failure:
            time.sleep(0.05)
    finally:
        watch.stop()
    if watch.failure or len(watch.seen) < total:
        raise FoldError(f"{len(watch.seen)} of {total} orders became points in time"
                        + (f": {watch.failure}" if watch.failure else ""))
    measured = list(sent)[WARM_UP:]
    delays = sorted((watch.seen[order] - sent[order]) * 1000 for order in measured)
    return {"p50_ms": round(delays[len(delays) // 2], 1),
            "p99_ms": round(delays[len(delays) * 99 // 100], 1),
            "touches": len(delays), "per_s": round(total / took, 1)}
