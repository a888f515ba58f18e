"""Record what tests compare with: `PYTHONPATH=tests python -m compatibility [wire] [released] [--breaking]`.

`wire` writes what this checkout says and stores (golden/next); it refuses to lose anything without `--breaking`.
`released` writes the store that the release before leaves (stored/), and what it says (golden/ and its version): once,
when released.toml names another release.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from compatibility.release import build_release
from compatibility.stored_jobs import write_store
from compatibility.wire.comparison import differences
from compatibility.wire.golden_files import NEXT, read, write
from compatibility.wire.recorder import Recording
from compatibility.wire.traffic import record


def record_wire(*, breaking: bool) -> int:
    """Record this checkout; return the exit code."""
    said = asyncio.run(record()).said
    found = differences(read(NEXT), said)
    for line in [*found.added, *(f"BREAKING {one}" for one in found.broken)]:
        sys.stdout.write(f"{line}\n")
    if found.broken and not breaking:
        sys.stderr.write("nothing is written: clients rely on what is gone (docs/reference/compatibility.md)\n")
        return 1
    write(NEXT, said)
    return 0


def record_released() -> int:
    """Record the release before."""
    with tempfile.TemporaryDirectory() as folder:
        release = build_release(Path(folder))
        write_store(release.version, release.python, Path(folder) / "notes")
        write(release.version, _promised(asyncio.run(record(release.python)).said))
    return 0


def _promised(said: Recording) -> Recording:
    """Leave out the paths that the release did not have."""
    lacking = {name for name, of in said["http"].items() if of["status"] == 404 and of["body"]["type"] == "about:blank"}
    return {**said, "http": {name: of for name, of in said["http"].items() if name not in lacking - {"unknown path"}}}


if __name__ == "__main__":
    wanted = [argument for argument in sys.argv[1:] if not argument.startswith("--")] or ["wire"]
    codes = [record_wire(breaking="--breaking" in sys.argv) if one == "wire" else record_released() for one in wanted]
    raise SystemExit(max(codes))
