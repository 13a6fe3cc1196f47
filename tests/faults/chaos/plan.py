"""Which fault comes when. Drawn from the seed alone, so a seed names the same faults every time.

Every block of seven rounds holds each kind once, in an order of its own: a run of thirty rounds has
each kind at least four times.
"""

import dataclasses
import random

from system import STATEFUL

from fleet import INSTANCES

KINDS = ("kill", "zombie", "flushall", "redis_kill", "view_rot", "disk", "broker")
ROT = ("delete", "older_value", "old_dump", "lost_meta")


@dataclasses.dataclass(frozen=True)
class Round:
    number: int
    kind: str
    node: str = ""            # whom it hits: kill, zombie, disk
    service: str = ""         # whose view: view_rot
    rot: str = ""
    pause_s: float = 0.0      # before the fault; how long Redis and the disk's owner stay away
    seed: int = 0             # for choices that depend on the run (which keys)

    def __str__(self):
        return " ".join(part for part in (self.kind, self.node or self.service, self.rot) if part)


def draw(seed, rounds, only=KINDS):
    order, chance = random.Random(f"chaos order {seed}"), random.Random(f"chaos {seed}")
    kinds = []
    while len(kinds) < rounds:
        block = list(only)
        order.shuffle(block)
        kinds += block
    return [_round(chance, number, kind) for number, kind in enumerate(kinds[:rounds], 1)]


def _round(chance, number, kind):
    # The same number of draws whatever the kind: a change of one fault leaves the others.
    any_node = chance.choice([f"{service}-{slot}" for service in ("ingest", *STATEFUL)
                              for slot in range(INSTANCES)])
    stateful = chance.choice([f"{service}-{slot}" for service in STATEFUL
                              for slot in range(INSTANCES)])
    # Values that every order changes, so that an older one differs and the next order heals it.
    service = chance.choice(["points", "segmentation"])
    rot, pause_s, own = chance.choice(ROT), round(chance.uniform(0.2, 2.0), 2), chance.getrandbits(32)
    node = {"kill": any_node, "zombie": stateful, "disk": stateful}.get(kind, "")
    return Round(number, kind, node, service if kind == "view_rot" else "",
                 rot if kind == "view_rot" else "", pause_s, own)
