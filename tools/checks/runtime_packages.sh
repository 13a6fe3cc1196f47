#!/usr/bin/env bash
# deploy/setup/runtime-packages.txt against what the built binaries load: nothing missing from the
# image, nothing in it for no reason. Usage: runtime_packages.sh BIN_FOLDER
# Only on Debian 12: the image is Debian 12, package names carry library versions.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$1
if ! grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then
  echo "skipped: not Debian 12"
  exit 77
fi
binaries=("$bin"/regulars-{ingest,identity,points,segmentation,messaging} "$bin"/regularsctl)
present=()
for binary in "${binaries[@]}"; do [ ! -x "$binary" ] || present+=("$binary"); done
if [ "${#present[@]}" -lt "${#binaries[@]}" ]; then
  echo "skipped: only ${#present[@]} of ${#binaries[@]} binaries are built"
  exit 77
fi
# A path from ldd may be under /lib where dpkg knows /usr/lib, or the other way round.
owner() {
  dpkg -S "$1" 2>/dev/null || dpkg -S "/usr$1" 2>/dev/null || dpkg -S "${1#/usr}"
}
needed=$(for binary in "${present[@]}"; do
  loaded=$(ldd "$binary")
  readelf -d "$binary" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' | while read -r library; do
    owner "$(awk -v name="$library" '$1 == name { print $3 }' <<<"$loaded")" | sed 's/:.*//'
  done
done | sort -u | grep -vxE 'libc6|libgcc-s1')
listed=$(sed 's/#.*//' "$root/deploy/setup/runtime-packages.txt" | tr -d ' ' | grep . |
  grep -vx ca-certificates | sort -u)
status=0
diff <(echo "$listed") <(echo "$needed") || status=1
[ "$status" = 0 ] || echo "left: runtime-packages.txt, right: what the binaries load"
exit "$status"
