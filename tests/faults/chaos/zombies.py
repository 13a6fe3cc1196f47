"""Counts the writes of a process that came back after its shards had gone, and were refused.

Two guards refuse them: the group (an offset commit with the old generation or member, so the whole
transaction) and the view (an older epoch is FENCED). The first is in the node's log and its counter of
aborted transactions, the second in `regulars_view_fenced_total`.
"""

import collections
import dataclasses

# What Kafka says to a transaction of a former owner.
REFUSALS = ("ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID", "PRODUCER_FENCED",
            "INVALID_PRODUCER_EPOCH", "_FENCED", "INVALID_TXN_STATE", "INVALID_PRODUCER_ID_MAPPING")
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
