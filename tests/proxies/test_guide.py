"""The guide shows the very files that the tests run."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["nginx.conf", "haproxy.cfg"])
def test_the_guide_shows_the_file(name: str) -> None:
    assert (ROOT / "deploy" / name).read_text() in (ROOT / "docs/how-to/proxy.md").read_text()
