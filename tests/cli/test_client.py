"""The client's commands against a server that the test plays: credentials, and servers that are not there."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.tidings_command import run_tidings
from support.wire.played import PlayedServer, played_server
from tidings.process.port import free_port

TOKEN = "default." + "a" * 22
SECRET = "the-secret-nobody-may-see"  # noqa: S105 - it opens nothing


@pytest.fixture
async def server() -> AsyncIterator[PlayedServer]:
    async with played_server() as server:
        server.accepts = lambda credential: credential == SECRET
        yield server


async def command(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end while the server here goes on."""
    return await asyncio.to_thread(run_tidings, *arguments, **environment)


@pytest.mark.parametrize("way", ["variable", "flag", "file"])
@pytest.mark.parametrize("name", ["submit", "watch", "cancel"])
async def test_each_command_presents_the_credential(server: PlayedServer, tmp_path: Path, name: str, way: str) -> None:
    (tmp_path / "key").write_text(SECRET + "\n")
    flags = {"variable": [], "flag": ["--credential", SECRET], "file": ["--credential", f"@{tmp_path / 'key'}"]}[way]
    environment = {"TIDINGS_URL": server.url} | ({"TIDINGS_CREDENTIAL": SECRET} if way == "variable" else {})
    argument = "kind" if name == "submit" else TOKEN
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(command(name, argument, *flags, **environment))
        stage = await server.stage()
        if name == "submit":
            await stage.ack(await stage.hear("submit"), TOKEN)
        else:
            status = "succeeded" if name == "watch" else "running"
            await stage.snapshot(await stage.hear("watch"), 3, status=status, result="found")
        if name == "cancel":
            await stage.say("done", ref=(await stage.hear("cancel"))["ref"])
    done = running.result()
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == {"submit": TOKEN, "watch": '"found"', "cancel": ""}[name]
    assert server.presented == [SECRET]


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ([], "the server wants a credential, and none was given"),
        (["--credential", SECRET + "-old"], "the server did not accept the credential: it has run out"),
        (["--credential", "@none"], "--credential @none: there is no such file"),
    ],
)
async def test_a_credential_that_is_missing_or_refused_is_one_clear_line(
    server: PlayedServer, flags: list[str], says: str
) -> None:
    done = await command("submit", "kind", "--url", server.url, *flags)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("tidings: ")
    assert says in line
    assert SECRET not in line


async def test_the_help_does_not_show_the_credential() -> None:
    done = await command("submit", "--help", TIDINGS_CREDENTIAL=SECRET)
    assert "TIDINGS_CREDENTIAL" in done.stdout
    assert SECRET not in done.stdout + done.stderr


async def test_a_server_that_is_not_there_is_told_at_once_and_waited_for_only_if_asked() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    done = await command("submit", "kind", "--url", url)
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"tidings: no answer from {url} (connection refused): is the server running")
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(command("submit", "kind", "--url", url, "--wait", "50"))
        async with played_server(port) as server:
            stage = await server.stage()
            await stage.ack(await stage.hear("submit"), TOKEN)
            done = await running
    assert done.stdout.strip() == TOKEN
