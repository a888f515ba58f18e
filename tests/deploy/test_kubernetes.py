"""The manifests for Kubernetes: what points at something finds it. `make deploy-check` checks them by schemas too."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from deploy.files import KUBERNETES, manifests, pods
from deploy.image import ROOT, image
from metric.tape import PROMTOOL, promtool
from tidings_worker.settings import WorkerSettings

OBJECTS = {(one["kind"], one["metadata"]["name"]): one for one in manifests()}
POINTERS = {
    "Deployment": lambda spec: spec["selector"]["matchLabels"],
    "StatefulSet": lambda spec: spec["selector"]["matchLabels"],
    "Service": lambda spec: spec["selector"],
    "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
    "NetworkPolicy": lambda spec: spec["podSelector"]["matchLabels"],
    "PodMonitor": lambda spec: spec["selector"]["matchLabels"],
}
"""Kind → the labels of the Pods that it is about."""


def ports(name: str) -> set[str]:
    """Return the names of the ports of a Pod."""
    (container,) = pods()[name]["spec"]["containers"]
    return {one["name"] for one in container["ports"]}


def named_ports(value: Any) -> Iterator[str]:
    """Yield the names of ports that an object points at."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("port", "targetPort") and isinstance(inner, str):
                yield inner
            yield from named_ports(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from named_ports(inner)


@pytest.mark.parametrize(("kind", "name"), OBJECTS)
def test_what_points_at_pods_finds_those_of_its_name_and_their_ports(kind: str, name: str) -> None:
    one = OBJECTS[kind, name]
    if kind in POINTERS:
        labels = pods()[name]["metadata"]["labels"]
        assert POINTERS[kind](one["spec"]) == labels
        assert len({tuple(template["metadata"]["labels"].items()) for template in pods().values()}) == len(pods())
        assert {*named_ports(one["spec"])} <= ports(name)
    elif kind == "ServiceMonitor":
        service = OBJECTS["Service", name]
        assert one["spec"]["selector"]["matchLabels"] == service["metadata"]["labels"]
        assert {*named_ports(one["spec"])} <= {port["name"] for port in service["spec"]["ports"]}
    else:
        assert kind == "ScaledObject"
        assert ("Deployment", one["spec"]["scaleTargetRef"]["name"]) in OBJECTS


def test_every_file_is_in_a_kustomization_and_every_kustomization_names_files() -> None:
    named = set()
    for path in KUBERNETES.rglob("kustomization.yaml"):
        found = yaml.safe_load(path.read_text())
        for one in [*found.get("resources", []), *found.get("components", [])]:
            target = (path.parent / one).resolve()
            assert target.is_file() or (target / "kustomization.yaml").is_file(), (path, one)
            named.add(target)
    assert {path for path in KUBERNETES.rglob("*.yaml") if path.name != "kustomization.yaml"} <= named


def test_a_container_runs_as_the_user_of_the_image_and_may_nothing_else() -> None:
    for name, template in pods().items():
        spec = template["spec"]
        (container,) = spec["containers"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert not spec["automountServiceAccountToken"], name
        # Else Kubernetes sets TIDINGS_SERVER_PORT and the like in every Pod.
        assert not spec["enableServiceLinks"], name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        if name != "tidings-store":
            user, group = image().user
            assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsGroup"]) == (user, group)


def test_no_probe_kills_a_worker_whose_handler_may_still_block_the_loop() -> None:
    (container,) = pods()["tidings-worker"]["spec"]["containers"]
    probe = container["livenessProbe"]
    assert probe["periodSeconds"] * (probe["failureThreshold"] - 1) >= WorkerSettings().blocked_s
    start = container["startupProbe"]
    assert start["periodSeconds"] * start["failureThreshold"] > WorkerSettings().lifespan_enter_s


def queries() -> list[str]:
    triggers = OBJECTS["ScaledObject", "tidings-worker"]["spec"]["triggers"]
    return [one["metadata"]["query"] for one in triggers]


def test_workers_are_scaled_by_metrics_that_servers_have() -> None:
    described = (ROOT / "docs/how-to/metrics.md").read_text()
    names = [name for query in queries() for name in re.findall(r"tidings_\w+", query)]
    assert names == ["tidings_backlog_jobs", "tidings_oldest_waiting_seconds"]
    for name in names:
        (row,) = (line for line in described.splitlines() if line.startswith(f"| `{name}`"))
        assert "`queue`" in row
    # As many jobs for each worker as one has slots.
    triggers = OBJECTS["ScaledObject", "tidings-worker"]["spec"]["triggers"]
    assert int(triggers[0]["metadata"]["threshold"]) == WorkerSettings().slots


@pytest.mark.skipif(not PROMTOOL, reason="promtool is missing: make setup")
def test_prometheus_can_parse_what_workers_are_scaled_by(tmp_path: Any) -> None:
    path = tmp_path / "queries.yml"
    rules = [{"record": f"q{number}", "expr": query} for number, query in enumerate(queries())]
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    promtool("check", "rules", str(path))
