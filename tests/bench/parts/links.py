"""A pool that links, with every service running: its peak, and at half of it the time until a touch of
somebody known is resolved, until two members that a touch names together are one, and until the one has
the points of both."""

import threading
import time
import uuid

import bystanders
import context
import merges
from parts.e2e import LIMIT_S, wait_folded
from people_stage import JOINED

MERGES_PER_S = 10
LEAD_S = 2.0     # the load runs for so long before anything is measured


def run(system, size, shown):
    run_id = uuid.uuid4().hex[:8]
    points = _load(system, run_id + "w", size, size.e2e_warm_up, 0)
    _wait_counted(system, size.e2e_warm_up, points)
    start = time.monotonic()
    points += _load(system, run_id, size, size.e2e_touches, 0)
    _wait_counted(system, size.e2e_warm_up + size.e2e_touches, points)
    peak = size.e2e_touches / (time.monotonic() - start)
    shown["linked_touches_per_s"] = peak
    pairs = merges.Pairs(system, JOINED, run_id, size.merges)
    pairs.prepare()
    seconds = LEAD_S + size.merges / MERGES_PER_S
    load = threading.Thread(target=_load, daemon=True, args=(
        system, run_id + "h", size, int(peak / 2 * (seconds + LEAD_S)), peak / 2))
    load.start()
    time.sleep(LEAD_S)
    known = bystanders.Probe(system, JOINED)
    known.start()
    visible, moved = pairs.join(MERGES_PER_S)
    seen = known.stop()
    load.join()
    wait_folded(system)
    shown["half_peak_per_s"] = peak / 2
    shown["known_id_p50_ms"], shown["known_id_p99_ms"] = seen["p50_ms"], seen["p99_ms"]
    for name, delays in (("merge_visible", visible), ("points_moved", moved)):
        shown[f"{name}_p50_ms"] = delays[len(delays) // 2]
        shown[f"{name}_p99_ms"] = delays[len(delays) * 99 // 100]
    return pairs.problems()


def _wait_counted(system, orders, points):
    """Every order is somebody's purchase and has its points. How far a group has read says less: in a
    pool that links an order goes through identity twice."""
    from regulars.runtime.v1 import runtime_service_pb2

    def counted(service, name):
        answer = system.clock_stub(service).GetSums(
            runtime_service_pb2.GetSumsRequest(name=f"pools/{JOINED}/sums"),
            metadata=system.auth(JOINED), timeout=10)
        return sum(shard.sums.get(name, 0) for shard in answer.shards)

    context.wait_for(lambda: counted("segmentation", "purchases") == orders
                     and counted("points", "loyalty/issued") == points,
                     "every order is counted", LIMIT_S, 0.1)


def _load(system, run_id, size, touches, rate):
    key = (system.dir / "keys" / JOINED / "api-key").read_text().strip()
    """The points of what was sent."""
    sent = context.tool("touches", address=f"127.0.0.1:{system.ports['ingest']['grpc']}",
                        pool=JOINED, api_key=key, run=run_id, touches=touches,
                        customers=size.e2e_customers, rate=rate)
    return sent["points"]
