#!/usr/bin/env bash
# Unit, property and simulation tests under a sanitizer. Usage: sanitize.sh asan|tsan [--ci]
# --ci is the part that fits into `make test`: asan takes the runtime and 20 simulated histories, which
# run every kernel; tsan takes what has threads of its own.
# Writes build/reports/<asan|tsan>.json (build/reports/ci/ with --ci): tests, failed, ok, size.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
preset=$1
jobs=${JOBS:-$(nproc)}
size=full
targets=()
chosen=(-L 'unit|property|sim')
report=build/reports/$preset.json
if [ "${2:-}" = --ci ]; then
  size=ci
  report=build/reports/ci/$preset.json
  case $preset in
    asan) names=(worker_test worker_restore_test worker_parking_test store_conformance_test) ;;
    tsan) names=(gateway_test view_thread_test metrics_test outbox_test) ;;
  esac
fi

# TSan does not survive the high-entropy address layout of newer kernels (mmap_rnd_bits > 28).
runner=()
if [ "$preset" = tsan ] && setarch "$(uname -m)" -R true 2>/dev/null; then
  runner=(setarch "$(uname -m)" -R)
fi
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1:suppressions=$root/tests/tsan.supp}
# A call through Debian's gRPC, which is not built with TSan, looks unsynchronised from end to end; these
# tests run under asan.
left_out=()
[ "$preset" = tsan ] && left_out=(-E '^(rpc_test|ingest_service_test|link_service_test|link_reads_test|candidate_service_test|rule_service_test)$')
# What the sanitizer cannot see or what has checks of its own stays out: lint, servers, benchmarks.
cmake --preset "$preset" >/dev/null
if [ "$size" = ci ]; then
  known=$(ninja -C "build/$preset" -t targets all | sed -n 's/^\([a-z0-9_-]*\): phony$/\1/p')
  for name in "${names[@]}"; do
    grep -qx "$name" <<<"$known" || { echo "sanitize: no target $name" >&2; exit 1; }
    targets+=(--target "$name")
  done
  chosen=(-R "^($(IFS='|'; echo "${names[*]}"))\$")
  [ "$preset" = asan ] && targets+=(--target regulars-sim)
fi
cmake --build --preset "$preset" -j "$jobs" "${targets[@]}"

failed=0
log=build/$preset/ctest.log
"${runner[@]}" ctest --preset "$preset" -j "$jobs" "${chosen[@]}" "${left_out[@]}" --no-tests=error --timeout 1800 | tee "$log" || failed=1
if [ "$size" = ci ] && [ "$preset" = asan ]; then
  "build/$preset/bin/regulars-sim" --seeds=20 --seed=1 --size=ci || failed=1
fi
tests=$(sed -n 's/.* tests failed out of \([0-9]*\)$/\1/p' "$log")
mkdir -p "$(dirname "$report")"
printf '{"ok": %s, "size": "%s", "tests": %s}\n' \
  "$([ $failed = 0 ] && echo true || echo false)" "$size" "${tests:-0}" >"$report"
echo "$preset: tests ${tests:-0}, $([ $failed = 0 ] && echo clean || echo 'NOT clean')"
exit $failed
