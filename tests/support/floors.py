"""What pyproject.toml asks for, and the oldest releases that it admits."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]


def requirements(*extras: str) -> list[Requirement]:
    """Return what the library and some of its extras ask for; without extras named, all extras and groups."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = document["project"]
    optional = project["optional-dependencies"]
    groups = [project["dependencies"], *(optional[extra] for extra in extras or optional)]
    if not extras:
        groups += document["dependency-groups"].values()
    return [one for group in groups for one in map(Requirement, group) if one.name != "tidings"]


def floor_of(requirement: Requirement) -> Version:
    """Return the oldest release that is admitted."""
    (specifier,) = requirement.specifier
    assert specifier.operator == ">=", requirement
    return Version(specifier.version)
