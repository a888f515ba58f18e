"""A handler that notes how late each event came: 8 bytes in a file for each, so that its size says how many."""

import os
import struct
import time
from datetime import datetime
from pathlib import Path

from tidings import Event, on

FILE = Path(os.environ["BENCH_NOTES"]) / f"{os.environ['BENCH_GROUP']}-{os.getpid()}"
NOTES = os.open(FILE, os.O_CREAT | os.O_APPEND | os.O_WRONLY)


@on("*", group=os.environ["BENCH_GROUP"])
async def handle(event: Event) -> None:
    """Note it."""
    os.write(NOTES, struct.pack("d", time.time() - datetime.fromisoformat(event.at).timestamp()))
