#!/usr/bin/env python3
"""The configuration files of chart and compose, read by the services' own parser; and docs/config.md.

Usage: service_config.py BIN_FOLDER [--write-docs]

A service that is also given `--set not_an_option=1` must stop with exactly that one problem: so its whole
configuration was read (unknown names, types, bounds, pools) without starting anything.
--write-docs makes docs/config.md from the options the binaries declare; without it the page is compared.
Exit status 77 (skipped) when not all binaries are built.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICES = ("ingest", "identity", "points", "segmentation", "messaging")
PAGE = ROOT / "docs/config.md"
HEAD = """# Configuration

Made by `make config-docs` from the options the services declare; do not edit. Later wins: default, YAML
file (`--config`), environment variable, `--set name=value`. One file can serve all services: a map named
after a service is read by that service only.

"""


def run(binary, *arguments, env=None):
    return subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=30,
                          check=False, env={**os.environ, **(env or {})})


def rendered():
    """[(where, service, file's text, environment)]"""
    chart = ROOT / "build/charts/regulars.yaml"
    subprocess.run([ROOT / "tools/checks/chart_lint.sh", "--render-only"], check=True)
    for document in yaml.safe_load_all(chart.read_text()):
        if document and document["kind"] == "ConfigMap" and "config.yaml" in document["data"]:
            service = document["metadata"]["labels"]["app.kubernetes.io/component"]
            yield "chart", service, document["data"]["config.yaml"], {
                "REGULARS_SLOT": "1", "REGULARS_GRPC_ADVERTISE": "pod:7000"}
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for service in SERVICES:
        yield ("compose", service, (ROOT / "deploy/compose/config.yaml").read_text(),
               compose[service].get("environment", {}))


def problems(binary, text, env):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        done = run(binary, f"--config={file.name}", "--set", "not_an_option=1", env=env)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    found = [line for line in lines if "not_an_option" not in line]
    if done.returncode != 2 or len(found) == len(lines):
        found.append(f"exit status {done.returncode}, the planted mistake was not reported")
    return found


def docs(binaries):
    """One page: the groups that are the same for all services once, then each service's own."""
    parts = {}
    for service in SERVICES:
        text = run(binaries[service], "--print-config-docs").stdout
        head, *groups = text.split("\n## ")
        parts[service] = (head.split("\n", 1)[1].strip(), [group.rstrip("\n") for group in groups])
    shared = [group for group in parts[SERVICES[0]][1]
              if all(group in groups for _, groups in parts.values())]
    text = HEAD + "## All services\n\n" + "".join(f"### {group}\n\n" for group in shared)
    for service, (purpose, groups) in parts.items():
        text += f"## {service}\n\n{purpose}\n\n"
        own = [group for group in groups if group not in shared]
        text += "".join(f"### {group}\n\n" for group in own)
    return text.rstrip("\n") + "\n"


def main():
    folder = pathlib.Path(sys.argv[1])
    binaries = {service: folder / f"regulars-{service}" for service in SERVICES}
    missing = [service for service, binary in binaries.items() if not binary.exists()]
    if missing:
        print("skipped: not built: " + ", ".join(missing))
        return 77
    wrong = [f"{where}, {service}: {problem}" for where, service, text, env in rendered()
             for problem in problems(binaries[service], text, env)]
    if "--write-docs" in sys.argv:
        PAGE.write_text(docs(binaries))
    elif not PAGE.exists() or PAGE.read_text() != docs(binaries):
        wrong.append("docs/config.md is not what the services declare: run make config-docs")
    print("\n".join(wrong + [f"{len(wrong)} problems"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
