"""The credential that a client presents to a server which the test plays, and renews."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.states import state
from support.wire.played import PlayedServer
from tidings import Client
from tidings.client import ClientState, ConnectionFailed, ConnectionLost

TOKEN = "default." + "a" * 22
SECRET = "the-secret-nobody-may-see"  # noqa: S105 - it opens nothing


async def test_a_credential_is_presented_first_on_each_socket(server: PlayedServer) -> None:
    server.accepts = lambda credential: credential == SECRET
    async with Client(server.url, credential=SECRET) as client, asyncio.TaskGroup() as tasks:
        submit = tasks.create_task(client.submit("k"))
        stage = await server.stage()
        await stage.hear("submit")
        stage.cut()
        stage = await server.stage()  # which saw that nothing came before its `done`
        await stage.ack(await stage.hear("submit"), TOKEN)
        await submit
    assert server.presented == [SECRET, SECRET]


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_a_callable_is_asked_for_a_fresh_one_for_each_socket(server: PlayedServer, kind: str) -> None:
    numbers = itertools.count(1)

    async def fetch() -> str:
        return f"credential {next(numbers)}"

    server.accepts = lambda credential: credential != "credential 2"
    source = fetch if kind == "async" else lambda: f"credential {next(numbers)}"
    async with Client(server.url, credential=source) as client:
        await (await server.stage()).close(4401)
        stage = await server.stage()  # the second was refused, and led to a third
        await state(client, ClientState.OPEN)
        await stage.hears_nothing()
    assert server.presented == ["credential 1", "credential 2", "credential 3"]


async def test_a_fixed_credential_that_is_accepted_no_longer_ends_the_client(server: PlayedServer) -> None:
    server.accepts = lambda _: not server.presented[1:]
    async with Client(server.url, credential=SECRET) as client:
        await (await server.stage()).close(4401)
        change = await state(client, ClientState.CLOSED)
        assert change.code == 4401
        with pytest.raises(ConnectionLost, match="authenticated") as lost:
            await client.submit("k")
        assert SECRET not in str(lost.value)


async def test_a_credential_that_cannot_be_checked_for_now_is_presented_again(server: PlayedServer) -> None:
    server.accepts = lambda _: True
    async with Client(server.url, credential=SECRET):
        stage = await server.stage()
        server.unavailable = 1
        stage.cut()
        await server.stage()
    assert server.presented == [SECRET, SECRET, SECRET]


async def test_a_credential_that_is_refused_is_a_clear_error_that_does_not_show_it(
    server: PlayedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.accepts = lambda _: False
    caplog.set_level(logging.DEBUG)
    client = Client(server.url, credential=SECRET)
    with pytest.raises(ConnectionFailed, match="did not accept the credential: it has run out") as failed:
        await client.__aenter__()
    assert server.presented == [SECRET]
    server_side = [record for record in caplog.records if record.name.startswith("websockets.server")]
    assert all(SECRET not in record.getMessage() for record in caplog.records if record not in server_side)
    assert SECRET not in str(failed.value) + repr(failed.value) + repr(client) + repr(vars(client._connection))


async def test_a_server_that_wants_a_credential_says_so_to_who_has_none(
    server: PlayedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.accepts = lambda credential: credential == SECRET
    with pytest.raises(ConnectionFailed, match="TIDINGS_CREDENTIAL"):
        await Client(server.url).__aenter__()
    monkeypatch.setenv("TIDINGS_CREDENTIAL", SECRET)
    async with Client(server.url):
        assert server.presented == [SECRET]


async def test_the_variable_may_name_a_file_as_it_does_for_the_commands(
    server: PlayedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.accepts = lambda credential: credential == SECRET
    file = tmp_path / "key"
    monkeypatch.setenv("TIDINGS_CREDENTIAL", f"@{file}")
    with pytest.raises(ConnectionFailed, match=r"TIDINGS_CREDENTIAL is @.*: there is no such file"):
        Client(server.url)
    file.write_text(f"{SECRET}\n")
    async with Client(server.url):
        assert server.presented == [SECRET]


async def test_a_callable_that_raises_is_told_at_first_and_tried_again_later(server: PlayedServer) -> None:
    def fail() -> str:
        raise LookupError(SECRET)

    with pytest.raises(ConnectionFailed, match="LookupError was raised") as failed:
        await Client(server.url, credential=fail).__aenter__()
    assert isinstance(failed.value.__cause__, LookupError)
    assert SECRET not in str(failed.value)
    sources: Iterator[Callable[[], str]] = iter([lambda: "one", fail, lambda: "two"])

    def fetch() -> str:
        return next(sources)()

    server.accepts = lambda _: True
    async with Client(server.url, credential=fetch):
        (await server.stage()).cut()
        await server.stage()
    assert server.presented == ["one", "two"]


async def test_a_credential_about_to_run_out_is_renewed_on_the_open_socket(server: PlayedServer) -> None:
    numbers = itertools.count(1)
    server.accepts = lambda _: True
    async with Client(server.url, credential=lambda: f"credential {next(numbers)}") as client:
        stage = await server.stage()
        await stage.refuse(None, "token_expiring", retry_after=60)
        frame = await stage.hear("auth")
        assert frame["credential"] == "credential 2"
        await stage.say("done", ref=frame["ref"])
        await stage.hears_nothing()
        assert client.state is ClientState.OPEN


async def test_a_fixed_credential_about_to_run_out_is_left_alone(server: PlayedServer) -> None:
    server.accepts = lambda _: True
    async with Client(server.url, credential=SECRET) as client, asyncio.TaskGroup() as tasks:
        stage = await server.stage()
        submit = tasks.create_task(client.submit("k"))
        frame = await stage.hear("submit")
        await stage.refuse(None, "token_expiring", retry_after=60)
        await stage.ack(frame, TOKEN)  # when it is known here, the warning has been read
        await submit
        again = tasks.create_task(client.submit("k"))
        await stage.ack(await stage.hear("submit"), TOKEN)
        await again
