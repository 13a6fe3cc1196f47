"""The load: RedeemPoints, each asked with one request_id until it has an answer that is final.

UNAVAILABLE, DEADLINE_EXCEEDED and their kin mean "unknown": the same request goes to the other instance.
OK is final. Anything else is a refusal that no fault explains, since only points that a check has seen
are spent.
"""

import random
import threading
import time
import uuid

import grpc

from fleet import POOL

DEADLINE_S = 3.0
PAUSE_S = 0.1
POINTS_MAX = 20
UNKNOWN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED,
           grpc.StatusCode.UNKNOWN, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED}


class Redemption:
    """One request and what became of it."""

    def __init__(self, row, points):
        from regulars.points.v1 import points_service_pb2
        self.row, self.points = row, points
        self.id = f"voucher-{uuid.uuid4().hex}"
        self.request = points_service_pb2.RedeemPointsRequest(
            name=f"{row.member}/balances/loyalty", redemption_id=self.id, points=points,
            reason="voucher", request_id=str(uuid.uuid4()))
        self.answer = None


def said(answer):
    """What an answer says, whoever answers for the member now."""
    said_of, balance = type(answer.redemption)(), type(answer.balance)()
    said_of.CopyFrom(answer.redemption)
    balance.CopyFrom(answer.balance)
    said_of.name = balance.name = ""
    return said_of, balance


class Redemptions:
    def __init__(self, fleet, books, seed, clients=2, per_s=3.0):
        self._fleet, self._books, self._per_s = fleet, books, per_s
        self._stubs = [fleet.stub(node) for node in fleet.nodes("points")]
        self._auth = fleet.auth(POOL)
        self._on, self._over = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._open = 0
        self._draws = [random.Random(f"redemptions {seed} {n}") for n in range(clients)]
        self._threads = [threading.Thread(target=self._run, args=(draw,), daemon=True)
                         for draw in self._draws]
        self.asked_again = 0
        self.refusals = []
        self.recent = []         # answered since the last check

    def start(self):
        for thread in self._threads:
            thread.start()

    def resume(self):
        self._on.set()

    def pause(self):
        self._on.clear()

    def close(self):
        self._over.set()
        self._on.set()

    def idle(self):
        with self._lock:
            return self._open == 0

    def begin(self, draw, count=1):
        """Redemptions of customers that can afford them; fewer when there are not enough."""
        rows = [row for row in self._books.rows() if row.member and row.settled - row.promised > 0]
        begun = []
        for row in draw.sample(rows, min(count, len(rows))):
            points = draw.randint(1, POINTS_MAX)
            if self._books.promise(row, points):
                with self._lock:
                    self._open += 1
                begun.append(Redemption(row, points))
        return begun

    def bait(self, node, count, seed):
        """Calls that wait in the socket of a process that does not run now; `node` decides about them
        when it wakes. Whatever it says, each is then asked until it has its answer."""
        stub = self._fleet.stub(node)
        for redemption in self.begin(random.Random(f"bait {seed}"), count):
            future = stub.RedeemPoints.future(redemption.request, metadata=self._auth, timeout=120)
            threading.Thread(target=self._follow, args=(redemption, future), daemon=True).start()

    def ask_again(self):
        """The requests of this round a second time: the same answers. Returns what differs."""
        different = []
        recent, self.recent = self.recent, []
        for number, redemption in enumerate(recent[-20:]):
            first = redemption.answer
            second = self._ask(redemption, number)
            if second is None or said(second) != said(first):
                different.append(f"{redemption.id}: {first} became {second}")
        return different

    def _run(self, draw):
        while not self._over.is_set():
            self._on.wait()
            for redemption in self.begin(draw):
                self._settle(redemption, draw.randrange(len(self._stubs)))
            time.sleep(draw.uniform(0, 2 / self._per_s))

    def _follow(self, redemption, future):
        try:
            self._note(redemption, future.result())
        except grpc.RpcError:
            self._settle(redemption, 0)

    def _settle(self, redemption, first):
        self._note(redemption, self._ask(redemption, first))

    def _ask(self, redemption, first):
        """The final answer, or None: refused."""
        number = first
        while not self._over.is_set():
            try:
                return self._stubs[number % len(self._stubs)].RedeemPoints(
                    redemption.request, metadata=self._auth, timeout=DEADLINE_S)
            except grpc.RpcError as error:
                if error.code() not in UNKNOWN:
                    self.refusals.append(f"{redemption.id} of {redemption.points} points for "
                                         f"{redemption.row.member}: {error.code().name} "
                                         f"{error.details()}")
                    return None
                number += 1
                self.asked_again += 1
                time.sleep(PAUSE_S)
        return None

    def _note(self, redemption, answer):
        if answer is not None:
            redemption.answer = answer
            self._books.redeemed(redemption.id, redemption.row, redemption.points,
                                 redemption.request.request_id)
            self.recent.append(redemption)
        with self._lock:
            self._open -= 1
