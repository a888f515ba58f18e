"""The handler of a group that joins during a trial."""

import json
import os
import time
from pathlib import Path

from tidings import Event, on

FOLDER = Path(os.environ["TRIAL_FOLDER"])


@on("work", events=["started", "succeeded"], group="late")
async def late(event: Event) -> None:
    with (FOLDER / f"handled-{os.getpid()}").open("a") as file:
        file.write(json.dumps([event.group, event.token, event.name, time.time()]) + "\n")
