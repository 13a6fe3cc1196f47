#!/usr/bin/env bash
# `make test`: everything, in one ctest run whose summary is the last thing printed.
#   setup -> build (preset release) -> ctest: lint, unit, conformance, integration, sim, e2e, faults
# Format and lint checks are ctest tests too (tools/checks); tests with label integration or
# conformance share one local Kafka and Redis (a ctest fixture of deploy/); each e2e test starts its
# own. JOBS sets the number of parallel builds and unit tests (default: all cores).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
jobs=${JOBS:-$(nproc)}

"$root/deploy/setup/setup.sh"
cmake --preset release
cmake --build --preset release -j "$jobs"
# An outer KAFKA_BOOTSTRAP would be one cluster for tests that each need their own.
unset KAFKA_BOOTSTRAP REDIS_ADDRESS
exec ctest --preset release -j "$jobs" --timeout 1800
