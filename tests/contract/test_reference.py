import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_reference_page_of_the_protocol_is_current() -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "docs/generate.py"), "--print", "protocol"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (ROOT / "docs/reference/protocol.md").read_text() == made
