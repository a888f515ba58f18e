"""The golden files: a folder for each release, in it a file for each way on which things are said, a line for each.

`next` is the checkout: a test wants it as it is. A release's own folder says what was promised: a test wants nothing of
it gone.
"""

import json
from pathlib import Path

from compatibility.wire.recorder import Recording

GOLDEN = Path(__file__).parents[1] / "golden"
NEXT = "next"


def read(release: str) -> Recording:
    """Return what was recorded of a release."""
    found: Recording = {}
    for path in sorted((GOLDEN / release).glob("*.ndjson")):
        lines = map(json.loads, path.read_text().splitlines())
        found[path.stem] = {line["name"]: line["said"] for line in lines}
    return found


def write(release: str, recording: Recording) -> None:
    """Put a recording in the place of what there is."""
    (GOLDEN / release).mkdir(parents=True, exist_ok=True)
    for file, said in recording.items():
        found = ({"name": name, "said": said[name]} for name in sorted(said))
        lines = (json.dumps(one, ensure_ascii=False, sort_keys=True) + "\n" for one in found)
        (GOLDEN / release / f"{file}.ndjson").write_text("".join(lines))


def releases() -> list[str]:
    """Return the releases that were recorded."""
    return sorted(path.name for path in GOLDEN.iterdir() if path.name != NEXT)
