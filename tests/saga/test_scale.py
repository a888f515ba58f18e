"""Many sagas that wait take no slots: ten do for five hundred."""

from typing import Any

from saga.conftest import QUICK, SAGAS
from saga.desk import desk_of
from support.peer import peer
from support.store import running_store
from support.system import System

COUNT = 500


async def test_five_hundred_sagas_wait_with_ten_slots_and_all_go_on() -> None:
    with running_store() as store:
        system = System(store)
        try:
            system.add_worker(SAGAS, **QUICK, TIDINGS_SLOTS="10")
            system.add_server().wait_until_ready(kinds=25)
            async with peer(system.server.socket_url) as client, desk_of(store.url) as desk:
                refs = [await client.send("submit", kind="approve", input={}) for _ in range(COUNT)]
                frames: list[dict[str, Any]] = []
                while sum(frame.get("event") == "waiting" for frame in frames) < COUNT:
                    frames.append(await client.receive())
                tokens = [frame["token"] for frame in frames if frame["type"] == "ack"]
                assert len(tokens) == len(refs)
                # The slots are free: another job runs at once.
                ack = await client.submit("five_steps")
                assert (await client.until(ack["token"]))[-1]["data"]["result"] == 5
                async with desk.gateway() as gateway:
                    for number, token in enumerate(tokens):
                        assert await desk.signal(token, "approved", number, gateway=gateway) == "ok"
                results: dict[str, int] = {}
                while len(results) < COUNT:
                    frame = await client.receive()
                    if frame.get("event") == "succeeded":
                        results[frame["token"]] = frame["data"]["result"]
                assert results == {token: number for number, token in enumerate(tokens)}
        finally:
            system.close()
