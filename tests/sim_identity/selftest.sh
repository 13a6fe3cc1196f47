#!/usr/bin/env bash
# Takes each guard of the link protocol out and looks for the first seed at which the auditor notices.
# Usage: tests/sim_identity/selftest.sh BINARY REPORT SIZE [SEEDS=2000] [FIRST_SEED=1]
# A guard that is not noticed within SEEDS has 0 in the report and fails the run.
set -euo pipefail
binary=$1 report=$2 size=$3 seeds=${4:-2000} first=${5:-1}
guards="park monotone own_defer ids_in_propose do_not_link split_epoch object_dedupe"
mkdir -p "$(dirname "$report")"
ok=true
rows=
for guard in $guards; do
  found=$("$binary" --seeds="$seeds" --seed="$first" --break="$guard" --until-found 2>/dev/null || true)
  needed=$(awk '/^"seeds"/{gsub(/[^0-9]/, ""); s=$0} /"violations"/{gsub(/[^0-9]/, ""); v=$0}
                END{print (v > 0) ? s : 0}' <<<"$found")
  [[ $needed -gt 0 ]] || ok=false
  echo "seeds_needed_$guard $needed"
  rows+=", \"seeds_needed_$guard\": $needed"
done
echo "{\"ok\": $ok, \"size\": \"$size\", \"seeds_max\": $seeds$rows}" >"$report"
$ok
