#!/usr/bin/env python3
"""`make fuzz`: every fuzz target under libFuzzer for a while, from its seeds and saved inputs.

    fuzz.py [--seconds 60] [--targets touch,points] [--jobs N]

Seconds are per target; --jobs targets run at a time. What libFuzzer finds interesting is kept in
build/fuzz/corpus/<target> and is where the next run starts. A crash, a time-out (10 s for one input) or more
than 2 GiB ends a target; its input is saved in build/fuzz/crashes and the exit status is 1. Report:
build/reports/fuzz.json, or build/reports/ci/fuzz.json if it was less than all targets for 60 s.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/fuzz"
HERE = ROOT / "tests/fuzz"
# Room to end, beyond the seconds of the run.
GRACE_S = 120
FULL_SECONDS = 60


def targets():
    return re.findall(r"^regulars_fuzz\((\w+)", (HERE / "CMakeLists.txt").read_text(), re.MULTILINE)


def run(name, seconds):
    """{executions, crashes: [files], features}"""
    binary, corpus = BUILD / "bin" / f"fuzz_{name}", BUILD / "corpus" / name
    crashes, saved = BUILD / "crashes", HERE / "corpus" / name
    seeds = BUILD / "seeds" / name
    for folder in (corpus, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([binary, f"--write-seeds={seeds}"], check=True)
    before = set(crashes.iterdir())
    argv = [binary, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
            "-print_final_stats=1", "-use_value_profile=1", "-max_len=8192", "-seed=1",
            f"-artifact_prefix={crashes}/{name}-", corpus, seeds,
            *([saved] if saved.is_dir() else [])]
    log = BUILD / "log" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {"UBSAN_OPTIONS": "print_stacktrace=1", **os.environ}
    with log.open("wb") as out:
        done = subprocess.run(argv, stdout=out, stderr=subprocess.STDOUT, check=False, env=env,
                              timeout=seconds + GRACE_S)
    text = log.read_text(errors="replace")
    executions = re.findall(r"number_of_executed_units:\s+(\d+)", text)
    # A target that stops at a finding prints no statistics; its progress lines have the count.
    progress = re.findall(r"^#(\d+)\s", text, re.MULTILINE)
    features = re.findall(r"\bft: (\d+)", text)
    found = sorted(str(path.relative_to(ROOT)) for path in set(crashes.iterdir()) - before)
    if done.returncode != 0 and not found:
        found = [f"{log.relative_to(ROOT)} (status {done.returncode}, no input)"]
    return {"executions": int((executions or progress or ["0"])[-1]), "crashes": found,
            "features": int((features or ["0"])[-1])}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=FULL_SECONDS)
    parser.add_argument("--targets", default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    names = [name for name in arguments.targets.split(",") if name] or targets()
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = dict(zip(names, pool.map(lambda name: run(name, arguments.seconds), names),
                           strict=True))
    crashes = [path for result in results.values() for path in result["crashes"]]
    size = "full" if arguments.seconds >= FULL_SECONDS and not arguments.targets else "ci"
    report = {"ok": not crashes, "size": size,
              "targets": len(results), "seconds_per_target": arguments.seconds,
              "seconds": round(time.monotonic() - start, 1),
              "executions": sum(result["executions"] for result in results.values()),
              "crashes": len(crashes), "crash_inputs": crashes,
              **{f"executions_{name}": result["executions"] for name, result in results.items()}}
    path = ROOT / "build/reports" / ("fuzz.json" if size == "full" else "ci/fuzz.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    for name, result in results.items():
        print(f"{name:16} {result['executions']:>12,} executions {result['features']:>8,} features "
              f"{len(result['crashes'])} crashes")
    for name, value in report.items():
        if not name.startswith("executions_") and name != "crash_inputs":
            print(f"{name:20} {value}")
    for crash in crashes:
        print(f"CRASH {crash}")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
