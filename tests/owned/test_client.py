"""The clients list and follow one's own jobs."""

from pathlib import Path

import pytest

from support.credential import JWT_SERVER, token
from support.system import System, system_fixture
from support.timeouts import scaled
from tidings import Client, ProblemError, SubmitOptions, SyncClient
from tidings.client.job_pages import list_address

system = system_fixture(credential=token, server=JWT_SERVER)

RED = SubmitOptions(tags=["red"])


async def test_a_client_lists_its_jobs_over_all_pages(system: System) -> None:
    async with Client(system.server.url, credential=token("ann")) as client:
        made = [(await client.submit("noop", options=RED)).token for _ in range(103)]
        other = await client.submit("echo", text="a")
        await other.result(timeout=scaled(15))
        assert [job.token async for job in client.jobs(tag="red")] == made[::-1]
        assert [job.token async for job in client.jobs(kind="echo", state="succeeded")] == [other.token]
        assert [job.tags async for job in client.jobs(kind="echo")] == [[]]
        with pytest.raises(ProblemError) as refused:
            [job async for job in client.jobs(owner="ben")]
        assert refused.value.code == "forbidden"


async def test_a_client_follows_a_tag(system: System, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    async with Client(system.server.url, credential=token("ben")) as client:
        live = await client.submit("wait_for_file", path=str(flag), options=RED)
        async with client.follow(tag="red") as found:
            assert (await anext(found)).token == live.token
            async with Client(system.server.url, credential=token("ben")) as other:
                later = await other.submit("echo", text="b", options=RED)
            handle = await anext(found)
            assert handle.token == later.token
            assert await handle.result(timeout=scaled(15)) == "b"
            last = await client.submit("wait_for_file", path=str(flag), options=RED)
            held = await anext(found)
            assert held.token == last.token
        flag.touch()  # what it found goes on although it is closed
        await held.result(timeout=scaled(15))
        await live.result(timeout=scaled(15))
        with pytest.raises(StopAsyncIteration):
            await anext(found)


async def test_a_client_follows_on_after_a_break_and_misses_no_job(system: System, tmp_path: Path) -> None:
    server = system.add_server(token(), **JWT_SERVER)
    async with (
        Client(server.url, credential=token("cid")) as client,
        Client(system.server.url, credential=token("cid")) as other,
    ):
        async with client.follow(tag="red") as found:
            first = await other.submit("noop", options=RED)
            assert (await anext(found)).token == first.token
            port = server.port
            server.close()
            missed = await other.submit("noop", options=RED)
            await missed.result(timeout=scaled(15))
            again = system.add_server(token(), **JWT_SERVER, TIDINGS_PORT=str(port))
            handle = await anext(found)
            assert handle.token == missed.token
            await handle.result(timeout=scaled(15))
            last = await other.submit("noop", options=RED)
            assert (await anext(found)).token == last.token
        again.close()


async def test_a_follow_that_the_server_refuses_raises_why(system: System) -> None:
    async with Client(system.server.url, credential=token("dan", "submit")) as client:
        with pytest.raises(ProblemError) as refused:
            await anext(client.follow(tag="red"))
        assert refused.value.code == "forbidden"
        with pytest.raises(ProblemError) as refused:
            await anext(client.follow(tag="two words"))
        assert refused.value.problem.field == "/tag"


def test_a_client_without_await_lists_and_follows(system: System) -> None:
    with SyncClient(system.server.url, credential=token("eve")) as client:
        with client.follow(tag="red", timeout=scaled(15)) as found:
            made = client.submit("echo", text="a", options=RED)
            handle = next(found)
            assert handle.token == made.token
            assert handle.result(timeout=scaled(15)) == "a"
        assert [job.token for job in client.jobs(tag="red")] == [made.token]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://a", "http://a/v1/jobs?tag=x"),
        ("wss://a/b/v1/socket", "https://a/b/v1/jobs?tag=x"),
        ("https://a/b/", "https://a/b/v1/jobs?tag=x"),
    ],
)
def test_the_list_has_its_address_beside_the_socket_s(url: str, address: str) -> None:
    assert list_address(url, {"tag": "x"}) == address
