"""Does everything flow? A few new customers go the whole way, and every step is read through gRPC.

A probe is an order of two days ago: identity mints the member, points earn, segmentation lets the
member lapse, messaging decides, the sender delivers and reports. A step is over when a living instance
answers it rightly; instances are asked in turn, so half of the calls are forwarded.
"""

import itertools
import time

import grpc

from fleet import POOL
from touches import identifier_of

PROBES = 24               # all shards of every service with high probability
LIMIT_S = 120.0
CALL_S = 2.0
PAUSE_S = 0.03


class ProbeFailure(RuntimeError):
    pass


class Reader:
    """Reads through gRPC, from the instances that are awake in turn; None = no answer now."""

    def __init__(self, fleet):
        self._fleet, self._auth = fleet, fleet.auth(POOL)
        self._staff = fleet.auth(POOL, "link-key")
        self._turn = itertools.count()
        self.unanswered = 0

    def _call(self, service, method, request, stub=None, auth=None):
        nodes = self._fleet.awake(service)
        node = nodes[next(self._turn) % len(nodes)]
        try:
            return getattr((stub or self._fleet.stub)(node), method)(
                request, metadata=auth or self._auth, timeout=CALL_S)
        except grpc.RpcError as error:
            self.unanswered += 1
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED,
                                    grpc.StatusCode.NOT_FOUND, grpc.StatusCode.CANCELLED,
                                    grpc.StatusCode.RESOURCE_EXHAUSTED):
                raise ProbeFailure(f"{method} at {node}: {error.code().name} "
                                   f"{error.details()}") from error
            return None

    def member(self, customer):
        from regulars.identity.v1 import identity_service_pb2
        answer = self._call("identity", "LookupMember", identity_service_pb2.LookupMemberRequest(
            parent=f"pools/{POOL}", identifier=identifier_of(customer)))
        return answer and answer.member

    def balance(self, member):
        from regulars.points.v1 import points_service_pb2
        return self._call("points", "GetBalance", points_service_pb2.GetBalanceRequest(
            name=f"{member}/balances/loyalty"))

    def membership(self, member):
        from regulars.segmentation.v1 import segmentation_service_pb2
        return self._call("segmentation", "GetMembership",
                          segmentation_service_pb2.GetMembershipRequest(name=f"{member}/membership"))

    def sends(self, member):
        from regulars.messaging.v1 import messaging_service_pb2
        answer = self._call("messaging", "ListSends", messaging_service_pb2.ListSendsRequest(
            parent=member))
        return None if answer is None else list(answer.sends)


    def merges(self, member):
        from regulars.identity.v1 import link_service_pb2
        answer = self._call("identity", "ListMerges", link_service_pb2.ListMergesRequest(parent=member),
                            self._links, self._staff)
        return None if answer is None else list(answer.merges)

    def _links(self, node):
        from regulars.identity.v1 import link_service_pb2_grpc
        return link_service_pb2_grpc.LinkServiceStub(self._fleet.channel(node))


class Probe:
    """One customer on the way; step() is True when it has arrived."""

    def __init__(self, touches, books, reader):
        self._reader = reader
        self._row = books.customers[touches.lapser()]
        self._points = None
        self.at = "member"

    def step(self):
        from regulars.messaging.v1 import messaging_service_pb2
        if self.at == "member" and (member := self._reader.member(self._row.name)):
            self._row.member, self.at = member, "balance"
        if self.at == "balance" and (balance := self._reader.balance(self._row.member)):
            if self._row.points and balance.points == self._row.points:
                self.at = "membership"
        if self.at == "membership" and (found := self._reader.membership(self._row.member)):
            if found.purchase_count == 1:
                self.at = "send"
        if self.at == "send" and (sends := self._reader.sends(self._row.member)):
            if sends[0].status == messaging_service_pb2.SEND_STATUS_DELIVERED:
                self.at = "there"
        return self.at == "there"


def flow(fleet, touches, books, reader, since_s, limit_s=LIMIT_S):
    """Milliseconds from `since_s` (monotonic) until new probes have gone the whole way."""
    probes = [Probe(touches, books, reader) for _ in range(PROBES)]
    deadline = time.monotonic() + limit_s
    while True:
        probes = [probe for probe in probes if not probe.step()]
        fleet.tend()
        if not probes:
            return round((time.monotonic() - since_s) * 1000)
        if time.monotonic() > deadline:
            places = ", ".join(sorted({probe.at for probe in probes}))
            raise ProbeFailure(f"{len(probes)} of {PROBES} probes do not get beyond: {places}")
        time.sleep(PAUSE_S)
