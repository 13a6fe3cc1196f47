"""How long a touch of somebody who has nothing to do with it takes to be resolved, meanwhile.

    probe = Probe(system, pool)
    probe.start()
    ...                       # RATE touches per second of MEMBERS members go in
    figures = probe.stop()    # {"touches", "p50_ms", "p99_ms", "max_ms", "gap_ms"}

Measured from the call of RecordTouch until a read_committed consumer of identity.events holds the
MemberResolved; the first touch of each member, which makes it known, is left out. `gap_ms` is the
longest time in which none of them was resolved. One run per object.
"""

import threading
import time
import uuid

from confluent_kafka import Consumer, TopicPartition
from google.protobuf import timestamp_pb2
from regulars.identity.v1 import identity_events_pb2
from regulars.ingest.v1 import ingest_service_pb2, touch_pb2
from regulars.types.v1 import identifier_pb2

from system import SHARDS

RATE, MEMBERS = 50, 20
LIMIT_S = 60.0
TOPIC = "regulars.identity.events.v1.g1"
RESOLVED = b".MemberResolved"


class Probe:
    def __init__(self, system, pool):
        self._system, self._pool = system, pool
        self._run = f"probe-{uuid.uuid4().hex[:8]}-"
        self._over = threading.Event()
        self._sent, self._seen, self._failure = {}, {}, None
        self._reader = Consumer({"bootstrap.servers": system.bootstrap, "group.id": "probe",
                                 "isolation.level": "read_committed", "enable.auto.commit": False,
                                 "auto.offset.reset": "error", "fetch.wait.max.ms": 20})
        ends = [self._reader.get_watermark_offsets(TopicPartition(TOPIC, shard), timeout=10)[1]
                for shard in range(SHARDS)]
        self._reader.assign([TopicPartition(TOPIC, shard, end) for shard, end in enumerate(ends)])
        self._threads = [threading.Thread(target=self._guard, args=(body,), daemon=True)
                         for body in (self._send, self._watch)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._over.set()
        for thread in self._threads:
            thread.join(LIMIT_S + 30)
        if self._failure or set(self._sent) - set(self._seen):
            raise RuntimeError(f"{len(self._sent) - len(self._seen)} of {len(self._sent)} touches "
                               f"were not resolved: {self._failure}")
        known = list(self._sent.items())[MEMBERS:]
        delays = sorted(self._seen[name] - at for name, at in known)
        times = sorted(self._seen.values())
        gap = max(b - a for a, b in zip(times, times[1:]))
        return {"touches": len(delays), "p50_ms": round(delays[len(delays) // 2] * 1000),
                "p99_ms": round(delays[len(delays) * 99 // 100] * 1000),
                "max_ms": round(delays[-1] * 1000), "gap_ms": round(gap * 1000)}

    # -- threads -----------------------------------------------------------------------------------
    def _guard(self, body):
        try:
            body()
        except Exception as error:  # said by stop()
            self._failure = self._failure or repr(error)
            self._over.set()

    def _send(self):
        stub, auth = self._system.stub("ingest"), self._system.auth(self._pool)
        begin, answers = time.monotonic(), []
        number = 0
        while not self._over.wait(max(0.0, begin + number / RATE - time.monotonic())):
            name = f"{self._run}{number:06}"
            touch = ingest_service_pb2.TouchInput(
                source="till", native_id=name, channel="store",
                occur_time=timestamp_pb2.Timestamp(seconds=int(time.time())),
                identifiers=[identifier_pb2.ClearIdentifier(
                    type="card", value=f"{self._run}{number % MEMBERS}")],
                body=touch_pb2.TouchBody(visit=touch_pb2.Visit(place="till 1")))
            self._sent[name] = time.monotonic()
            answers.append(stub.RecordTouch.future(ingest_service_pb2.RecordTouchRequest(
                parent=f"pools/{self._pool}", touch=touch), metadata=auth, timeout=30))
            number += 1
        for answer in answers:
            answer.result()

    def _watch(self):
        mark = self._run.encode()
        until = None
        while True:
            if self._over.is_set():
                until = until or time.monotonic() + LIMIT_S
                if len(self._seen) == len(self._sent) or time.monotonic() > until:
                    break
            for message in self._reader.consume(2000, timeout=0.02):
                now = time.monotonic()
                if message.error():
                    raise RuntimeError(str(message.error()))
                if mark not in message.value():
                    continue
                if not dict(message.headers())["ce_type"].endswith(RESOLVED):
                    continue
                event = identity_events_pb2.MemberResolved.FromString(message.value())
                self._seen.setdefault(event.touch.native_id, now)
        self._reader.close()
