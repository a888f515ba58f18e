"""`tidings jobs`: the caller's own jobs in a terminal, and as lines for other programs."""

import json
import subprocess
import uuid

import anyio
import pytest

from support.credential import bearer, token
from support.peer import peer
from support.system import System
from support.tidings_command import run_tidings


async def jobs(system: System, name: str, *arguments: str, scope: str = "watch") -> "subprocess.CompletedProcess[str]":
    """Run the command as a user."""
    environment = {"TIDINGS_URL": system.server.url, "TIDINGS_CREDENTIAL": token(name, scope)}
    return await anyio.to_thread.run_sync(lambda: run_tidings("jobs", *arguments, **environment))


async def submitted(system: System, name: str, *tags: str) -> list[str]:
    """Have a user run three jobs; return their tokens, the newest first."""
    async with peer(system.server.socket_url, additional_headers=bearer(token(name))) as client:
        acks = [await client.submit("echo", {"text": "a"}, tags=list(tags)) for _ in range(3)]
        for ack in acks:
            await client.until(ack["token"])
    return [ack["token"] for ack in reversed(acks)]


async def test_a_user_sees_their_own_jobs_the_newest_first_and_an_administrator_those_of_others(system: System) -> None:
    name = f"user-{uuid.uuid4().hex[:8]}"
    mine, tagged = await submitted(system, name), await submitted(system, name, "red", "blue")
    for arguments, found in (
        ((), tagged + mine),
        (("--limit", "4"), (tagged + mine)[:4]),
        (("--tag", "red"), tagged),
        (("--kind", "echo", "--state", "succeeded"), tagged + mine),
        (("--state", "failed"), []),
    ):
        done = await jobs(system, name, "--json", *arguments)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [line["token"] for line in lines] == found, done
        assert ("more than 4" in done.stderr) == ("--limit" in arguments)
    table = (await jobs(system, name, "--tag", "blue")).stdout
    assert [one for one in tagged + mine if one in table] == tagged
    for words in ("echo", "succeeded", "red blue", "submitted (UTC)"):
        assert words in table
    assert "There is no such job." in (await jobs(system, "somebody-else")).stdout
    by_admin = await jobs(system, "root", "--owner", name, "--tag", "red", "--json", scope="admin")
    assert [json.loads(line)["token"] for line in by_admin.stdout.splitlines()] == tagged


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--owner", "alice"), "admin"),
        (("--state", "done"), "state"),
        (("--limit", "0"), "--limit"),
        (("--credential", "x"), "credential"),
        (("--url", "http://127.0.0.1:1"), "127.0.0.1:1"),
    ],
)
async def test_what_cannot_be_listed_is_one_clear_line(system: System, arguments: tuple[str, ...], says: str) -> None:
    done = await jobs(system, "mallory", *arguments)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_list_without_a_credential_says_how_to_give_one(system: System) -> None:
    done = await anyio.to_thread.run_sync(lambda: run_tidings("jobs", "--url", system.server.url))
    assert done.returncode == 1
    assert done.stderr == (
        "tidings: unauthenticated: the server wants a credential, and none was given: give `credential`, or set "
        "TIDINGS_CREDENTIAL\n"
    )
