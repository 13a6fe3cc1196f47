"""What must be true: counted from what the load had acknowledged, never from the services.

A customer is a row of the books. An order is entered when the load makes it and confirmed when ingest
has acknowledged it; a repeat of an order enters nothing. The rules of the pool, once more and from
scratch: one point per whole dollar; a customer whose only purchase is older than LAPSED_DAYS, by more
than nothing, gets one message for it.
"""

import dataclasses
import threading


@dataclasses.dataclass
class Customer:
    name: str
    member: str = ""            # resource name, when it has been looked up
    purchases: int = 0
    cents: int = 0
    points: int = 0
    redeemed: int = 0
    lapses: int = 0             # messages that must come of it
    lapsed: bool = False        # has had its message: may come back
    settled: int = 0            # points that a check has seen: may be spent
    promised: int = 0           # points of redemptions begun
    partner: "Customer | None" = dataclasses.field(default=None, repr=False, compare=False)
    one: bool = False           # with the partner
    either: bool = False        # their messages may be under either name

    def person(self):
        """The rows that are one person's."""
        return self.couple() if self.one else [self]

    def couple(self):
        return [self, self.partner] if self.partner else [self]


class Books:
    """Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self.customers = {}
        self.open = {}           # order id -> (customer, cents, lapses)
        self.acknowledged = {}   # order id -> how often
        self.redemptions = {}    # redemption id -> (member, points, request id)

    def couple(self, first, second, either=False):
        """Two customers who may become one."""
        with self._lock:
            rows = [self.customers.setdefault(name, Customer(name)) for name in (first, second)]
            rows[0].partner, rows[1].partner = rows[1], rows[0]
            rows[0].either = rows[1].either = either
            return tuple(rows)

    def join(self, row):
        with self._lock:
            row.one = row.partner.one = True

    def part(self, row):
        with self._lock:
            row.one = row.partner.one = False

    def enter(self, order, customer, cents, lapses=False):
        """`customer` None: a touch that is no order."""
        with self._lock:
            row = customer and self.customers.setdefault(customer, Customer(customer))
            self.open[order] = (row, cents, lapses)

    def confirm(self, order):
        """An acknowledgement; the first one counts."""
        with self._lock:
            self.acknowledged[order] = self.acknowledged.get(order, 0) + 1
            entry = self.open.pop(order, None)
            if entry is None:
                return
            row, cents, lapses = entry
            if row is None:
                return
            row.purchases += 1
            row.cents += cents
            row.points += cents // 100
            row.lapses += lapses

    def unanswered(self):
        with self._lock:
            return len(self.open)

    def rows(self):
        with self._lock:
            return list(self.customers.values())

    def promise(self, row, points):
        """Takes points aside for a redemption; False when there are not enough."""
        with self._lock:
            if row.settled - row.promised < points:
                return False
            row.promised += points
            return True

    def redeemed(self, redemption, row, points, request_id):
        with self._lock:
            self.redemptions[redemption] = (row.member, points, request_id)
            row.redeemed += points

    def settle(self):
        """After a check that found everything: what was earned may be spent, who lapsed may return."""
        with self._lock:
            for row in self.customers.values():
                row.settled = row.points
                row.lapsed = row.lapsed or row.lapses > 0

    def totals(self):
        with self._lock:
            rows = self.customers.values()
            return {"members": len(rows), "purchases": sum(r.purchases for r in rows),
                    "cents": sum(r.cents for r in rows), "points": sum(r.points for r in rows),
                    "redeemed": sum(r.redeemed for r in rows), "sends": sum(r.lapses for r in rows),
                    "redemptions": len(self.redemptions)}
