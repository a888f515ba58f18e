"""What a job has to tell, and the channel it tells it on."""

import asyncio
import json
from collections.abc import Awaitable, Iterator
from typing import Final, NamedTuple, Protocol


class Kind(NamedTuple):
    """What a job of a kind does, as in `bench/jobs.py`."""

    steps: int
    """How often it reports progress."""
    pause_s: float = 0.0
    """How long it waits before each step, s."""


KINDS: Final = {
    "noop": Kind(0),
    "three_steps": Kind(3),
    "three_waiting_steps": Kind(3, 0.001),
    "flood": Kind(500, 0.001),
}

SHARED: Final = "jobs"
"""The channel of all jobs, where they share one."""

_LAST = '"event":"succeeded"'


class Publisher(Protocol):
    """A client of the store, of whichever library."""

    def publish(self, channel: str, message: str, /) -> Awaitable[object]:
        """Publish."""


class Post(NamedTuple):
    """One thing to publish."""

    pause_s: float
    """How long the job works before, s."""
    channel: str
    message: str


def posts(kind: str, token: str, *, shared: bool) -> Iterator[Post]:
    """Yield what a job publishes; on a shared channel the token goes before each frame.

    Raises:
        KeyError: there is no such kind.

    """
    for pause_s, frame in _frames(KINDS[kind], token):
        yield Post(pause_s, SHARED, f"{token} {frame}") if shared else Post(pause_s, own_channel(token), frame)


def is_last(frame: str) -> bool:
    """Return whether nothing follows a frame."""
    return _LAST in frame


async def tell(store: Publisher, kind: str, token: str, *, shared: bool) -> None:
    """Do a job that tells."""
    for post in posts(kind, token, shared=shared):
        if post.pause_s:
            await asyncio.sleep(post.pause_s)
        await store.publish(post.channel, post.message)


def own_channel(token: str) -> str:
    """Return the channel of one job."""
    return f"job:{token}"


def _frames(kind: Kind, token: str) -> Iterator[tuple[float, str]]:
    """Yield a pause and a frame of our contract for each event, numbered from the ack's 1 on."""
    yield 0.0, _frame(token, 2, "started", {})
    for done in range(1, kind.steps + 1):
        yield kind.pause_s, _frame(token, 2 + done, "progress", {"fraction": round(done / kind.steps, 4)})
    yield 0.0, _frame(token, 3 + kind.steps, "succeeded", {"result": {"steps": kind.steps}})


def _frame(token: str, seq: int, event: str, data: dict[str, object]) -> str:
    frame = {"type": "event", "token": token, "seq": seq, "event": event, "data": data}
    return json.dumps(frame, separators=(",", ":"))
