"""The load: touches over RecordTouches, each sent until it is acknowledged.

Two streams, one to each ingest. A stream that breaks gives back what it has no answer for, and either
stream sends it again: the same native id, so the same touch. A stream ends only with the run.
"""

import collections
import random
import threading
import time
import uuid

import grpc
from google.protobuf import timestamp_pb2

from fleet import LAPSED_DAYS, POOL

WINDOW = 500              # outstanding per stream; the service allows 1,000
RETRY_PAUSE_S = 0.05
RECONNECT_PAUSE_S = 0.2
SILENCE_S = 20.0          # a stream that owes answers for so long is given up
DAY_US = 24 * 3600 * 10**6
SOON_US = 2 * 10**6       # a slow lapser's instant, from now
AGAIN = {status.value[0] for status in (
    grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNKNOWN)}


def identifier_of(customer):
    """By which a customer is known. Those of couples are proved, so that they can be one's."""
    from regulars.types.v1 import identifier_pb2
    run, kind, number = customer.split("-")
    if kind == "openid":
        return identifier_pb2.ClearIdentifier(type="openid", scope="app", verified=True,
                                              verified_by="wechat",
                                              value=f"openid_{run}{int(number):015}")
    if kind == "email":
        return identifier_pb2.ClearIdentifier(type="email", value=f"{run}.{number}@example.com",
                                              verified=True, verified_by="link")
    return identifier_pb2.ClearIdentifier(type="customer", scope="till", value=customer)


