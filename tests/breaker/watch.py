"""Waiting for a breaker to come into a state, as operators see it."""

from typing import Any

import anyio
import httpx

from support.timeouts import scaled
from tidings.circuit.breaker_record import BreakerState
from tidings.protocol.states import TERMINAL, State
from tidings.store.availability.store_errors import StoreError
from tidings.store.breaker_store import BreakerStore, ShownBreaker


async def until(operator: BreakerStore, name: str, *states: str, seconds: float = 30) -> ShownBreaker:
    """Return a breaker when it is in one of some states."""
    wanted = {BreakerState(state) for state in states}
    with anyio.fail_after(scaled(seconds)):
        while True:
            try:
                found = {one.name: one for one in await operator.shown()}
            except StoreError:
                found = {}
            if name in found and found[name].machine.state in wanted:
                return found[name]
            await anyio.sleep(0.01)


async def outcomes(url: str, tokens: list[str], seconds: float = 60) -> list[dict[str, Any]]:
    """Return the snapshots of some jobs once they have ended, whoever was told meanwhile."""
    with anyio.fail_after(scaled(seconds)):
        async with httpx.AsyncClient(base_url=url, timeout=scaled(30)) as http:
            return [await snapshot(http, token, *TERMINAL) for token in tokens]


async def snapshot(http: httpx.AsyncClient, token: str, *states: State) -> dict[str, Any]:
    """Return a job's snapshot once it is in one of some states."""
    etag = '"0"'
    while True:
        answer = await http.get(f"/v1/jobs/{token}", headers={"prefer": "wait=10", "if-none-match": etag})
        if answer.status_code == 200:
            found: dict[str, Any] = answer.json()
            if found["status"] in states:
                return found
            etag = answer.headers["etag"]
