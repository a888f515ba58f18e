"""One run of one program: submitted, worked on by workers that are cut off, and read when all is quiet."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, NamedTuple
from unittest import mock

import anyio
import msgspec

from saga.programs.crew import BOUND_S, Crew, Cut
from saga.programs.handler import KINDS, PARTS, SAGAS, SIGNAL, ledger
from saga.programs.ledger import Ledger
from saga.programs.program import Body
from support.timeouts import scaled
from tidings.protocol.frames.envelope import Envelope, encode_envelope
from tidings.protocol.states import TERMINAL
from tidings.protocol.tokens import Token, new_token, split_token
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import Store, command, open_store
from tidings_worker.saga import waits
from tidings_worker.saga.journal import Journal, JournalRow
from tidings_worker.saga.steps import environment

LOOK_S = 0.1
"""The store is looked at so often at least: not everything that a worker does is one of the calls that are counted."""

LEASE_S = 0.3
"""Where a worker is killed; where none is, none shall be taken for dead."""


class Trial(NamedTuple):
    """What is to happen."""

    body: Body
    cuts: tuple[Cut, ...] = ()
    cancel_at: int = 0
    """At which call of the workers somebody wishes that it stop; 0: never."""
    late: int = 0
    """So many calls after that the worker hears of it once more: an order that was long under way."""
    deadline_ms: int = 0
    """0: none."""
    signal_ms: int = 0
    """So long after a program has begun it is given its signals."""
    mates: int = 1
    parks: bool = False
    """Whether the saga leaves its worker for short waits, too."""

    @property
    def is_calm(self) -> bool:
        """Whether no worker is killed, and no call fails."""
        return not self.cuts

    @property
    def is_wished(self) -> bool:
        """Whether somebody may stop it."""
        return self.is_cancelled or self.deadline_ms > 0

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody wishes that it stop."""
        return self.cancel_at > 0


@dataclass(frozen=True)
class JobEnd:
    """A job of the run, when all is quiet."""

    token: str
    fields: Mapping[str, str]
    """Its record."""
    rows: Mapping[str, JournalRow]
    """Its steps."""

    @property
    def state(self) -> str:
        return self.fields["state"]

    @property
    def problem(self) -> dict[str, Any]:
        """Why it failed; empty if it did not, or was cancelled or expired as any job is."""
        found: dict[str, Any] = json.loads(self.fields.get("problem", "{}"))
        return found if self.state == "failed" else {}

    @property
    def compensation(self) -> str:
        """`complete`, `incomplete` or empty."""
        return self.problem.get("compensation") or ""


class Played(NamedTuple):
    """What came of it."""

    trial: Trial
    root: str
    jobs: Mapping[str, JobEnd]
    """By their tokens."""
    ledger: Ledger
    happened: list[str]


async def play(url: str, trial: Trial) -> Played:
    """Run a program, and return what came of it when nothing is left to be done."""
    token = new_token(SAGAS)
    crew = Crew(url, KINDS, trial.cuts, LEASE_S if trial.cuts else 30.0)
    store = crew.store = open_store(url)
    try:
        await command(store, "FLUSHALL")
        async with JobStore(store, StoreKeys(), "outside") as gateway, asyncio.TaskGroup() as outside:
            no_workers, late = copy_context(), list[asyncio.Task[None]]()

            def from_outside(what: Coroutine[Any, Any, None]) -> None:
                late.append(outside.create_task(what, context=no_workers))

            ledger.begin_anew(lambda token, count: from_outside(_signal(gateway, token, count, trial.signal_ms)))
            if trial.is_cancelled:
                crew.at(trial.cancel_at, lambda: from_outside(_cancel(gateway, token)))
                crew.at(trial.cancel_at + trial.late + 1, lambda: crew.obey(token.id))
            await gateway.submit(SAGAS, _job(token, trial))
            async with _parking(trial.parks), crew.working(trial.mates):
                jobs = await _quiet(store, crew)
            for task in late:
                task.cancel()
        return Played(trial, str(token), jobs, ledger, crew.happened)
    finally:
        await store.aclose()


@asynccontextmanager
async def _parking(parks: bool) -> AsyncIterator[None]:
    if not parks:
        yield
        return
    with mock.patch.object(waits, "IN_PLACE_S", 0.0), mock.patch.object(environment, "PAUSE_IN_PLACE_S", 0.0):
        yield


def _job(token: Token, trial: Trial) -> NewJob:
    value = msgspec.json.encode({"body": trial.body, "above": []})
    envelope = Envelope(kind="program", input=msgspec.Raw(value), version=1)
    return NewJob(
        token.id, "program", "standard", encode_envelope(envelope).decode(), deadline_ms=trial.deadline_ms, watch=0
    )


async def _cancel(gateway: JobStore, token: Token) -> None:
    await gateway.cancel(token)


async def _signal(gateway: JobStore, token: str, count: int, delay_ms: int) -> None:
    await asyncio.sleep(delay_ms / 1000)
    for number in range(count):
        await gateway.signal(split_token(token), "", SIGNAL, str(number), str(number))


async def _quiet(store: Store, crew: Crew) -> dict[str, JobEnd]:
    """Return the jobs when all have ended, and everybody has been told; or as they are when that takes too long."""
    jobs: dict[str, JobEnd] = {}
    with anyio.move_on_after(scaled(BOUND_S)):
        while (
            not jobs or not all(job.state in TERMINAL for job in jobs.values()) or await _untold(store) or crew.flush()
        ):
            crew.moved.clear()
            with anyio.move_on_after(LOOK_S) as looking:
                await crew.moved.wait()
            if looking.cancelled_caught:
                crew.rest()
            jobs = await _jobs(store)
    return jobs


def _live(jobs: Mapping[str, JobEnd]) -> bool:
    return any(job.state not in TERMINAL for job in jobs.values())


async def _untold(store: Store) -> int:
    return sum([await command(store, "XLEN", StoreKeys().outbox(queue)) for queue in (SAGAS, PARTS)])


async def _jobs(store: Store) -> dict[str, JobEnd]:
    found = {}
    for queue in (SAGAS, PARTS):
        root = StoreKeys().job(queue, "")
        for key in await command(store, "KEYS", root.replace("{", "\\{") + "*"):
            job = key.decode().removeprefix(root)
            fields = await _hash(store, StoreKeys().job(queue, job))
            steps = await _hash(store, StoreKeys().steps(queue, job))
            token = f"{queue}.{job}"
            found[token] = JobEnd(token, fields, Journal(part for pair in steps.items() for part in pair).rows)
    return found


async def _hash(store: Store, key: str) -> dict[str, str]:
    found: dict[bytes, bytes] = await command(store, "HGETALL", key)
    return {name.decode(): value.decode() for name, value in found.items()}


def told(played: Played) -> str:
    """Return all there is to know of a run that went wrong."""
    lines = [str(played.trial), *played.happened, ""]
    for job in played.jobs.values():
        told = {name: job.fields.get(name) for name in ("kind", "state", "problem", "result", "parent", "owed")}
        lines.append(f"{job.token}{' (the root)' * (job.token == played.root)} {told}")
        lines += [f"    {row}" for row in job.rows.values()]
    return "\n".join([*lines, str(played.ledger)])
