"""Everything: touches through gRPC streams at full rate, until points and segmentation have folded the
last one. The broker, Redis, five services and the sending client share two cores."""

import time
import uuid

import context
import fold
import lag
from system import LIVE, SERVICES

LIMIT_S = 600.0


def send(system, run, touches, customers):
    key = (system.dir / "keys" / LIVE / "api-key").read_text().strip()
    return context.tool("touches", address=f"127.0.0.1:{system.ports['ingest']['grpc']}", pool=LIVE,
                        api_key=key, run=run, touches=touches, customers=customers)


def wait_folded(system):
    """Against the flow of time, with the flow of data: identity first, then who reads from it."""
    watch = lag.Lag(system.bootstrap)
    try:
        context.wait_for(lambda: not any(watch.read().values()), "everything is folded", LIMIT_S, 0.1)
    finally:
        watch.close()


def run(system, size, shown):
    run_id = uuid.uuid4().hex[:8]
    warm = send(system, run_id + "w", size.e2e_warm_up, size.e2e_customers)
    wait_folded(system)
    alive = system.cluster.pids.alive()
    before = {name: context.cpu_s(pid) for name, pid in alive.items()}
    start = time.monotonic()
    sent = send(system, run_id, size.e2e_touches, size.e2e_customers)
    wait_folded(system)
    seconds = time.monotonic() - start
    for name in (*SERVICES, "kafka", "redis"):
        if name in before:
            used = context.cpu_s(alive[name]) - before[name]
            shown[f"e2e_cpu_us_per_touch_{name}"] = used / size.e2e_touches * 1e6
    peaks = {name: context.rss_peak_mib(alive[name]) for name in SERVICES}
    shown["e2e_touches"] = size.e2e_touches
    shown["e2e_touches_per_s"] = size.e2e_touches / seconds
    shown["e2e_acknowledged_per_s"] = size.e2e_touches / sent["seconds"]
    shown["e2e_sent_again"] = sent["sent_again"]
    shown["rss_mib_max"] = max(peaks.values())
    shown["rss_largest_service"] = max(peaks, key=peaks.get)
    fold.wait_quiet(system)
    return _check(system, warm["points"] + sent["points"], size.e2e_warm_up + size.e2e_touches)


def _check(system, points, touches):
    issued = fold.sums(system.bootstrap, "points", LIVE)["loyalty/issued"]
    purchases = fold.sums(system.bootstrap, "segmentation", LIVE)["purchases"]
    problems = []
    if issued != points:
        problems.append(f"{issued} points issued, must be {points}")
    if purchases != touches:
        problems.append(f"{purchases} purchases, must be {touches}")
    return problems
