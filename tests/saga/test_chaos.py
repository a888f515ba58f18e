"""Workers killed again and again, at moments nobody chose: every saga ends, undone if it did not succeed."""

import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from saga.conftest import CHILDREN, QUICK, SAGAS, running_sagas
from saga.desk import desk_of
from support.peer import peer
from tidings.protocol.states import TERMINAL

SAGAS_EACH = 60
KILLS = 8


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_saga_ends_and_what_failed_is_undone(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    with running_sagas() as system:
        modules = [SAGAS, CHILDREN]
        system.add_worker(SAGAS, **QUICK)
        system.add_worker(CHILDREN, **QUICK)
        workers = dict(enumerate(system.workers))
        async with peer(system.server.socket_url) as client, desk_of(system.store.url) as desk:
            paths, ends = dict[str, tuple[Path, bool]](), dict[str, dict[str, Any]]()
            refs = {}
            for number in range(SAGAS_EACH):
                path, fails = tmp_path / str(number), number % 2 == 1
                refs[await client.send("submit", kind="order", input={"path": str(path), "fail": fails})] = path, fails
            frames, kills = 0, 0
            while len(ends) < SAGAS_EACH:
                frame = await client.receive()
                if frame["type"] == "ack":
                    paths[frame["token"]] = refs[frame["ref"]]
                if frame.get("event") in TERMINAL:
                    ends[frame["token"]] = frame
                frames += 1
                if kills < KILLS and frames % draw.randint(20, 60) == 0:
                    kills += 1
                    place = draw.choice(list(workers))
                    workers[place].signal(signal.SIGKILL)
                    workers[place] = system.add_worker(modules[place % 2], **QUICK)
            assert kills > 2
            for token, (path, fails) in paths.items():
                done = Counter(path.read_text().splitlines())
                assert ends[token]["event"] == ("failed" if fails else "succeeded"), ends[token]
                assert done["reserve book"] >= 1
                assert done["charge 5"] >= 1
                assert (done["refund 5 known"] >= 1) == fails
                assert (done["release book known"] >= 1) == fails
                if fails:
                    assert ends[token]["data"]["problem"]["compensation"] == "complete"
                    assert {status for *_, status in await desk.statuses(token)} == {"compensated"}
            assert await desk.store.xlen("t:{accounts}:outbox") == 0
