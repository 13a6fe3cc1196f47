#!/usr/bin/env bash
# docker-compose.yml by the Compose project's own loader (no Docker engine needed), by `docker compose`
# where that is installed, and a look at what it refers to.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
mkdir -p build
"${REGULARS_CACHE:-$root/.cache}/tools/bin/compose-spec" -format json docker-compose.yml >build/compose.json
if docker compose version >/dev/null 2>&1; then docker compose -f docker-compose.yml config --quiet; fi
.venv/bin/python - build/compose.json <<'PYTHON'
import json, pathlib, sys
project = json.load(open(sys.argv[1]))
services = project["services"]
for name in ("ingest", "identity", "points", "segmentation", "messaging"):
    assert services[name]["build"]["args"]["SERVICE"] == name, name
    assert services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"], name
for name, service in services.items():
    for port in service.get("ports", []):
        assert port.get("host_ip") == "127.0.0.1", f"{name}: port {port} is open to the network"
    for volume in service.get("volumes", []):
        if volume["type"] == "bind":
            assert pathlib.Path(volume["source"]).exists(), f"{name}: {volume['source']} is missing"
print(f"{len(services)} services")
PYTHON
