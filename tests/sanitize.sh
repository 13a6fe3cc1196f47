#!/usr/bin/env bash
# Unit, property and simulation tests under a sanitizer. Usage: sanitize.sh asan|tsan
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
preset=$1
jobs=${JOBS:-$(nproc)}
# TSan does not survive the high-entropy address layout of newer kernels (mmap_rnd_bits > 28).
runner=()
if [ "$preset" = tsan ] && setarch "$(uname -m)" -R true 2>/dev/null; then
  runner=(setarch "$(uname -m)" -R)
fi
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1:suppressions=$root/tests/tsan.supp}
cmake --preset "$preset"
cmake --build --preset "$preset" -j "$jobs"
exec "${runner[@]}" ctest --preset "$preset" -j "$jobs" -L 'unit|property|sim' --timeout 1800
