"""Reads through gRPC after a check: every instance, under every name, shows the person and nobody who became
part of another one."""

import time

from audit import Violation, id_of

LIMIT_S = 20.0
INSTANCES = 2             # the reader asks them in turn


class Looks:
    def __init__(self, books, reader, audit):
        self._books, self._reader, self._audit = books, reader, audit

    def balances(self, sample):
        for row in sample:
            person = row.person()
            if sum(one.purchases for one in person) == 0:
                continue                     # points have not heard of them
            wanted = sum(one.points - one.redeemed for one in person)
            self._until(row, "GetBalance", lambda of: self._reader.balance(of.member),
                        lambda shown, wanted=wanted: shown.points == wanted
                        and not self._shows_retired(shown.name))

    def people(self, rows):
        """Those who are one, under both of their names."""
        for row in rows:
            self.balances([row])
            purchases, sends = (sum(getattr(one, column) for one in row.person())
                                for column in ("purchases", "lapses"))
            if purchases:
                self._until(row, "GetMembership", lambda of: self._reader.membership(of.member),
                            lambda shown, wanted=purchases: shown.purchase_count == wanted
                            and not self._shows_retired(shown.name))
            if sends:
                self._until(row, "ListSends", lambda of: self._reader.sends(of.member),
                            lambda shown, wanted=sends: len(shown) == wanted
                            and len({send.name for send in shown}) == wanted)
            self._until(row, "LookupMember", lambda of: self._reader.member(of.name),
                        lambda shown: not self._audit.is_retired(shown))
            self._until(row, "ListMerges", lambda of: self._reader.merges(self._survivor(of)),
                        lambda shown: len(shown) == 1 and shown[0].settled
                        and not shown[0].awaited_services)

    def _survivor(self, row):
        return next(one.member for one in row.person() if not self._audit.is_retired(one.member))

    def _shows_retired(self, name):
        """`name`: of what is a member's, `pools/live/members/m_1/balances/loyalty`."""
        return self._audit.is_retired(id_of("/".join(name.split("/")[:4])))

    def _until(self, row, what, ask, right):
        for _ in range(INSTANCES):
            deadline = time.monotonic() + LIMIT_S
            while (shown := ask(row)) is None or not right(shown):
                if time.monotonic() > deadline:
                    raise Violation(f"{what} of {row.member} ({row.name}) shows: "
                                    + " ".join(str(shown).split()))
                time.sleep(0.05)
