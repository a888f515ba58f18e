"""What an installation may consist of: no release with a known hole, and known files alone."""

import re
from pathlib import Path

import pytest
from packaging.version import Version

from support.floors import floor_of, requirements

ROOT = Path(__file__).parents[2]

FIRST_SOUND = {
    "cryptography": "50.0.0",  # CVE-2026-26007, 34073, 39892, 69247, 69248, 69249
    "h11": "0.16.0",  # CVE-2025-43859
    "idna": "3.15",  # CVE-2024-3651, CVE-2026-45409
    "pillow": "12.1.1",  # CVE-2025-48379, CVE-2026-25990
    "protobuf": "6.33.5",  # CVE-2026-0994
    "pygments": "2.20.0",  # CVE-2026-4539
    "pyjwt": "2.13.0",  # CVE-2024-53861, CVE-2026-32597, 48522 to 48526
    "pytest": "9.0.3",  # CVE-2025-71176
    "redis": "5.0.0",  # CVE-2023-28858, 28859
    "requests": "2.33.0",  # CVE-2024-47081, CVE-2026-25645
    "starlette": "1.3.1",  # CVE-2024-47874, CVE-2025-54121, 62727, CVE-2026-48710, 48817, 48818, 54282, 54283
    "urllib3": "2.7.0",  # CVE-2025-50181, 66418, 66471, CVE-2026-21441, 44431, 44432
    "websockets": "10.0",  # CVE-2021-33880
}
"""Package → the first release without the holes that are named."""


def pinned() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text().split()
    return {
        re.sub(r"[-_.]+", "-", name).lower(): Version(version) for name, version in (line.split("==") for line in lines)
    }


@pytest.mark.parametrize("name", FIRST_SOUND)
def test_no_release_with_a_known_hole_is_admitted(name: str) -> None:
    floors = [floor_of(one) for one in requirements() if one.name == name]
    assert floors, f"{name} comes along with another and has no floor of its own"
    assert min(floors) >= Version(FIRST_SOUND[name])
    assert pinned()[name] >= Version(FIRST_SOUND[name])


def test_every_requirement_has_a_floor_that_the_constraints_keep() -> None:
    releases = pinned()
    for requirement in requirements():
        assert floor_of(requirement) <= releases[requirement.name.lower()], requirement


def test_the_hashes_are_of_the_releases_of_the_constraints_and_name_no_place() -> None:
    lines = (ROOT / "constraints-hashed.txt").read_text().splitlines()
    found: dict[str, Version] = {}
    hashes: dict[str, int] = {}
    name = ""
    for line in lines:
        release = re.fullmatch(r"([a-z0-9.-]+)==([^ ;]+)( ; [^/]*)? \\", line)
        if release:
            name = release[1]
            found[name], hashes[name] = Version(release[2]), 0
        else:  # nothing else may stand there: no index, no address, no path
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line
            hashes[name] += 1
    assert found.items() >= pinned().items()
    assert min(hashes.values()) >= 1
