"""The replay: touches through RecordTouches, the clock in lock step.

A step: send every touch before t, wait for the answers, AdvanceClock(t), wait until GetClock of every
service shows t. At most WINDOW touches are outstanding. A touch that is refused for want of room
(RESOURCE_EXHAUSTED, UNAVAILABLE) is sent again; any other refusal ends the run.
"""

import collections
import threading
import time

import grpc
from google.protobuf import timestamp_pb2

from system import SERVICES, STATEFUL

WINDOW = 900          # the service allows 1,000
STEP_S = 7 * 24 * 3600
POLL_S = 0.005
RETRY_PAUSE_S = 0.02
STEP_LIMIT_S = 120.0
AGAIN = (grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], grpc.StatusCode.UNAVAILABLE.value[0])
SOURCE = "cdnow"


class LoadError(RuntimeError):
    pass


def customer_identifier(customer):
    from regulars.types.v1 import identifier_pb2
    return identifier_pb2.ClearIdentifier(type="customer", scope=SOURCE, value=customer)


def order_touch(purchase):
    """The purchase as the shop system would report it."""
    from regulars.ingest.v1 import ingest_service_pb2, touch_pb2
    order = touch_pb2.OrderPaid(order_id=str(purchase.line), amount_minor=purchase.cents,
                                currency_code="USD")
    order.lines.add(quantity=purchase.units)
    return ingest_service_pb2.TouchInput(
        source=SOURCE, native_id=str(purchase.line), channel="web",
        occur_time=timestamp_pb2.Timestamp(seconds=purchase.time_s),
        identifiers=[customer_identifier(purchase.customer)],
        body=touch_pb2.TouchBody(order_paid=order))


