#!/usr/bin/env bash
# Shell scripts with shellcheck, YAML files with yamllint (chart templates are not YAML: chart_lint.sh).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
listed() {
  git ls-files -co --exclude-standard -- "$@" | sort -u |
    while read -r file; do [ ! -f "$file" ] || [ -L "$file" ] || echo "$file"; done
}
mapfile -t scripts < <(listed '*.sh' .ci/run)
.venv/bin/shellcheck --severity=style --external-sources "${scripts[@]}"
mapfile -t yaml < <(listed '*.yaml' '*.yml' | grep -v '^charts/[^/]*/templates/')
.venv/bin/yamllint --strict -d '{extends: default, rules: {line-length: {max: 120},
  document-start: disable, comments: {min-spaces-from-content: 1}, braces: {max-spaces-inside: 1},
  truthy: {check-keys: false}}}' "${yaml[@]}"
echo "${#scripts[@]} scripts, ${#yaml[@]} YAML files"
