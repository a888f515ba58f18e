"""What a job has to tell, and the channel it tells it on."""

import json
from collections.abc import Iterator
from typing import Final, Protocol

STEPS: Final = {"noop": 0, "three_steps": 3}
"""How many progress events each kind has."""

SHARED: Final = "jobs"
"""The channel of all jobs, where they share one."""

_LAST = '"event":"succeeded"'


class Publisher(Protocol):
    """A client of the store, of whichever library."""

    async def publish(self, channel: str, message: str, /) -> object:
        """Publish."""


def frames(kind: str, token: str) -> Iterator[str]:
    """Yield the events of a job as frames of our contract, numbered from the ack's 1 on.

    Raises:
        KeyError: there is no such kind.

    """
    steps = STEPS[kind]
    yield _frame(token, 2, "started", {})
    for done in range(1, steps + 1):
        yield _frame(token, 2 + done, "progress", {"fraction": round(done / steps, 4)})
    yield _frame(token, 3 + steps, "succeeded", {"result": {"steps": steps}})


def is_last(frame: str) -> bool:
    """Return whether nothing follows a frame."""
    return _LAST in frame


def post(kind: str, token: str, *, shared: bool) -> Iterator[tuple[str, str]]:
    """Yield what a worker publishes, as channel and message; on a shared channel the token goes before each frame."""
    for frame in frames(kind, token):
        yield (SHARED, f"{token} {frame}") if shared else (own_channel(token), frame)


async def tell(store: Publisher, kind: str, token: str, *, shared: bool) -> None:
    """Tell everything: this is all the work there is."""
    for channel, message in post(kind, token, shared=shared):
        await store.publish(channel, message)


def own_channel(token: str) -> str:
    """Return the channel of one job."""
    return f"job:{token}"


def _frame(token: str, seq: int, event: str, data: dict[str, object]) -> str:
    frame = {"type": "event", "token": token, "seq": seq, "event": event, "data": data}
    return json.dumps(frame, separators=(",", ":"))
