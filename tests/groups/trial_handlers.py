"""The handlers of a trial: each writes what it handles before that counts."""

import json
import os
import time
from pathlib import Path

from tidings import Event, on

FOLDER = Path(os.environ["TRIAL_FOLDER"])


def write(event: Event) -> None:
    """Write an event into the file of this process, and have it on the disk's side of this process."""
    with (FOLDER / f"handled-{os.getpid()}").open("a") as file:
        file.write(json.dumps([event.group, event.token, event.name, time.time()]) + "\n")


@on("work", events=["started", "succeeded"], group="steady")
async def steady(event: Event) -> None:
    write(event)


@on("work", events=["started", "succeeded"], group="down")
async def down(event: Event) -> None:
    write(event)


@on("work", events=["started", "succeeded"], group="skips")
async def skips(event: Event) -> None:
    write(event)
