"""Record what this checkout's tests compare with: `PYTHONPATH=tests python -m compatibility`.

`stored` writes a store by the release before (released.toml) under its version.
"""

import sys
import tempfile
from pathlib import Path

from compatibility.release import build_release
from compatibility.stored_jobs import write_store


def record_stored() -> None:
    with tempfile.TemporaryDirectory() as folder:
        release = build_release(Path(folder))
        write_store(release.version, release.python, Path(folder) / "notes")


RECORDERS = {"stored": record_stored}


if __name__ == "__main__":
    for name in sys.argv[1:] or RECORDERS:
        RECORDERS[name]()
