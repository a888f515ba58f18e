"""Sagas whose code has changed so that they do not fit: held where the setting says so; what fits goes on with them."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import msgspec

from support import scrape
from support.peer import Peer, peer
from support.system import System, WorkerProcess, system_fixture
from support.tidings_command import run_tidings
from support.waiting import until_async

EARLIER = str(Path(__file__).with_name("earlier_sagas.py"))
CHANGED = str(Path(__file__).with_name("changed_sagas.py"))
HOLD = {"TIDINGS_SAGA_DIVERGED": "hold"}

system = system_fixture(workers=0, scope="function")


async def begun(client: Peer) -> str:
    """Submit, and return the token when the saga waits for its signal."""
    ack = await client.submit("deliver", {"item": "tea"})
    await client.until(ack["token"], "waiting")
    return str(ack["token"])


async def paid(client: Peer, token: str) -> None:
    answer = await client.ask("signal", token=token, name="paid", input=True)
    assert answer["type"] == "done", answer


async def until(system: System, token: str, done: Any) -> dict[str, Any]:
    found = await until_async(lambda: system.server.get(f"/v1/jobs/{token}")[1], done, seconds=20)
    return dict(found)


def replace(system: System, worker: WorkerProcess, *modules: str, **environment: str) -> WorkerProcess:
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.text()
    return system.add_worker(*modules, **environment)


def command(system: System, *words: str) -> str:
    return run_tidings("saga", *words, "--store-url", system.store.url).stdout


async def test_a_saga_that_does_not_fit_is_held_until_a_worker_comes_whose_code_does(system: System) -> None:
    earlier = system.add_worker(EARLIER, **HOLD)
    system.server.wait_until_ready(kinds=1)
    async with peer(system.server.socket_url) as client:
        token = await begun(client)
        changed = replace(system, earlier, CHANGED, **HOLD)
        await paid(client, token)
        event = (await client.until(token, "waiting"))[-1]
        assert event["data"]["held"]["code"] == "saga_diverged"
        found = await until(system, token, lambda one: "held" in one)
        assert found["status"] == "waiting"
        assert "step 1 is step 'reserve' in the journal" in found["held"]["detail"]
        # It tells whoever looks after the system.
        told = run_tidings("status", "--json", "--store-url", system.store.url)
        assert told.returncode == 1
        (line,) = msgspec.json.decode(told.stdout)["held_sagas"]
        assert {**line, "since": 0} == {"kind": "deliver", "version": 1, "queue": "default", "sagas": 1, "since": 0}
        said = run_tidings("status", "--store-url", system.store.url).stdout
        assert "1 sagas of deliver in version 1 are held in default" in said
        page = f"{system.server.url}/metrics"
        await asyncio.to_thread(scrape.until, page, lambda one: one.sum("tidings_held_sagas", kind="deliver") == 1)
        assert "saga_held" in changed.text()
        listed = msgspec.json.decode(command(system, "list", "--diverged", "--json"))
        assert (listed["token"], listed["held"]["code"], len(listed["tried"])) == (token, "saga_diverged", 1)
        assert "step 1 is" in command(system, "list", "--diverged")
        # New ones run meanwhile; what is released without other code is held again, and nothing is lost.
        other = await begun(client)
        assert f"{other}: nothing was to do." in command(system, "release", other)
        assert "1 sagas: release done." in command(system, "release", token)
        await until(system, token, lambda one: one["seq"] > found["seq"] and "held" in one)
        system.add_worker(EARLIER, **HOLD)
        done = await until(system, token, lambda one: one["status"] == "succeeded")
        assert (done["result"], "held" in done) == (["hold of tea", "parcel for hold of tea"], False)
        assert "No saga is held." in command(system, "list", "--diverged")


async def test_by_default_a_saga_that_does_not_fit_fails(system: System) -> None:
    earlier = system.add_worker(EARLIER)
    system.server.wait_until_ready(kinds=1)
    async with peer(system.server.socket_url) as client:
        token = await begun(client)
        replace(system, earlier, CHANGED)
        await paid(client, token)
        found = await until(system, token, lambda one: one["status"] == "failed")
        assert found["problem"]["code"] == "saga_diverged"


async def test_a_pinned_saga_stays_with_workers_of_the_version_it_began_with(system: System, tmp_path: Path) -> None:
    raised = tmp_path / "raised.py"
    text = Path(EARLIER).read_text()
    raised.write_text(text.replace("@job\n", "@job(version=2, upcast={1: dict})\n").replace("parcel for", "v2 for"))
    earlier = system.add_worker(EARLIER)
    system.server.wait_until_ready(kinds=1)
    async with peer(system.server.socket_url) as client:
        pinned, free, back = [await begun(client) for _ in range(3)]
        assert "2 sagas: pin done." in command(system, "pin", pinned, back)
        later = replace(system, earlier, str(raised))
        for token in (pinned, free, back):
            await paid(client, token)
        done = await until(system, free, lambda one: one["status"] == "succeeded")
        assert done["result"][-1] == "v2 for hold of tea", "a worker with an upcast goes on with what is not pinned"
        events = await client.until(pinned, "queued")
        while "waits_for" not in events[-1]["data"]:
            events = await client.until(pinned, "queued")
        assert events[-1]["data"]["waits_for"] == "a worker that serves deliver in version 1, to which it is pinned"
        told = msgspec.json.decode(run_tidings("status", "--json", "--store-url", system.store.url).stdout)
        (line,) = told["unserved_kinds"]
        assert (line["kind"], line["version"], line["jobs"], line["pinned"]) == ("deliver", 1, 2, True)
        assert "1 sagas: unpin done." in command(system, "unpin", back)
        done = await until(system, back, lambda one: one["status"] == "succeeded")
        assert done["result"][-1] == "v2 for hold of tea"
        system.add_worker(EARLIER)
        done = await until(system, pinned, lambda one: one["status"] == "succeeded")
        assert done["result"][-1] == "parcel for hold of tea"
        assert done["attempt"] == 1
        assert later.process.poll() is None, "it served all the time"
