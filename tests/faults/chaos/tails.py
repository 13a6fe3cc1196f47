"""What the services have written, folded (read_committed) further at each look."""

import collections
import time

import fold
from confluent_kafka import Consumer, KafkaError, TopicPartition

from fleet import POOL
from system import GENERATION, SHARDS

LIMIT_S = 30.0
ENTERED = b"io.regulars.segmentation.v1.SegmentEntered"


class TailFailure(RuntimeError):
    pass


class Tail:
    """A topic from its beginning; read() goes on where it stopped."""

    def __init__(self, bootstrap, topic):
        self._topic, self._bootstrap = topic, bootstrap
        self._next = dict.fromkeys(range(SHARDS), 0)

    def read(self, limit_s=LIMIT_S):
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
                    raise TailFailure(f"{self._topic} could not be read in {limit_s:.0f} s")
                for message in reader.consume(2000, 0.1):
                    if message.error() is None:
                        self._next[message.partition()] = message.offset() + 1
                        self.take(message)
                    elif message.error().code() == KafkaError._PARTITION_EOF:
                        ends.add(message.partition())
                        self._next[message.partition()] = message.offset()
                    else:
                        raise TailFailure(f"{self._topic}: {message.error()}")
        finally:
            reader.close()

    def take(self, message):
        raise NotImplementedError


class Roots(Tail):
    """Root states of one service's members."""

    def __init__(self, bootstrap, service):
        super().__init__(bootstrap, fold.changelog(service))
        self.roots = {}          # member id -> bytes of the state

    def take(self, message):
        from regulars.runtime.v1 import runtime_state_pb2
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


class Occasions(Tail):
    """Entries into `lapsed`, as segmentation published them: those that a message must follow, and those
    that only continue an earlier one."""

    def __init__(self, bootstrap):
        super().__init__(bootstrap, f"regulars.segmentation.events.v1.{GENERATION}")
        self.new = collections.Counter()   # (member id, occurrence) -> how often it was published
        self.continued = 0

    def take(self, message):
        from regulars.segmentation.v1 import segmentation_events_pb2
        if dict(message.headers() or ()).get("ce_type") != ENTERED:
            return
        entered = segmentation_events_pb2.SegmentEntered.FromString(message.value())
        if entered.segment != "lapsed":
            return
        if entered.continues_occurrence_us:
            self.continued += 1
        else:
            self.new[entered.member, entered.occurrence_us] += 1