class TouchStream:
    """One RecordTouches stream. send() puts touches into the line, flush() waits for the answers to
    all of them. At most WINDOW are outstanding; the stream resumes when half of them are answered,
    so that threads meet rarely. One sending thread; the answers are read on a thread of this
    object."""

    def __init__(self, system, pool):
        from regulars.ingest.v1 import ingest_service_pb2
        self._answer_type = ingest_service_pb2.RecordTouchesResponse
        self._request_type = ingest_service_pb2.RecordTouchesRequest
        self._parent = f"pools/{pool}"
        self._turn = threading.Condition()
        self._line = collections.deque()     # (sequence, bytes) to be sent
        self._waiting = {}                   # sequence -> bytes sent and not answered
        self._closed = False
        self._error = None
        self._sequence = 0
        self.acknowledged = 0
        self.sent_again = 0
        # Bytes in: what was serialized ahead keeps the client out of the figures.
        call = system.channel("ingest").stream_stream(
            "/regulars.ingest.v1.IngestService/RecordTouches")
        self._answers = call(self._requests(), metadata=system.auth(pool))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, touches):
        batch = []
        for touch in touches:
            self._sequence += 1
            request = self._request_type(sequence=self._sequence, parent=self._parent, touch=touch)
            batch.append((self._sequence, request.SerializeToString()))
        with self._turn:
            self._line.extend(batch)
            self._turn.notify_all()

    def flush(self):
        deadline = time.monotonic() + STEP_LIMIT_S
        with self._turn:
            while self.acknowledged < self._sequence and not self._error:
                self._turn.wait(1.0)
                if time.monotonic() > deadline:
                    raise LoadError(f"no answer from ingest for {STEP_LIMIT_S:.0f} s")
            if self._error:
                raise LoadError(self._error)

    def close(self):
        with self._turn:
            self._closed = True
            self._turn.notify_all()
        self._reader.join(STEP_LIMIT_S)

    def _requests(self):
        while True:
            with self._turn:
                while not self._line and not self._closed and not self._error:
                    self._turn.wait()
                if self._error or not self._line:
                    return
                if len(self._waiting) >= WINDOW:
                    self._turn.wait_for(lambda: len(self._waiting) <= WINDOW // 2 or self._error)
                room = WINDOW - len(self._waiting)
                batch = [self._line.popleft() for _ in range(min(room, len(self._line)))]
                self._waiting.update(batch)
            for _, raw in batch:
                yield raw

    def _read(self):
        try:
            for raw in self._answers:
                self._take(self._answer_type.FromString(raw))
            problem = None if self._closed else "ingest ended the stream"
        except (grpc.RpcError, KeyError) as error:
            problem = f"the stream broke: {error}"
        with self._turn:
            self._error = self._error or problem
            self._turn.notify_all()

    def _take(self, answer):
        if answer.status.code in AGAIN:
            time.sleep(RETRY_PAUSE_S)
        with self._turn:
            sent = self._waiting.pop(answer.sequence)
            if answer.status.code in AGAIN:
                self.sent_again += 1
                self._line.append((answer.sequence, sent))
            elif answer.status.code:
                self._error = f"touch {answer.sequence} refused: {answer.status}"
            else:
                self.acknowledged += 1
            if (len(self._waiting) in (0, WINDOW // 2) or answer.status.code
                    or self.acknowledged == self._sequence):
                self._turn.notify_all()


def advance(system, pool, seconds):
    """AdvanceClock, then waits until every service shows that instant."""
    from regulars.ingest.v1 import ingest_service_pb2
    system.stub("ingest").AdvanceClock(
        ingest_service_pb2.AdvanceClockRequest(
            name=f"pools/{pool}/clock", clock_time=timestamp_pb2.Timestamp(seconds=seconds)),
        metadata=system.auth(pool), timeout=STEP_LIMIT_S)
    wait_clock(system, pool, seconds)


def clocks(system, pool):
    """{service: seconds or None}"""
    from regulars.runtime.v1 import runtime_service_pb2
    request = runtime_service_pb2.GetClockRequest(name=f"pools/{pool}/clock")
    shown = {}
    for service in SERVICES:
        clock = system.clock_stub(service).GetClock(request, metadata=system.auth(pool), timeout=10)
        whole = service not in STATEFUL or len(clock.shards) == clock.shard_count
        shown[service] = (clock.clock_time.seconds if whole and clock.HasField("clock_time")
                          else None)
    return shown


def wait_clock(system, pool, seconds):
    """Against the flow: the last service is the last to get there, the others are asked once."""
    from regulars.runtime.v1 import runtime_service_pb2
    request = runtime_service_pb2.GetClockRequest(name=f"pools/{pool}/clock")
    auth = system.auth(pool)
    deadline = time.monotonic() + STEP_LIMIT_S
    for service in reversed(SERVICES):
        stub = system.clock_stub(service)
        while True:
            clock = stub.GetClock(request, metadata=auth, timeout=10)
            whole = service not in STATEFUL or len(clock.shards) == clock.shard_count
            if whole and clock.HasField("clock_time") and clock.clock_time.seconds >= seconds:
                break
            if time.monotonic() > deadline:
                system.check_alive()
                raise LoadError(f"{service} does not reach its clock: {clocks(system, pool)}")
            time.sleep(POLL_S)


def replay(system, pool, purchases, end_s, progress, clock=True):
    """Sends all purchases in steps of seven days (clock=False: without advancing it); calls
    progress(until_s, sent) when the touches of a step are acknowledged. Returns the seconds it
    took, the last AdvanceClock included."""
    first = purchases[0].time_s
    steps = (end_s - first) // STEP_S + 1
    touches = [order_touch(purchase) for purchase in purchases]
    started = time.monotonic()
    stream = TouchStream(system, pool)
    index = 0
    for step in range(1, steps + 1):
        until = min(first + step * STEP_S, end_s)
        begin = index
        while index < len(purchases) and purchases[index].time_s < until:
            index += 1
        stream.send(touches[begin:index])
        stream.flush()
        progress(until, index)
        if clock:
            advance(system, pool, until)
    stream.close()
    if stream.acknowledged != len(purchases):
        raise LoadError(f"{stream.acknowledged} of {len(purchases)} touches acknowledged")
    return time.monotonic() - started
