#!/usr/bin/env bash
# Compiles the peer and prints its class path. The jars come from Maven once and stay in
# .cache/peers/streams (REGULARS_CACHE moves it); the classes are made anew when a source is newer.
#   build.sh           jars and classes
#   build.sh --fetch   jars only (deploy/setup/setup.sh)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../../.." && pwd)
cache=${REGULARS_CACHE:-$root/.cache}/peers/streams
jars=$cache/jars
out=$root/build/peers/streams

# Registries have bad moments: three tries, 5 s apart.
retry() {
  "$@" || { sleep 5; "$@"; } || { sleep 5; "$@"; }
}

if ! cmp -s "$here/pom.xml" "$jars/.pom"; then
  rm -rf "$jars"
  mkdir -p "$jars"
  retry mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$jars" \
    >"$cache/maven.log" 2>&1 || {
    cat "$cache/maven.log" >&2
    exit 1
  }
  cp "$here/pom.xml" "$jars/.pom"
fi
[ "${1:-}" != --fetch ] || exit 0

protos=(regulars/identity/v1/identity_events.proto regulars/ingest/v1/touch.proto
        regulars/types/v1/identifier.proto regulars/types/v1/sealed.proto
        regulars/points/v1/points_events.proto regulars/points/v1/points_state.proto)
apis=$(dirname "$(dirname "$(dirname "$(ls "$root"/.venv/lib/python3*/site-packages/google/api/field_behavior.proto)")")")
if [ -z "$(ls "$out/.stamp" 2>/dev/null)" ] ||
   [ -n "$(find "$here" "$root/proto/regulars" "$jars/.pom" -newer "$out/.stamp" -type f -print -quit)" ]; then
  rm -rf "$out"
  mkdir -p "$out/gen" "$out/classes"
  protoc "-I$root/proto" "-I$apis" "--java_out=$out/gen" "${protos[@]}" \
    google/api/field_behavior.proto
  find "$out/gen" "$here/src" -name '*.java' >"$out/sources"
  javac -nowarn -encoding UTF-8 --release 17 -cp "$jars/*" -d "$out/classes" "@$out/sources" >"$out/javac.log" 2>&1 || {
    cat "$out/javac.log" >&2
    exit 1
  }
  touch "$out/.stamp"
fi
printf '%s\n' "$out/classes:$jars/*"
