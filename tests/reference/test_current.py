"""What the reference pages are made of has not changed since they were made."""

import subprocess
import sys
from pathlib import Path

from support.timeouts import scaled

ROOT = Path(__file__).parents[2]


def test_the_reference_pages_that_are_made_are_current() -> None:
    checked = subprocess.run(
        [sys.executable, str(ROOT / "docs/generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=scaled(60),
    )
    assert checked.returncode == 0, checked.stderr