def order_touch(order, customer, cents, occur_us):
    from regulars.ingest.v1 import ingest_service_pb2, touch_pb2
    return ingest_service_pb2.TouchInput(
        source="till", native_id=order, channel="store",
        occur_time=timestamp_pb2.Timestamp(seconds=occur_us // 10**6, nanos=occur_us % 10**6 * 1000),
        identifiers=[identifier_of(customer)],
        body=touch_pb2.TouchBody(order_paid=touch_pb2.OrderPaid(
            order_id=order, amount_minor=cents, currency_code="USD")))


class Queue:
    """Touches on their way, shared by the streams."""

    def __init__(self, books):
        self.turn = threading.Condition()
        self.line = collections.deque()      # (order, touch)
        self.books = books
        self.sent_again = 0
        self.refusals = []                   # answers that no fault explains
        self.closed = False

    def put(self, order, touch):
        with self.turn:
            self.line.append((order, touch))
            self.turn.notify_all()

    def put_back(self, entries):
        with self.turn:
            self.line.extendleft(reversed(entries))
            self.sent_again += len(entries)
            self.turn.notify_all()

    def take(self, room, over):
        """Up to `room` touches, waiting for the first; [] when over() or closed."""
        with self.turn:
            while not self.line and not self.closed and not over():
                self.turn.wait(0.5)
            if self.closed or over():
                return []
            return [self.line.popleft() for _ in range(min(room, len(self.line)))]

    def close(self):
        with self.turn:
            self.closed = True
            self.turn.notify_all()


class Stream(threading.Thread):
    """RecordTouches to one ingest, for ever."""

    def __init__(self, fleet, node, queue):
        super().__init__(daemon=True)
        self._fleet, self._node, self._queue = fleet, node, queue
        self._lock = threading.Condition()
        self._waiting = {}       # sequence -> (order, touch)
        self._sequence = 0
        self._broken = False
        self._heard = time.monotonic()
        self.breaks = 0

    def run(self):
        while not self._queue.closed:
            self._broken = False
            self._heard = time.monotonic()
            try:
                call = self._fleet.stub(self._node).RecordTouches(
                    self._requests(), metadata=self._fleet.auth(POOL))
                watch = threading.Thread(target=self._watch, args=(call,), daemon=True)
                watch.start()
                for answer in call:
                    self._take(answer)
            except grpc.RpcError:
                pass
            self.breaks += not self._queue.closed
            with self._lock:
                self._broken = True
                left = list(self._waiting.values())
                self._waiting.clear()
                self._lock.notify_all()
            with self._queue.turn:
                self._queue.turn.notify_all()
            self._queue.put_back(left)
            time.sleep(RECONNECT_PAUSE_S)

    def _requests(self):
        from regulars.ingest.v1 import ingest_service_pb2
        mine = self.breaks
        over = lambda: self._broken or self.breaks != mine  # noqa: E731
        while not over():
            with self._lock:
                self._lock.wait_for(lambda: len(self._waiting) < WINDOW or over())
                room = WINDOW - len(self._waiting)
            batch = self._queue.take(room, over)
            if not batch:
                return
            requests = []
            with self._lock:
                if over():
                    self._queue.put_back(batch)
                    return
                for order, touch in batch:
                    self._sequence += 1
                    self._waiting[self._sequence] = (order, touch)
                    requests.append(ingest_service_pb2.RecordTouchesRequest(
                        sequence=self._sequence, parent=f"pools/{POOL}", touch=touch))
            yield from requests

    def _watch(self, call):
        """Gives up a stream that stays silent although it owes answers."""
        while call.is_active() and not self._queue.closed:
            time.sleep(0.5)
            with self._lock:
                if not self._waiting:
                    self._heard = time.monotonic()
                silent = time.monotonic() - self._heard
            if silent > SILENCE_S:
                call.cancel()

    def _take(self, answer):
        self._heard = time.monotonic()
        with self._lock:
            entry = self._waiting.pop(answer.sequence, None)
            self._lock.notify_all()
        if entry is None:
            return
        if answer.status.code in AGAIN:
            time.sleep(RETRY_PAUSE_S)
            self._queue.put_back([entry])
        elif answer.status.code or answer.quarantined:
            self._queue.refusals.append(f"touch {entry[0]} refused: {answer.status}")
        else:
            self._queue.books.confirm(entry[0])


class Touches:
    """Makes touches at a rate and in bursts, and single ones for the probes."""

    def __init__(self, fleet, books, seed, rate):
        self._books, self._rate = books, rate
        self._draw = random.Random(f"touches {seed}")
        self._run = uuid.uuid4().hex[:6]
        self._numbers = 0
        self._lock = threading.Lock()
        self._regulars = [f"{self._run}-regular-{n}" for n in range(200)]
        self._paired = []                    # customers of couples
        self._made = []                      # (order, touch) of some orders, to be repeated
        self._latest_us = 0                  # the last instant at which a slow lapser is due
        self._on, self._over = threading.Event(), threading.Event()
        self.repeats = 0
        self.queue = Queue(books)
        self._streams = [Stream(fleet, node, self.queue) for node in fleet.nodes("ingest")]
        self._pacer = threading.Thread(target=self._pace, daemon=True)

    def start(self):
        for stream in self._streams:
            stream.start()
        self._pacer.start()

    def resume(self):
        self._on.set()

    def pause(self):
        self._on.clear()

    def close(self):
        self._over.set()
        self._on.set()
        self.queue.close()

    def idle(self):
        """Everything that was made is acknowledged, and every slow lapser is due."""
        return (not self._books.unanswered() and not self.queue.line
                and time.time_ns() // 1000 > self._latest_us)

    def breaks(self):
        return sum(stream.breaks for stream in self._streams)

    def order(self, customer=None, age_us=0, lapses=False):
        """One order; a customer of its own when none is given. Returns the customer's name."""
        with self._lock:
            self._numbers += 1
            order = f"{self._run}-{self._numbers}"
            customer = customer or f"{self._run}-new-{self._numbers}"
            cents = self._draw.randint(100, 30000)
            occur_us = time.time_ns() // 1000 - age_us
            touch = order_touch(order, customer, cents, occur_us)
            self._books.enter(order, customer, cents, lapses)
            if lapses:
                self._latest_us = max(self._latest_us, occur_us + LAPSED_DAYS * DAY_US + 10**6)
            if len(self._made) < 5000:
                self._made.append((order, touch))
            self.queue.put(order, touch)
            return customer

    def couple(self, buys, either):
        """Two customers who may become one; their rows. `buys`: some of the load is theirs."""
        with self._lock:
            self._numbers += 1
            number = self._numbers
        names = [f"{self._run}-{kind}-{number}" for kind in ("openid", "email")]
        rows = self._books.couple(*names, either=either)
        if buys:
            self._paired += names
        return rows

    def visit(self, rows):
        """A touch that names these customers and is no order."""
        from couples import visit_touch
        with self._lock:
            self._numbers += 1
            number = f"{self._run}-{self._numbers}"
        self._books.enter(number, None, 0)
        self.queue.put(number, visit_touch(number, rows))

    def lapser(self):
        """A customer whose message is due at once."""
        return self.order(age_us=2 * DAY_US, lapses=True)

    def mixed(self):
        """One touch of the load: mostly regulars, some who lapse, come back or are reported twice."""
        with self._lock:
            kind = self._draw.random()
            regular = self._draw.choice(self._regulars)
            repeat = self._draw.choice(self._made) if self._made else None
            pick = self._draw.random()
        if kind < 0.05:
            self.lapser()
        elif kind < 0.07:
            self.order(age_us=LAPSED_DAYS * DAY_US - SOON_US, lapses=True)
        elif kind < 0.09:
            back = [row for row in self._books.rows()
                    if row.lapsed and row.purchases == 1 and not row.partner]
            if back:
                self.order(back[int(pick * len(back))].name)
        elif kind < 0.13 and repeat:
            self.repeats += 1
            self.queue.put(*repeat)
        elif kind < 0.25 and self._paired:
            self.order(self._paired[int(pick * len(self._paired))])
        else:
            self.order(regular)

    def burst(self, count):
        for _ in range(count):
            self.mixed()

    def _pace(self):
        next_s = time.monotonic()
        while not self._over.is_set():
            if not self._on.is_set():
                self._on.wait()
                next_s = time.monotonic()
            self.mixed()
            next_s += 1 / self._rate
            pause = next_s - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            elif pause < -1:
                next_s = time.monotonic()
