"""The files of a deployment as tests read them: what they start, with what, and how it stops."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from deploy.image import ROOT, image, merged

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
_VARIABLE = re.compile(r"\$\{\w+:-(.*?)\}")
"""A variable of the environment in compose.yaml, with its default."""

COMPOSE: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(r"\1", (ROOT / "compose.yaml").read_text()))
"""The file as it is read where no variable is set."""


class Started(NamedTuple):
    """A process of Tidings that a file starts."""

    where: str
    arguments: list[str]
    """Those of `tidings`."""
    environment: dict[str, str]
    stops_within_s: float
    """How long it has between its signal and its end."""


def seconds(text: str) -> float:
    """Return a duration of compose.yaml: `30s`, `1m`."""
    found = re.fullmatch(r"(\d+)(s|m)", text)
    assert found, text
    return int(found[1]) * {"s": 1, "m": 60}[found[2]]


def manifests(folder: Path = KUBERNETES) -> Iterator[dict[str, Any]]:
    """Yield the objects of all manifests under a folder, without the kustomizations."""
    for path in sorted(folder.rglob("*.yaml")):
        if path.name != "kustomization.yaml":
            yield from yaml.safe_load_all(path.read_text())


def pods() -> dict[str, dict[str, Any]]:
    """Return the templates of Pods, by the name of what makes them."""
    return {one["metadata"]["name"]: one["spec"]["template"] for one in manifests() if "template" in one["spec"]}


def units() -> dict[str, list[tuple[str, str]]]:
    """Return the systemd units: name → the assignments in their order."""
    found = {}
    for path in sorted((DEPLOY / "systemd").glob("*.service")):
        lines = [line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#")]
        found[path.name] = [(name, value) for name, _, value in (line.partition("=") for line in lines)]
    return found


def started() -> Iterator[Started]:
    """Yield each process of Tidings that any file starts."""
    base = image().environment
    for name, service in COMPOSE["services"].items():
        if service["image"].startswith("tidings"):
            own = {key: str(value) for key, value in service["environment"].items()}
            stops = seconds(service["stop_grace_period"])
            yield Started(f"compose.yaml {name}", service["command"], merged(base, own), stops)
    for name, template in pods().items():
        (container,) = template["spec"]["containers"]
        if container["image"].startswith("tidings"):
            own = {one["name"]: one["value"] for one in container["env"]}
            stops = template["spec"]["terminationGracePeriodSeconds"] - pre_stop_s(container)
            yield Started(f"kubernetes {name}", container["args"], merged(base, own), stops)
    for name, lines in units().items():
        (command,) = (value for key, value in lines if key == "ExecStart")
        pairs = (value.partition("=") for key, value in lines if key == "Environment")
        own = {key: value.replace("%i", "1").replace("%d", "/run") for key, _, value in pairs}
        (stops,) = (float(value) for key, value in lines if key == "TimeoutStopSec")
        program, *arguments = shlex.split(command.replace("%i", "8700"))
        assert program == "/opt/tidings/bin/tidings"
        yield Started(name, arguments, own, stops)


def pre_stop_s(container: dict[str, Any]) -> float:
    """Return how long a container goes on before its process gets the signal: that is part of its grace period."""
    command = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
    assert command[0] == "sleep"
    return float(command[1])
