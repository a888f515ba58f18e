import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["protocol", "schema-rules"])
def test_the_reference_pages_that_are_made_are_current(page: str) -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "docs/generate.py"), "--print", page],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (ROOT / f"docs/reference/{page}.md").read_text() == made
