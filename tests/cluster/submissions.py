"""A load of submissions to a cluster, and what clients have been promised."""

import anyio

from support.peer import Peer
from support.waiting import until_async


class Submissions:
    """Jobs that were acknowledged, in their order."""

    def __init__(self, note: str = "") -> None:
        self.acked: list[str] = []
        self.over = False
        self.longest_s = 0.0
        """The longest time between two acknowledgements of one client."""
        self._note = note

    async def submit(self, client: Peer, kind: str) -> None:
        """Submit jobs one after the other; each is tried under its key until it is acknowledged."""
        mine, before = 0, anyio.current_time()
        while not self.over:
            mine += 1
            given = {"n": mine, "note": self._note}
            while (answer := await client.submit(kind, given, key=f"{kind}-{id(client)}-{mine}"))["type"] != "ack":
                assert answer["problem"]["code"] == "store_unavailable", answer
                await anyio.sleep(0.05)
            self.longest_s = max(self.longest_s, anyio.current_time() - before)
            before = anyio.current_time()
            self.acked.append(answer["token"])
            await anyio.sleep(0.005)

    async def until(self, more: int) -> None:
        """Return when so many more jobs are acknowledged."""
        wanted = len(self.acked) + more
        await until_async(lambda: len(self.acked) >= wanted, seconds=60)
