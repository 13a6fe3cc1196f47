#!/usr/bin/env bash
# Lints and renders charts/regulars and checks the result: helm lint (with values.schema.json), helm
# template, kubeconform (strict, schemas from disk), kube-score, and a few of our own expectations.
# --render-only stops after writing build/charts/regulars.yaml.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools=${REGULARS_CACHE:-$root/.cache}/tools
chart=$root/charts/regulars
out=$root/build/charts
export PATH=$tools/bin:$PATH HELM_CACHE_HOME=$out/helm HELM_CONFIG_HOME=$out/helm HELM_DATA_HOME=$out/helm
mkdir -p "$out"

helm template demo "$chart" --namespace regulars --kube-version 1.31.4 \
  --values "$chart/test-values.yaml" >"$out/regulars.yaml"
[ "${1:-}" != --render-only ] || exit 0

helm lint "$chart" --strict --quiet --values "$chart/test-values.yaml"

# A chart without its required values, or with a misspelt one, must not render.
refuse() {
  if helm template demo "$chart" --kube-version 1.31.4 "$@" >/dev/null 2>&1; then
    echo "should have been refused: $*"
    exit 1
  fi
}
refuse
refuse --values "$chart/test-values.yaml" --set kafka.bootstrap=
refuse --values "$chart/test-values.yaml" --set shard=4
refuse --values "$chart/test-values.yaml" --set services.pionts.replicas=2
refuse --values "$chart/test-values.yaml" --set generation=1

# The Prometheus operator's kinds are not Kubernetes' own and have no schema on disk.
kubeconform -strict -summary -skip ServiceMonitor,PrometheusRule \
  -schema-location "$tools/kubernetes-schemas/{{.ResourceKind}}{{.KindSuffix}}.json" "$out/regulars.yaml"

kube-score score --output-format ci --kubernetes-version v1.31 \
  "$out/regulars.yaml" >"$out/kube-score.txt" || {
  grep -E '^\[(CRITICAL|WARNING)\]' "$out/kube-score.txt"
  exit 1
}

"$root/.venv/bin/python" - "$out/regulars.yaml" <<'PYTHON'
import sys, yaml
docs = [doc for doc in yaml.safe_load_all(open(sys.argv[1])) if doc]
kinds = {(doc["kind"], doc["metadata"]["labels"].get("app.kubernetes.io/component")) for doc in docs}
for service in ("identity", "points", "segmentation", "messaging"):
    assert ("StatefulSet", service) in kinds, service
assert ("Deployment", "ingest") in kinds
for doc in docs:
    if doc["kind"] in ("StatefulSet", "Deployment"):
        pod = doc["spec"]["template"]["spec"]
        assert pod["terminationGracePeriodSeconds"] == 30
        assert not any("value" in e and "secret" in e["name"].lower()
                       for e in pod["containers"][0]["env"])
        slot = [e for e in pod["containers"][0]["env"] if e["name"] == "REGULARS_SLOT"]
        assert bool(slot) == (doc["kind"] == "StatefulSet")
assert not any(doc["kind"] == "Secret" for doc in docs), "secrets are referenced, never rendered"
print(f"{len(docs)} objects rendered")
PYTHON
