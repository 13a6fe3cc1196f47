#!/usr/bin/env python3
"""Splits Kubernetes' swagger.json into the per-kind JSON schemas kubeconform reads offline.

Usage: kubernetes_schemas.py SWAGGER_JSON FOLDER

One file <kind>-<group>-<version>.json (lower case, core group left out) per top-level kind, strict:
unknown fields are an error, so that a misspelt field in the chart fails. References point into
_definitions.json beside them. IntOrString and quantities stay as loose as the API server takes them.
"""

import json
import pathlib
import sys

LOOSE = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "oneOf": [{"type": "string"}, {"type": "integer"}]},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
        "oneOf": [{"type": "string"}, {"type": "number"}]},
}


def strict(name, definition):
    if name in LOOSE:
        return LOOSE[name]
    if "properties" in definition:
        definition.setdefault("additionalProperties", False)
    return definition


def retarget(node):
    """Makes "#/definitions/X" point into _definitions.json."""
    if isinstance(node, dict):
        return {key: "_definitions.json" + value if key == "$ref" else retarget(value)
                for key, value in node.items()}
    if isinstance(node, list):
        return [retarget(value) for value in node]
    return node


def main():
    swagger, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    definitions = json.loads(pathlib.Path(swagger).read_text())["definitions"]
    definitions = {name: strict(name, body) for name, body in definitions.items()}
    (folder / "_definitions.json").write_text(json.dumps({"definitions": definitions}))
    for name, body in definitions.items():
        for gvk in body.get("x-kubernetes-group-version-kind", []):
            parts = [gvk["kind"], gvk["group"].split(".")[0], gvk["version"]]
            schema = retarget(body)
            schema["properties"] = {
                **schema.get("properties", {}),
                "apiVersion": {"enum": ["/".join(p for p in (gvk["group"], gvk["version"]) if p)]},
                "kind": {"enum": [gvk["kind"]]},
            }
            schema["required"] = sorted({*schema.get("required", []), "apiVersion", "kind"})
            file = "-".join(part.lower() for part in parts if part) + ".json"
            (folder / file).write_text(json.dumps(schema))


if __name__ == "__main__":
    main()
