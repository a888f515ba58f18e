"""Handlers that note what they get in a file, one JSON object a line, and do what the job's result says."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio

from tidings import Event, Reject, Retry, lifespan, on

NOTES = Path(os.environ["TEST_NOTES"])


def note(handler: str, event: Event, **more: Any) -> None:
    line = {
        "handler": handler, "id": event.id, "token": event.token, "kind": event.kind, "name": event.name,
        "group": event.group, "attempt": event.attempt, "truncated": event.truncated, "pid": os.getpid(), **more,
    }  # fmt: skip
    with NOTES.open("a") as file:
        file.write(json.dumps(line) + "\n")


@lifespan
async def shared() -> AsyncIterator[dict[str, str]]:
    yield {"opened": "by the lifespan"}


@on("order.*", group="search")
async def index(event: Event) -> None:
    note("index", event, state=event.state["opened"], result=len(str(event.result)))


@on("order.placed", events=["queued", "started", "progress", "succeeded"], group="audit")
def audit(event: Event) -> None:
    note("audit", event, owner=event.owner, correlation_id=event.correlation_id)


@on("order.placed", group="billing", retries=2, timeout=5)
async def bill(event: Event) -> None:
    note("bill", event)
    match str(event.result).partition(":"):
        case ("retry", _, times) if event.attempt <= int(times):
            raise Retry("not yet", after=0.05)
        case ("fail", _, _):
            raise RuntimeError("the ledger is away")
        case ("reject", _, _):
            raise Reject("this is no order")
        case ("cancel", _, _):
            raise asyncio.CancelledError
        case ("wait", _, path):
            while not await anyio.Path(path).exists():
                await asyncio.sleep(0.01)
        case ("invoice", _, _):
            tokens = [await event.submit("invoice", order=event.token, amount=3) for _ in range(2)]
            other = await event.submit("invoice", order=event.token, amount=4, part="second")
            note("submitted", event, tokens=[*tokens, other])
    note("billed", event)


@on("order.refused", group="billing")
async def refund(event: Event) -> None:
    problem = event.problem
    note("refund", event, problem=problem.code if problem else "")
