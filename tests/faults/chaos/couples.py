"""The load that joins and parts: customers with two identifiers, each with orders of its own.

A couple begins as two members: one known by an openid, one by an e-mail address. A touch that names both
makes them one; later a command takes them apart (SplitMember or UndoMerge), and another one joins them again.
Every round each takes its next step, at an instant of its own around the fault; a command is asked with one
request_id until it has an answer that is final. There are four kinds:

  buyers     buy all the time, under either name
  lapsers    each has lapsed and had its message: no step may bring another one
  half       one has lapsed, the other one buys: as one they have not lapsed, apart one has, again
  newcomers  have bought nothing; the first order, long ago, comes while they take a step: one message
"""

import dataclasses
import itertools
import random
import threading
import time
import uuid

import grpc

from books import Customer
from fleet import POOL
from redemptions import UNKNOWN

KINDS = ("buyers", "lapsers", "half", "newcomers")   # one of each begins in a round
STEPS = ("join", "part", "join_again")
LONG_AGO_US = 2 * 24 * 3600 * 10**6
DEADLINE_S = 5.0
PAUSE_S = 0.2
LIMIT_S = 120.0
NOT_YET = ("MERGE_IN_PROGRESS", "MEMBER_IS_ALIAS")   # the services have not agreed yet


def visit_touch(number, rows):
    from google.protobuf import timestamp_pb2
    from regulars.ingest.v1 import ingest_service_pb2, touch_pb2

    from touches import identifier_of
    return ingest_service_pb2.TouchInput(
        source="till", native_id=number, channel="store",
        occur_time=timestamp_pb2.Timestamp(seconds=int(time.time())),
        identifiers=[identifier_of(row.name) for row in rows],
        body=touch_pb2.TouchBody(visit=touch_pb2.Visit(place="door")))


@dataclasses.dataclass
class Couple:
    kind: str
    first: Customer
    second: Customer
    number: int
    steps: int = 0            # taken

    @property
    def rows(self):
        return (self.first, self.second)


class Couples:
    def __init__(self, fleet, books, touches, reader, seed):
        self._fleet, self._books, self._touches, self._reader = fleet, books, touches, reader
        self._draw = random.Random(f"couples {seed}")
        self._nodes = fleet.nodes("identity")
        self._auth = fleet.auth(POOL, "link-key")
        self._turn = itertools.count()
        self._lock = threading.Lock()
        self._open = 0
        self._couples = []
        self.merges = self.splits = self.undone = self.asked_again = 0
        self.refusals = []

    def step(self, within_s):
        """Every couple takes its next step, in threads of their own, at some time of the next `within_s`. What
        the last step did must have been checked before."""
        for couple in self._couples:
            if couple.steps < len(STEPS):
                with self._lock:
                    self._open += 1
                threading.Thread(target=self._run, daemon=True, args=(
                    couple, STEPS[couple.steps], self._draw.uniform(0, within_s),
                    self._draw.choice(couple.rows), self._draw.random() < 0.5)).start()
                couple.steps += 1
        self._couples += [self._begin(kind) for kind in KINDS]

    def idle(self):
        with self._lock:
            return self._open == 0

    # -- steps -------------------------------------------------------------------------------------
    def _begin(self, kind):
        couple = Couple(kind, *self._touches.couple(buys=kind == "buyers", either=kind == "newcomers"),
                        len(self._couples) // len(KINDS))
        if kind == "newcomers":
            for row in couple.rows:
                self._touches.visit([row])
        else:
            self._order(couple.first, long_ago=kind != "buyers")
            self._order(couple.second, long_ago=kind == "lapsers")
        return couple

    def _join(self, couple):
        self._touches.visit(couple.rows)
        self._books.join(couple.first)
        with self._lock:
            self.merges += 1

    def _part(self, couple):
        (self._undo if couple.number % 2 else self._split)(couple)
        self._books.part(couple.first)
        with self._lock:
            self.splits += 1

    def _join_again(self, couple):
        from regulars.identity.v1 import link_service_pb2
        self._ask("MergeMembers", link_service_pb2.MergeMembersRequest(
            name=couple.first.member, other=couple.second.member, override_do_not_link=True,
            request_id=str(uuid.uuid4())))
        self._books.join(couple.first)
        with self._lock:
            self.merges += 1

    def _order(self, row, long_ago):
        self._touches.order(row.name, age_us=LONG_AGO_US if long_ago else 0, lapses=long_ago)

    def _run(self, couple, step, after_s, buyer, before):
        time.sleep(after_s)
        buys = couple.kind == "newcomers" and couple.number % len(STEPS) == STEPS.index(step)
        try:
            if buys and before:
                self._order(buyer, long_ago=True)
            getattr(self, f"_{step}")(couple)
            if buys and not before:
                self._order(buyer, long_ago=True)
        except (grpc.RpcError, RuntimeError) as error:
            self.refusals.append(f"{step} of {couple.first.name} ({couple.kind}): {error}")
        finally:
            with self._lock:
                self._open -= 1

    # -- calls -------------------------------------------------------------------------------------

    def _split(self, couple):
        from regulars.identity.v1 import link_service_pb2

        from touches import identifier_of
        root = self._root(couple)
        younger = couple.second if root == couple.first.member else couple.first
        self._ask("SplitMember", link_service_pb2.SplitMemberRequest(
            name=root, identifiers=[identifier_of(younger.name)], request_id=str(uuid.uuid4())))

    def _undo(self, couple):
        from regulars.identity.v1 import link_service_pb2
        merges = self._ask("ListMerges", link_service_pb2.ListMergesRequest(
            parent=self._root(couple))).merges
        if len(merges) != 1:
            raise RuntimeError(f"{len(merges)} merges made them one")
        self._ask("UndoMerge", link_service_pb2.UndoMergeRequest(
            name=merges[0].name, request_id=str(uuid.uuid4())))
        with self._lock:
            self.undone += 1

    def _root(self, couple):
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            roots = {self._reader.member(row.name) for row in couple.rows}
            if len(roots) == 1 and None not in roots:
                return roots.pop()
            time.sleep(PAUSE_S)
        raise RuntimeError("they did not become one")

    def _ask(self, method, request):
        from regulars.identity.v1 import link_service_pb2_grpc
        deadline = time.monotonic() + LIMIT_S
        while True:
            node = self._nodes[next(self._turn) % len(self._nodes)]
            try:
                stub = link_service_pb2_grpc.LinkServiceStub(self._fleet.channel(node))
                return getattr(stub, method)(request, metadata=self._auth, timeout=DEADLINE_S)
            except grpc.RpcError as error:
                said = f"{error.details()} {error.trailing_metadata()}"
                again = error.code() in UNKNOWN or any(reason in said for reason in NOT_YET)
                if not again or time.monotonic() > deadline:
                    raise
                with self._lock:
                    self.asked_again += 1
                time.sleep(PAUSE_S)
