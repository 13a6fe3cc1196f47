#!/usr/bin/env bash
# Takes each guard of the runtime out and looks for the first seed at which the auditor notices; an
# alarm or an assertion of the product itself does not count.
# Usage: tests/sim/selftest.sh BINARY REPORT SIZE [SEEDS=2000] [FIRST_SEED=1]
# GUARDS names a subset; a guard that is not noticed within SEEDS has 0 in the report and fails the run.
set -euo pipefail
binary=$1 report=$2 size=$3 seeds=${4:-2000} first=${5:-1}
guards=${GUARDS:-dedupe view_fence undo_log offsets_in_txn generation watermark own_timers_first store_position shard_chain view_position}
mkdir -p "$(dirname "$report")"
ok=true
rows=
for guard in $guards; do
  needed=$("$binary" --seeds="$seeds" --seed="$first" --break="$guard" --until-found 2>/dev/null |
           awk '/^seeds /{s=$2} /^violations /{v=$2} END{print (v > 0) ? s : 0}')
  [[ $needed -gt 0 ]] || ok=false
  echo "seeds_needed_$guard $needed"
  rows+=", \"seeds_needed_$guard\": $needed"
done
echo "{\"ok\": $ok, \"size\": \"$size\", \"seeds_max\": $seeds$rows}" >"$report"
$ok
