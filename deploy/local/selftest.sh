#!/usr/bin/env bash
# Proves that deploy/local works: up, topics, produce, broker killed and back, consume, down.
# Usage: selftest.sh [DIR]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
dir=${1:-$root/build/local/selftest}
local_py=$here/local.py
trap '"$local_py" down "$dir"' EXIT

unset KAFKA_BOOTSTRAP REDIS_ADDRESS
"$local_py" up "$dir" --fresh --topics 4 >/dev/null
# shellcheck source=/dev/null
. "$dir/env"
topic=regulars.points.events.v1.g1

partitions=$(kcat -q -b "$KAFKA_BOOTSTRAP" -L -t "$topic" -J | grep -o '"partition":[0-9]*' | wc -l)
[ "$partitions" = 4 ] || { echo "expected 4 partitions, found $partitions"; exit 1; }

seq 100 | sed -E 's/(.*)/k\1\tv\1/' |
  kcat -q -b "$KAFKA_BOOTSTRAP" -P -t "$topic" -p 2 -K '\t' -X acks=all
"$local_py" kill-broker "$dir"
"$local_py" start-broker "$dir"
got=$(kcat -q -b "$KAFKA_BOOTSTRAP" -C -t "$topic" -p 2 -o beginning -e -f '%k=%s\n' | sort | uniq | wc -l)
[ "$got" = 100 ] || { echo "expected 100 records after kill -9 of the broker, found $got"; exit 1; }

redis() { redis-cli -h "${REDIS_ADDRESS%:*}" -p "${REDIS_ADDRESS##*:}" "$@"; }
[ "$(redis set a 1)" = OK ]
"$local_py" kill-redis "$dir"
"$local_py" start-redis "$dir"
[ -z "$(redis get a)" ] || { echo "Redis kept data over kill -9"; exit 1; }

if "$local_py" up "$dir-second" --exclusive >/dev/null 2>&1; then
  "$local_py" down "$dir-second" --wipe
  echo "--exclusive did not refuse while a cluster is running"
  exit 1
fi
rm -rf "$dir-second"
"$local_py" down "$dir"
if "$local_py" status "$dir" >/dev/null; then echo "something still runs after down"; exit 1; fi
"$local_py" up "$dir" >/dev/null
"$local_py" down "$dir" --wipe
echo "deploy/local: ok"
