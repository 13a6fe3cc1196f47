"""One member and many touches: changelog bytes of all services per touch, early and late in its life.
Touches of the two windows go one at a time, so that each is a transaction of its own; every second one
is a visit, the others are paid orders. `@shard` records are left out: they belong to the shard."""

import time
import uuid

from google.protobuf import timestamp_pb2

import context
import fold
from parts import e2e
from system import LIVE, STATEFUL

FIRST, WINDOW = 10, 20
GROWTH_MAX = 1.2
LIMIT_S = 30.0


def _touch(customer, number):
    from regulars.ingest.v1 import ingest_service_pb2, touch_pb2
    from regulars.types.v1 import identifier_pb2
    name = f"{customer}-{number}"
    if number % 2:
        body = touch_pb2.TouchBody(visit=touch_pb2.Visit(place="shop"))
    else:
        body = touch_pb2.TouchBody(order_paid=touch_pb2.OrderPaid(
            order_id=name, amount_minor=1000 + number % 1000, currency_code="USD"))
    now_us = time.time_ns() // 1000
    return ingest_service_pb2.RecordTouchRequest(
        parent=f"pools/{LIVE}",
        touch=ingest_service_pb2.TouchInput(
            source="bench", native_id=name, channel="web",
            occur_time=timestamp_pb2.Timestamp(seconds=now_us // 10**6, nanos=now_us % 10**6 * 1000),
            identifiers=[identifier_pb2.ClearIdentifier(type="customer", scope="bench",
                                                        value=f"{customer}-c0")],
            body=body))


def _committed(system):
    name = "regulars_shard_committed_inputs_total"
    return [system.metrics(service)[name] for service in ("points", "segmentation")]


def _one_at_a_time(system, customer, numbers):
    stub, auth = system.stub("ingest"), system.auth(LIVE)
    for number in numbers:
        before = _committed(system)
        stub.RecordTouch(_touch(customer, number), metadata=auth, timeout=30)
        context.wait_for(lambda: all(now > was for now, was in zip(_committed(system), before)),
                         "a touch is folded", LIMIT_S, 0.002)


def _bytes_since(system, ends):
    """{service: bytes of keys and values} written to the changelogs since `ends`, without @shard."""
    found = {}
    for service in STATEFUL:
        topic = fold.changelog(service)
        places = [(topic, shard, end) for shard, end in enumerate(ends[service])]
        found[service] = sum(len(key) + len(value or b"")
                             for _, _, key, value in fold.read_to_end(system.bootstrap, places)
                             if key != fold.SHARD_KEY)
    return found


def _window(system, customer, first):
    ends = {service: context.log_ends(system.bootstrap, fold.changelog(service))
            for service in STATEFUL}
    _one_at_a_time(system, customer, range(first, first + WINDOW))
    return sum(_bytes_since(system, ends).values()) / WINDOW


def run(system, size, shown):
    customer = uuid.uuid4().hex[:8]
    _one_at_a_time(system, customer, range(1, FIRST))
    early = _window(system, customer, FIRST)
    # Bulk: paid orders under other ids of the same customer.
    e2e.send(system, customer, size.hot_touches, 1)
    e2e.wait_folded(system)
    fold.wait_quiet(system)
    late = _window(system, customer, 10 ** 7)
    shown["hot_member_touches"] = size.hot_touches
    shown["hot_member_bytes_per_touch_10"] = early
    shown["hot_member_bytes_per_touch_100000"] = late
    shown["hot_member_growth"] = late / early
    if late > GROWTH_MAX * early:
        return [f"a late touch of one member costs {late / early:.2f} of an early one"]
    return []
