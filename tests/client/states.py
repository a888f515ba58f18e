"""Waits for the states of a client."""

import anyio

from support.timeouts import scaled
from tidings import Client
from tidings.client import ClientState, StateChange


async def state(client: Client, wanted: ClientState) -> StateChange:
    """Return the change to a state once it has happened."""
    with anyio.fail_after(scaled(15)):
        async for change in client.states():
            if change.state is wanted:
                return change
    raise AssertionError(f"it never became {wanted}")
