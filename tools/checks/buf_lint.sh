#!/usr/bin/env bash
# Lints the proto tree with buf (rules: buf.yaml), and checks it for breaking changes (FILE) against
# the newest release tag, if there is one. Usage: tools/checks/buf_lint.sh
# Needs the venv of `make setup` (buf-bin, googleapis-common-protos). Exit status 0 = clean.
#
# buf resolves imports among the modules of one workspace. The google protos come from a Python
# package, so a workspace of two modules, ours and the package's, is laid out in a temporary folder;
# nothing is downloaded.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
buf="${BUF:-$root/.venv/bin/buf}"
[[ -x "$buf" ]] || { echo "buf_lint: $buf is missing: run make setup" >&2; exit 2; }

googleapis="${GOOGLEAPIS_DIR:-}"
if [[ -z "$googleapis" ]]; then
  for site in "$root"/.venv/lib/python3*/site-packages; do
    [[ -f "$site/google/api/field_behavior.proto" ]] && googleapis="$site"
  done
fi
[[ -n "$googleapis" ]] || { echo "buf_lint: no google/api protos: run make setup" >&2; exit 2; }

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export BUF_CACHE_DIR="$work/cache"

# layout <folder with proto/> <workspace>: a workspace of that tree and the google protos.
layout() {
  mkdir -p "$2/google_protos/google"
  cp -r "$1/proto" "$2/proto"
  for part in api rpc; do
    mkdir -p "$2/google_protos/google/$part"
    cp "$googleapis/google/$part/"*.proto "$2/google_protos/google/$part/"
  done
  sed 's|^  - path: proto$|  - path: proto\n  - path: google_protos|' "$root/buf.yaml" > "$2/buf.yaml"
}

layout "$root" "$work/now"
cd "$work/now"
"$buf" lint proto
count="$(find proto -name '*.proto' | wc -l)"
echo "buf lint: $count files clean"

tag="$(git -C "$root" tag --list 'v[0-9]*' --sort=-v:refname | head -n 1)"
if [[ -z "$tag" ]]; then
  echo "buf breaking: no release tag yet, nothing to compare with"
  exit 0
fi
mkdir -p "$work/source"
git -C "$root" archive "$tag" proto | tar -x -C "$work/source"
layout "$work/source" "$work/then"
"$buf" breaking proto --against "$work/then/proto"
echo "buf breaking: compatible with $tag"
