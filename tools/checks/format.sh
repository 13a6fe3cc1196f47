#!/usr/bin/env bash
# clang-format over every C++ file of the tree. `format.sh` checks, `format.sh --fix` rewrites.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
mapfile -t files < <(git ls-files -co --exclude-standard -- '*.h' '*.cc' | sort -u |
  while read -r file; do [ ! -f "$file" ] || echo "$file"; done)
[ "${#files[@]}" -gt 0 ] || exit 0
if [ "${1:-}" = --fix ]; then
  clang-format -i "${files[@]}"
else
  clang-format --dry-run -Werror "${files[@]}" || { echo "run: make format" >&2; exit 1; }
fi
echo "${#files[@]} files"
