"""What every part of the benchmark uses: sizes, the C++ tool, processor time, progress of a group."""

import json
import os
import pathlib
import subprocess
import time
import types

from confluent_kafka import Consumer, KafkaException, TopicPartition

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL_LIMIT_S = 600.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SHARDS = 4

# `warm_up` = members: every member's first order comes before what is measured.
SIZES = {
    "full": {"warm_up": 1_000_000, "measured": 2_000_000, "redemptions": 200, "view_keys": 200_000,
             "e2e_touches": 300_000, "e2e_warm_up": 30_000, "e2e_customers": 50_000,
             "hot_touches": 100_000, "idle_s": 60, "handler_people": 20_000, "merges": 300,
             "people": {"members": 300_000, "warm_up": 310_000, "lead": 10_000,
                        "records": 1_320_000}},
    "ci": {"warm_up": 20_000, "measured": 100_000, "redemptions": 30, "view_keys": 20_000,
           "e2e_touches": 20_000, "e2e_warm_up": 2_000, "e2e_customers": 2_000,
           "hot_touches": 2_000, "idle_s": 10, "handler_people": 2_000, "merges": 40,
           "people": {"members": 10_000, "warm_up": 11_000, "lead": 1_000, "records": 62_000}},
}


class BenchFailure(RuntimeError):
    pass


class Size:
    """The numbers of a size as attributes; `name` is full or ci. `people` is a size, too: that of the
    identity figures, measured from `lead` touches behind its warm-up on."""

    def __init__(self, name):
        self.name = name
        self.__dict__.update(SIZES[name])
        self.records = self.warm_up + self.measured
        self.members = self.warm_up
        self.people = types.SimpleNamespace(name=name, **self.people)


def binaries():
    return pathlib.Path(os.environ.get("REGULARS_BIN", ROOT / "build/release/bin"))


def tool(verb, **flags):
    """Runs `regulars-bench VERB --name=value ...`; returns what it printed."""
    argv = [str(binaries() / "regulars-bench"), verb]
    argv += [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, timeout=TOOL_LIMIT_S)
    if done.returncode != 0:
        raise BenchFailure(f"{verb}: {done.stderr.strip() or done.returncode}")
    return json.loads(done.stdout)


def cpu_s(pid):
    """Processor time of all threads of a process so far, user and system."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def rss_peak_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise BenchFailure(f"no VmHWM of {pid}")


def wait_for(condition, what, limit_s=60.0, pause_s=0.05):
    """What `condition` returns as soon as that is true; the seconds until then come first."""
    start = time.monotonic()
    while True:
        value = condition()
        if value:
            return time.monotonic() - start, value
        if time.monotonic() - start > limit_s:
            raise BenchFailure(f"{what}: not within {limit_s:.0f} s")
        time.sleep(pause_s)


class Group:
    """How far a consumer group has committed on one topic; joins nothing."""

    def __init__(self, bootstrap, group, topic, shards=SHARDS):
        self._asker = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 3})
        self._places = [TopicPartition(topic, shard) for shard in range(shards)]

    def position(self):
        """Sum over the partitions; 0 while the broker is still looking for the group's coordinator."""
        try:
            places = self._asker.committed(self._places, timeout=20)
        except KafkaException:
            return 0
        return sum(max(0, place.offset) for place in places)

    def close(self):
        self._asker.close()


def log_ends(bootstrap, topic, shards=SHARDS):
    """[end offset of each partition]"""
    asker = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench-look", "log_level": 3})
    try:
        return [asker.get_watermark_offsets(TopicPartition(topic, shard), timeout=20)[1]
                for shard in range(shards)]
    finally:
        asker.close()


def drain(bootstrap, group, topic, size, pid, limit_s=900.0, settled=lambda: True):
    """Watches a process work off a preloaded topic. Wall time counts from the first look past the
    warm-up until the last input is committed; processor time until `settled` as well (what was put off
    is work too). {"inputs_per_s", "cpu_s_per_million", "seconds"}"""
    watch = Group(bootstrap, group, topic)
    try:
        _, begin = wait_for(lambda: _past(watch, size.warm_up), "warm-up", limit_s)
        start, cpu = time.monotonic(), cpu_s(pid)
        wait_for(lambda: watch.position() >= size.records, "the last input", limit_s, 0.1)
        seconds = time.monotonic() - start
        wait_for(settled, "settling", limit_s, 0.1)
        used = cpu_s(pid) - cpu
    finally:
        watch.close()
    inputs = size.records - begin
    return {"inputs_per_s": inputs / seconds, "cpu_s_per_million": used / inputs * 1e6,
            "seconds": seconds}


def _past(watch, warm_up):
    position = watch.position()
    return position if position >= warm_up else 0
