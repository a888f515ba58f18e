"""A job as operators look at it: its record, its place in the store, its dead letter."""

import msgspec
from redis.asyncio import Redis

from tidings.protocol.frames.envelope import Envelope, decode_envelope
from tidings.protocol.tokens import Token
from tidings.store.jobs.record_fields import read_record_fields
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command

from .dead_letter import DeadLetter, UnsuccessfulAttempt, read_history
from .dead_letters import DeadLetters

_FIELDS = (
    "tier",
    "worker",
    "caller",
    "deadline",
    "cancel",
    "entry",
    "envelope",
    "history",
    "letter",
    "parent",
)


class JobInternals(msgspec.Struct, frozen=True, kw_only=True):
    """What the store knows of a job beside what its owner is shown. What is missing is an empty text, or None."""

    tier: str
    worker: str
    caller: str
    deadline: str
    """ms since the epoch."""
    cancel_asked: bool
    entry: str
    due: int | None
    """When it leaves the schedule, ms since the epoch."""
    envelope: Envelope | None
    """None: the store does not keep it any more, or what it keeps cannot be read."""
    history: list[UnsuccessfulAttempt]
    letter: DeadLetter | None
    parent: str


async def read_job_internals(store: Redis, keys: StoreKeys, token: Token) -> JobInternals:
    """Return what the store knows of a job; of one that is not there, nothing.

    Several commands, so what changes meanwhile may be told in part. O(1), but for the journal of its failed attempts.

    Raises:
        StoreError: the store is unavailable.

    """
    partition, job = token
    found = dict(zip(_FIELDS, await read_record_fields(store, keys, token, _FIELDS), strict=True))
    due = await command(store, "ZSCORE", keys.scheduled(partition), job)
    letters = await DeadLetters(store, keys, partition).find(job) if found["letter"] else {}
    return JobInternals(
        tier=found["tier"],
        worker=found["worker"],
        caller=found["caller"],
        deadline=found["deadline"],
        cancel_asked=bool(found["cancel"]),
        entry=found["entry"],
        due=None if due is None else int(float(due)),
        envelope=_decoded(found["envelope"] or await _queued(store, keys, partition, found["tier"], found["entry"])),
        history=read_history(found["history"].encode()),
        letter=letters.get(job),
        parent=found["parent"].partition(" ")[0],
    )


async def _queued(store: Redis, keys: StoreKeys, partition: str, tier: str, entry: str) -> str:
    """Return the envelope that lies in a ready stream; empty: there is none."""
    if not entry:
        return ""
    place, _, lane = entry.partition("/")
    found = await command(store, "XRANGE", keys.ready(partition, tier, lane or None), place, place)
    return found[0][1].get(b"env", b"").decode() if found else ""


def _decoded(text: str) -> Envelope | None:
    try:
        return decode_envelope(text) if text else None
    except msgspec.MsgspecError:  # an operator must be able to look at a job whose envelope no program can read
        return None
