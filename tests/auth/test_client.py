"""The Python client and a server that asks: first, anew in time, and refused."""

import time

import pytest

from support.credential import token
from support.system import System
from support.timeouts import scaled
from tidings import Client
from tidings.contract.problem import ProblemError


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
