"""A pool that links, with every service running: its peak, and at half of it the time until a touch of
somebody known is resolved, and until two members that a touch names together are one."""

import threading
import time
import uuid

import bystanders
import context
import merges
from parts.e2e import wait_folded
from people_stage import JOINED

MERGES_PER_S = 10
LEAD_S = 2.0     # the load runs for so long before anything is measured


def run(system, size, shown):
    run_id = uuid.uuid4().hex[:8]
    _load(system, run_id + "w", size, size.e2e_warm_up, 0)
    wait_folded(system)
    start = time.monotonic()
    _load(system, run_id, size, size.e2e_touches, 0)
    wait_folded(system)
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
    visible = pairs.join(MERGES_PER_S)
    seen = known.stop()
    load.join()
    wait_folded(system)
    shown["half_peak_per_s"] = peak / 2
    shown["known_id_p50_ms"], shown["known_id_p99_ms"] = seen["p50_ms"], seen["p99_ms"]
    shown["merge_visible_p50_ms"] = visible[len(visible) // 2]
    shown["merge_visible_p99_ms"] = visible[len(visible) * 99 // 100]
    return pairs.problems()


def _load(system, run_id, size, touches, rate):
    key = (system.dir / "keys" / JOINED / "api-key").read_text().strip()
    return context.tool("touches", address=f"127.0.0.1:{system.ports['ingest']['grpc']}",
                        pool=JOINED, api_key=key, run=run_id, touches=touches,
                        customers=size.e2e_customers, rate=rate)
