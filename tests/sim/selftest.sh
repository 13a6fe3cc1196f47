#!/usr/bin/env bash
# Takes each guard of the runtime out and looks for the first seed at which the auditor notices.
# Usage: tests/sim/selftest.sh BINARY REPORT [SEEDS=2000] [FIRST_SEED=1]
set -euo pipefail
binary=$1 report=$2 seeds=${3:-2000} first=${4:-1}
mkdir -p "$(dirname "$report")"
ok=true
rows=
for guard in dedupe view_fence undo_log offsets_in_txn generation watermark own_timers_first \
             store_position shard_chain; do
  needed=$("$binary" --seeds="$seeds" --seed="$first" --break="$guard" --until-found 2>/dev/null |
           awk '/^seeds /{s=$2} /^violations /{v=$2} END{print (v > 0) ? s : 0}')
  [[ $needed -gt 0 ]] || ok=false
  echo "$guard $needed"
  rows+="${rows:+, }\"$guard\": $needed"
done
echo "{\"ok\": $ok, \"size\": \"full\", \"seeds_max\": $seeds, \"seeds_needed\": {$rows}}" >"$report"
$ok
