"""The end of a server that was not asked for it, and what its log says of a start and of an end that was."""

import json
import os
import signal
import subprocess
import sys

import pytest
from redis.asyncio import Redis

import tidings
from support.store import StoreProcess
from support.system import ServerProcess
from support.timeouts import scaled
from tidings.process.port import free_port
from tidings.store.keys import StoreKeys

BREAK_WHEN_TOLD = """
import asyncio, sys, time
from tidings.settings.settings import from_env
from tidings_server import runtime
from tidings_server.run import run
from tidings_server.settings import ServerSettings

async def break_when_told(self):
    self._catalog.known.set()
    await self._subscription.add(self.keys.kinds_changed)
    await self._catalog._changed.wait()
    if "thread" in sys.argv:
        asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)
    raise RuntimeError("as told")

runtime.ServerRuntime._follow_kinds = break_when_told
run(from_env(ServerSettings))
"""


@pytest.mark.parametrize("what_stays", ["nothing", "thread"])
async def test_a_server_whose_gateway_breaks_ends_and_says_so(
    store: Redis, store_process: StoreProcess, what_stays: str
) -> None:
    port = free_port()
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs in this loop
        [sys.executable, "-c", BREAK_WHEN_TOLD, what_stays],
        env={**os.environ, "TIDINGS_STORE_URL": store_process.url, "TIDINGS_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            while not await store.publish(StoreKeys().kinds_changed, "x"):
                assert server.poll() is None
            said, _ = server.communicate(timeout=scaled(30))
        finally:
            server.kill()
    assert server.returncode not in (0, None)
    assert ("loop_left" in said) == (what_stays == "thread")
    assert "as told" in said


def test_the_log_says_where_a_server_listens_and_that_it_left(store_process: StoreProcess) -> None:
    server = ServerProcess(store_process.url, TIDINGS_LOG_FORMAT="json")
    try:
        server.wait_until_ready()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        lines = [json.loads(line) for line in server.text().splitlines()]
    finally:
        server.close()
    said = {line["event"]: line for line in lines}
    listening = {name: said["listening"][name] for name in ("addresses", "auth", "version")}
    assert listening == {"addresses": [f"127.0.0.1:{server.port}"], "auth": "none", "version": tidings.__version__}
    assert lines[-1]["event"] == "left"
