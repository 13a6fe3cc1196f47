"""The peer: a Kafka Streams exactly_once_v2 application with the same points work on the same input."""

import subprocess

import context
from ledger_stage import EVENTS, INPUT, POOL

GROUP = "bench-streams"
OUTPUT = "bench.streams.events"
HEAP = "1g"


def build():
    done = subprocess.run([context.ROOT / "tests/bench/peers/streams/build.sh"], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise context.BenchFailure("the peer does not build:\n" + done.stdout + done.stderr)
    return done.stdout.strip()


def run(stage, size, shown):
    classpath = build()
    pid = stage.cluster.run("streams", [
        "java", f"-Xmx{HEAP}", "-XX:+UseParallelGC", "-cp", classpath, "io.regulars.peer.PointsPeer",
        stage.bootstrap, INPUT, OUTPUT, POOL, stage.dir / "streams-state", GROUP])
    try:
        seen = context.drain(stage.bootstrap, GROUP, INPUT, size, pid)
        shown["streams_rss_mib"] = context.rss_peak_mib(pid)
    finally:
        stage.cluster.stop("streams", 60.0)
    shown["streams_inputs_per_s"] = seen["inputs_per_s"]
    shown["streams_cpu_s_per_million"] = seen["cpu_s_per_million"]
    if "points_cpu_s_per_million" in shown:
        shown["points_vs_streams_cpu"] = (shown["points_cpu_s_per_million"]
                                          / seen["cpu_s_per_million"])
        shown["points_vs_streams_rate"] = shown["points_inputs_per_s"] / seen["inputs_per_s"]
    ours = context.tool("digest", bootstrap=stage.bootstrap, topic=EVENTS)
    theirs = context.tool("digest", bootstrap=stage.bootstrap, topic=OUTPUT)
    shown["streams_outputs_equal"] = ours == theirs
    return [] if ours == theirs else [f"the peer published {theirs}, points {ours}"]
