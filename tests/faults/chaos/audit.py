"""The check after a heal: what the services keep against the books, and nobody else's count.

The changelogs of points, segmentation and messaging and the entries that segmentation published are folded
(tails.py); the provider tells its messages; every instance is asked under every name (looks.py);
`regularsctl verify` says whether log, stores and view agree with each other.
"""

import collections
import subprocess
import time

import fold
import tails
from fleet import POOL

SERVICES = ("points", "segmentation", "messaging")
MOVED = {"points": "loyalty/moved", "segmentation": "orders_moved", "messaging": "sends_moved"}
SETTLE_LIMIT_S = 90.0
VERIFY_LIMIT_S = 120.0
SHOWN_MAX = 8             # differences that are printed


class Violation(RuntimeError):
    pass


def id_of(name):
    """The id in a resource name of a member."""
    return name.rsplit("/", 1)[-1]


def summed(rows, *columns):
    return tuple(sum(getattr(row, column) for row in rows) for column in columns)


class Audit:
    def __init__(self, fleet, books, reader):
        self._fleet, self._books, self._reader = fleet, books, reader
        self._tails = {service: tails.Roots(fleet.bootstrap, service) for service in SERVICES}
        self._occasions = tails.Occasions(fleet.bootstrap)
        self.moved = dict.fromkeys(SERVICES, 0)   # points, orders, sends that merges and splits brought

    @property
    def continued(self):
        """Entries that were no new occasion."""
        return self._occasions.continued

    def settle(self, limit_s=SETTLE_LIMIT_S):
        """Waits until what is kept equals the books; raises Violation with the difference if it does
        not, or as soon as something is there twice."""
        self._find_members(limit_s)
        deadline = time.monotonic() + limit_s
        while True:
            for tail in (*self._tails.values(), self._occasions):
                tail.read()
            differences = self.differences() or self._compare_moved()
            if not differences:
                self._books.settle()
                return
            if time.monotonic() > deadline:
                raise Violation(f"{len(differences)} differences from what was acknowledged: "
                                + "; ".join(differences[:SHOWN_MAX]))
            time.sleep(0.2)

    def is_retired(self, member):
        """Whether any service keeps this member as part of another one."""
        return any(self._root(service, member).survivor for service in SERVICES)

    def provider(self):
        """Counts of the provider; at most one key per send, also of those it never took."""
        counts = self._fleet.provider_counts()
        if counts["keys_per_send_max"] > 1:
            raise Violation(f"{counts['keys_per_send_max']} idempotency keys for one send")
        return counts

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

    def _root(self, service, member):
        from regulars.messaging.v1 import messaging_state_pb2
        from regulars.points.v1 import points_state_pb2
        from regulars.segmentation.v1 import segmentation_state_pb2
        message = {"points": points_state_pb2.PointsRoot,
                   "segmentation": segmentation_state_pb2.SegmentationRoot,
                   "messaging": messaging_state_pb2.MessagingRoot}[service]
        return message.FromString(self._tails[service].roots.get(id_of(member), b""))

    def differences(self):
        rows = {id_of(row.member): row for row in self._books.rows()}
        found = []
        if len(rows) != len(self._books.rows()):
            found.append("one member for two customers")
        for service in SERVICES:
            found += [f"{service} keeps member {member} that is nobody's"
                      for member in self._tails[service].roots.keys() - rows.keys()]
            for row in rows.values():
                found += self._compare_row(service, row)
        return found + self._compare_messages(rows)

    def _compare_row(self, service, row):
        """One member: it has what is its own; as one with its partner everything, or nothing."""
        root, own = self._root(service, row.member), [row]
        if row.one:
            other = self._root(service, row.partner.member).survivor
            if (root.survivor, other) not in (("", id_of(row.member)), (id_of(row.partner.member), "")):
                return [f"{service} does not keep {row.name} and {row.partner.name} as one: "
                        f"{row.member} is part of '{root.survivor}', the other of '{other}'"]
            own = [] if root.survivor else row.person()
        elif root.survivor:
            return [f"{service} keeps {row.member} ({row.name}) as part of {root.survivor}"]
        what, shown, wanted = getattr(self, f"_{service}_of")(row, root, own)
        if shown == wanted:
            return []
        return [f"{service} of {row.member} ({row.name}, {len(own)} with it): {what} are {shown}, "
                f"must be {wanted}"]

    @staticmethod
    def _points_of(_, root, own):
        points, redeemed = summed(own, "points", "redeemed")
        return ("issued, redeemed, balance", (root.issued, root.redeemed, root.balance),
                (points, redeemed, points - redeemed))

    @staticmethod
    def _segmentation_of(row, root, own):
        purchases, cents, lapses = summed(own, "purchases", "cents", "lapses")
        lapsed = [segment for segment in root.segments if segment.segment == "lapsed"]
        # Entries that continue others are counted, too: how many there are is the interleaving's.
        entries = 0 if row.partner else sum(segment.entry_count for segment in lapsed)
        return ("purchases, cents, lapsed now, times lapsed",
                (root.purchases, sum(money.amount_minor for money in root.sums),
                 any(segment.inside for segment in lapsed), entries),
                (purchases, cents, 0 < purchases == lapses, 0 if row.partner else lapses))

    def _messaging_of(self, row, root, own):
        # Who of the two lapsed is the interleaving's, when it happened while they came together.
        either = row.either and not row.one
        sends, = summed(row.couple() if either else own, "lapses")
        roots = [root, self._root("messaging", row.partner.member)] if either else [root]
        return ("decided, delivered, failed", summed(roots, "decided", "delivered", "failed"),
                (sends, sends, 0))

    def _compare_messages(self, rows):
        """At the provider: one message for each new occasion, none for others, one key for each."""
        keys = collections.defaultdict(set)
        for message in self._fleet.messages():
            keys[message["origin_member"], message["occurrence"]].add(message["key"])
        for (member, occurrence), of_send in keys.items():
            if len(of_send) > 1:
                raise Violation(f"{len(of_send)} messages to {member} for {occurrence}")
        occasions = self._occasions.new
        for (member, occurrence), count in occasions.items():
            if count > 1:
                raise Violation(f"{member} entered {count} times at {occurrence}")
        found = [f"{member} had no message for its occasion {occurrence}"
                 for member, occurrence in occasions.keys() - keys.keys()]
        found += [f"{member} had a message without an occasion, {occurrence}"
                  for member, occurrence in keys.keys() - occasions.keys()]
        had = collections.Counter(member for member, _ in keys)
        for member, row in rows.items():
            of = row.couple() if row.either else [row]
            shown, wanted = sum(had[id_of(one.member)] for one in of), summed(of, "lapses")[0]
            if shown != wanted:
                found.append(f"{member} ({row.name}) had {shown} messages, must be {wanted}")
        return found

    def _compare_moved(self):
        """What moves took away, moves brought: over all shards, when nothing is under way."""
        found = []
        for service, name in MOVED.items():
            sums = fold.sums(self._fleet.bootstrap, service, POOL)
            self.moved[service] = sums[f"{name}_in"]
            if sums[f"{name}_in"] != sums[f"{name}_out"]:
                found.append(f"{service}: {name}_in {sums[f'{name}_in']}, "
                             f"{name}_out {sums[f'{name}_out']}")
        return found
