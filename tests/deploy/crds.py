"""Objects of operators, checked by the operators' own definitions: `python -m deploy.crds RENDERED DEFINITIONS…`.

RENDERED is what `kubectl kustomize` prints. DEFINITIONS are files with CustomResourceDefinitions, such as
keda.sh_scaledobjects.yaml of KEDA's repository. Fields that a definition does not know are errors, as the API server
would drop them in silence.
"""

import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml


def closed(schema: Any) -> Any:
    """Return a schema in which each object with named fields has no others."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    open_to_others = "additionalProperties" in found or found.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(found.get("properties"), dict) and not open_to_others:
        found["additionalProperties"] = False
    return found


def definitions(paths: list[str]) -> dict[tuple[str, str], Any]:
    """Return the schemas of some definitions: apiVersion and kind → schema."""
    found = {}
    for path in paths:
        for one in yaml.safe_load_all(Path(path).read_text()):
            spec = one["spec"]
            for version in spec["versions"]:
                schema = closed(version["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = {"type": "object"}
                found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found


def main() -> int:
    """Check; return the exit code."""
    rendered, *paths = sys.argv[1:]
    known, wrong, checked = definitions(paths), 0, 0
    for one in yaml.safe_load_all(Path(rendered).read_text()):
        schema = known.get((one["apiVersion"], one["kind"]))
        if schema is None:
            continue
        checked += 1
        for error in jsonschema_rs.validator_for(schema).iter_errors(one):
            wrong += 1
            print(f"{one['kind']} {one['metadata']['name']}: {error.message} at {error.instance_path}")
    print(f"{checked} objects checked by {len(known)} definitions, {wrong} errors")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
