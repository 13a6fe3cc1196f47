"""Processor time of the five services while nothing happens."""

import time

import context
import fold
from system import SERVICES


def run(system, size, shown):
    fold.wait_quiet(system)
    time.sleep(2)
    pids = {name: system.cluster.pids.alive()[name] for name in SERVICES}
    before = {name: context.cpu_s(pid) for name, pid in pids.items()}
    start = time.monotonic()
    time.sleep(size.idle_s)
    seconds = time.monotonic() - start
    used = {name: (context.cpu_s(pid) - before[name]) / seconds * 100 for name, pid in pids.items()}
    shown["idle_s"] = size.idle_s
    shown["idle_cpu_percent"] = sum(used.values())
    for name, percent in used.items():
        shown[f"idle_cpu_percent_{name}"] = percent
    return []
