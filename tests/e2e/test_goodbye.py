"""A server that leaves: its clients are asked away one by one, each at a time of its own."""

import signal
from contextlib import AsyncExitStack

from support.peer import peer
from support.system import running_system

CLIENTS = 40
DRAIN_S = 20


async def test_the_times_to_come_back_are_spread_over_the_drain() -> None:
    with running_system(TIDINGS_DRAIN_S=str(DRAIN_S)) as system:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(peer(system.server.socket_url)) for _ in range(CLIENTS)]
            system.server.signal(signal.SIGTERM)
            told = [(await client.receive())["reconnect_after"] for client in clients]
        assert system.server.wait() == 0  # nobody is left to wait for
    assert len(set(told)) == CLIENTS
    assert all(0 <= after <= DRAIN_S for after in told)
    # Of 40 drawn evenly, that none falls into a given quarter has a chance of one in a hundred thousand.
    quarters = {int(4 * after / DRAIN_S) for after in told}
    assert quarters >= {0, 1, 2, 3}
