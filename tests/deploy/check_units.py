"""Check the systemd units by systemd itself: `python tests/deploy/check_units.py`, as a part of `make deploy-check`.

The program that a unit starts lies nowhere here, and systemd would say so: a copy starts `true`.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

UNITS = Path(__file__).parents[2] / "deploy/systemd"
INSTANCES = {"tidings-server@.service": "8700", "tidings-worker@.service": "1"}


def main() -> int:
    """Check; return the exit code."""
    program = shutil.which("systemd-analyze")
    if program is None:
        print("systemd is missing: the units are not checked")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        copies = []
        for name, instance in INSTANCES.items():
            copies.append(Path(folder, name.replace("@", f"@{instance}")))
            copies[-1].write_text((UNITS / name).read_text().replace("/opt/tidings/bin/tidings", "/bin/true"))
        done = subprocess.run([program, "verify", *copies], check=False, capture_output=True, text=True)
    print(done.stderr, end="")
    return 1 if done.returncode or done.stderr else 0


if __name__ == "__main__":
    sys.exit(main())
