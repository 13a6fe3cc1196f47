"""The second source, played: people follow and bind, some are linked wrongly and taken apart again.

Nothing waits but who looks: merges and splits travel by messages between members, and the clock of the pool
goes on when they have arrived everywhere.
"""

import time
import uuid

import second
from system import HISTORY

LIMIT_S = 60.0
SAMPLE_EVERY = 100     # followers of whom the end is checked one by one


def send_only(stream, moment):
    """For the second time: everything is known, nothing happens."""
    stream.send(second.touch(sighting) for sighting in moment.everything())


def clear(identifier):
    from regulars.types.v1 import identifier_pb2
    kind, scope, value = identifier
    return identifier_pb2.ClearIdentifier(type=kind, scope=scope, value=value)


def _is_one(before):
    """Whether two sides are one member with the points of both."""
    points = sum(points for _, points in before)
    return lambda sides: sides[0] == sides[1] and sides[0][1] == points


class SecondAct:
    """`restored`: sides of wrong links whose points are exactly what they were before."""

    def __init__(self, system, say):
        self._system, self._say = system, say
        self._auth = system.auth(HISTORY)
        self._staff = system.auth(HISTORY, "link-key")
        self.restored = 0
        self.joined = 0
        self._shown = False

    def at_moment(self, stream, moment):
        stream.send(second.touch(sighting) for sighting in moment.sightings)
        if not moment.wrong:
            return
        stream.flush()
        before = [self._sides(wrong) for wrong in moment.wrong]
        stream.send(second.touch(wrong.sighting) for wrong in moment.wrong)
        stream.flush()
        joined = [self._until(wrong, _is_one(sides)) for wrong, sides in zip(moment.wrong, before)]
        for wrong, together in zip(moment.wrong, joined):
            self._split(wrong, together[0][0])
        for wrong, sides, together in zip(moment.wrong, before, joined):
            after = self._until(wrong, lambda now, sides=sides: now == sides)
            self.joined += _is_one(sides)(together)
            self.restored += sum(one == other for one, other in zip(sides, after))
            self._show(wrong, sides, together, after)

    def check(self, purchases, plan, checks):
        """A sample of the people, asked for by each of their names."""
        wrong = sum(len(moment.wrong) for moment in plan.moments.values())
        checks.equal("wrong links whose points were together meanwhile", self.joined, wrong)
        checks.equal("sides of wrong links that have their points again", self.restored, 2 * wrong)
        followers = sorted({p.customer for p in purchases if second.follows(p.customer)})
        strangers = 0
        for customer in followers[::SAMPLE_EVERY]:
            names = {self._lookup(identifier) for identifier in
                     (second.number_of(customer), second.openid(customer), second.unionid(customer))}
            strangers += len(names) != 1
        checks.equal("followers who are not one member under all names", strangers, 0)

    def _until(self, wrong, reached):
        """Its two sides as soon as they are as they must be; as they are, if they never are."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            sides = self._sides(wrong)
            if reached(sides) or time.monotonic() > deadline:
                return sides
            time.sleep(0.01)

    def _sides(self, wrong):
        """[(member, points)] of the customer and of the follower."""
        from regulars.points.v1 import points_service_pb2
        found = []
        for identifier in (second.number_of(wrong.customer), second.openid(wrong.follower)):
            member = self._lookup(identifier)
            balance = self._system.stub("points").GetBalance(
                points_service_pb2.GetBalanceRequest(name=f"{member}/balances/loyalty"),
                metadata=self._auth, timeout=10)
            found.append((member, balance.points))
        return found

    def _lookup(self, identifier):
        from regulars.identity.v1 import identity_service_pb2
        return self._system.stub("identity").LookupMember(
            identity_service_pb2.LookupMemberRequest(parent=f"pools/{HISTORY}",
                                                     identifier=clear(identifier)),
            metadata=self._auth, timeout=10).member

    def _split(self, wrong, member):
        import grpc
        from regulars.identity.v1 import link_service_pb2, link_service_pb2_grpc
        stub = link_service_pb2_grpc.LinkServiceStub(self._system.channel("identity"))
        request = link_service_pb2.SplitMemberRequest(
            name=member, identifiers=[clear(second.number_of(wrong.customer))],
            request_id=str(uuid.uuid4()))
        deadline = time.monotonic() + LIMIT_S
        while True:
            try:
                return stub.SplitMember(request, metadata=self._staff, timeout=10)
            except grpc.RpcError as error:
                # Not every identifier was told of the merge yet.
                if "MERGE_IN_PROGRESS" not in str(error.trailing_metadata()) or \
                        time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def _show(self, wrong, before, joined, after):
        if self._shown:
            return
        self._shown = True
        points = [side[1] for side in before]
        self._say(f"  customer {wrong.customer} ({points[0]} points) was shown as customer "
                  f"{wrong.follower} ({points[1]}): one member with {joined[0][1]}; SplitMember: "
                  f"{after[0][1]} and {after[1][1]}")
