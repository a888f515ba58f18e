"""The Python client and a server that asks: first, anew in time, and refused."""

import asyncio
import time

import pytest

from support.credential import token
from support.system import System
from support.tidings_command import run_tidings
from support.timeouts import scaled
from tidings import Client, SubmitOptions
from tidings.protocol.problems import ProblemError


async def test_the_client_presents_its_credential_and_a_fresh_one_when_it_runs_out(system: System) -> None:
    now = int(time.time())
    given = [token("carl", iat=now - 57, exp=now + 3)]

    def credential() -> str:
        return given.pop() if given else token("carl")

    async with Client(system.server.url, credential=credential) as client:
        handle = await client.submit("count", chunks=5, pause=1)
        assert await handle.result(timeout=scaled(30)) == 5
    assert time.time() > now + 3
    assert given == []


async def test_a_client_is_told_what_its_credential_lacks(system: System) -> None:
    async with Client(system.server.url, credential=token(scope="watch")) as client:
        with pytest.raises(ProblemError, match="submit"):
            await client.submit("noop")


async def test_a_key_that_may_only_submit_submits_without_watching(system: System) -> None:
    async with Client(system.server.url, credential=token("only", scope="submit")) as client:
        with pytest.raises(ProblemError, match="watch"):
            await client.submit("noop")
        options = SubmitOptions(key="once")
        first = await client.submit("noop", options=options, watch=False)
        again = await client.submit("noop", options=options, watch=False)
        assert (again.token, again.duplicate) == (first.token, True)
        assert (await client.submit("noop", watch=False)).token != first.token
    async with Client(system.server.url, credential=token("only")) as client:
        assert await (await client.watch(first.token)).result(timeout=scaled(30)) is not None


async def test_the_command_submits_with_a_key_that_may_only_submit(system: System) -> None:
    credential = token("only", scope="submit")
    found = await asyncio.to_thread(
        run_tidings, "submit", "noop", TIDINGS_CREDENTIAL=credential, TIDINGS_URL=system.server.url
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("default.")
