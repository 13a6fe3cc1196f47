"""Counts the writes of a process that came back after its shards had gone, and were refused.

Two guards refuse them: the group (an offset commit with the old generation or member, so the whole
transaction) and the view (an older epoch is FENCED). The first is in the node's log and its counter of
aborted transactions, the second in `regulars_view_fenced_total`.
"""

import collections
import contextlib
import dataclasses
import time

import fold
from confluent_kafka import Consumer, TopicPartition

# What Kafka says to a transaction of a former owner.
REFUSALS = ("ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID", "PRODUCER_FENCED",
            "INVALID_PRODUCER_EPOCH", "_FENCED", "INVALID_TXN_STATE", "INVALID_PRODUCER_ID_MAPPING")
OPEN_FOR_S = 0.1          # longer than markers take that were on their way
VIEW = "regulars_view_fenced_total"


@dataclasses.dataclass
class Watch:
    node: str
    log_offset: int
    view_fenced: float


class Zombies:
    def __init__(self, fleet):
        self._fleet = fleet
        self.refused = collections.Counter()

    @contextlib.contextmanager
    def transactions(self, service, shards):
        """Gives a function: has a changelog of these shards an open transaction that stays open?"""
        places = [TopicPartition(fold.changelog(service), shard) for shard in shards]
        looks = [Consumer({"bootstrap.servers": self._fleet.bootstrap, "group.id": "chaos-look",
                           "isolation.level": level, "log_level": 3})
                 for level in ("read_committed", "read_uncommitted")]

        def open_now():
            # The end that a client sees: the last stable offset, or the high watermark.
            stable, high = ([look.get_watermark_offsets(place, timeout=10)[1] for place in places]
                            for look in looks)
            return stable != high

        def stays_open():
            if not open_now():
                return False
            time.sleep(OPEN_FOR_S)
            return open_now()

        try:
            yield stays_open
        finally:
            for look in looks:
                look.close()

    def watch(self, node):
        """Call before the process is stopped."""
        return Watch(node, self._fleet.log_size(node), self._fleet.metrics(node).get(VIEW, 0))

    def count(self, watch):
        """Call when the process has come back."""
        if watch.node in self._fleet.ended():
            return
        shown = self._fleet.metrics(watch.node).get(VIEW, 0)
        self.refused["view"] += int(max(0, shown - watch.view_fenced))
        for line in self._fleet.log_since(watch.node, watch.log_offset):
            text = " ".join(str(line.get(key, "")) for key in ("why", "error", "detail", "status"))
            if line.get("msg") in ("transaction aborted", "the shard loop begins again",
                                   "sender in trouble"):
                named = [name for name in REFUSALS if name in text]
                self.refused["transaction"] += bool(named)

    @property
    def total(self):
        return sum(self.refused.values())
