"""An administrator who cancels another's job leaves an entry in the audit log, whichever way the wish comes."""

import subprocess

import anyio
import httpx

from support.credential import token
from support.peer import peer
from support.system import System
from support.tidings_command import run_tidings

ROOT = token("root", "admin")


async def later(client: httpx.AsyncClient) -> str:
    """Submit a job that waits for an hour."""
    answer = await client.post("/v1/jobs", json={"kind": "noop", "input": {}, "delay": 3600}, headers={"prefer": ""})
    return str(answer.json()["token"])


async def entries(admin: httpx.AsyncClient, job: str) -> list[tuple[str, str, str]]:
    found = (await admin.get("/v1/admin/audit")).json()["entries"]
    return [(one["who"], one["action"], one["outcome"]) for one in found if one["target"] == job]


def by_command(system: System, job: str, credential: str) -> subprocess.CompletedProcess[str]:
    return run_tidings("cancel", job, TIDINGS_URL=system.server.url, TIDINGS_CREDENTIAL=credential)


async def test_the_command_line_and_http_and_sockets_leave_the_same_entry(
    system: System, admin: httpx.AsyncClient, alice: httpx.AsyncClient
) -> None:
    by_cli, by_http, by_socket, by_console = [await later(alice) for _ in range(4)]
    done = await anyio.to_thread.run_sync(by_command, system, by_cli, ROOT)
    assert done.returncode == 0, done.stderr
    assert (await admin.delete(f"/v1/jobs/{by_http}")).status_code == 202
    async with peer(system.server.socket_url, additional_headers={"authorization": f"Bearer {ROOT}"}) as root:
        assert (await root.ask("cancel", token=by_socket))["type"] == "done"
    assert (await admin.post(f"/v1/admin/jobs/{by_console}/cancel")).status_code == 202
    for job in (by_cli, by_http, by_socket, by_console):
        assert (await alice.get(f"/v1/jobs/{job}", headers={"prefer": ""})).json()["status"] == "cancelled"
        assert await entries(admin, job) == [("root", "cancel", "done")], job


async def test_what_is_the_clients_own_or_over_leaves_none(
    system: System, admin: httpx.AsyncClient, alice: httpx.AsyncClient
) -> None:
    of_alice, of_root = await later(alice), await later(admin)
    done = await anyio.to_thread.run_sync(by_command, system, of_alice, token("alice"))
    assert done.returncode == 0, done.stderr
    assert (await admin.delete(f"/v1/jobs/{of_root}")).status_code == 202
    assert (await admin.delete(f"/v1/jobs/{of_alice}")).status_code == 409
    assert (await admin.delete("/v1/jobs/default.AAAAAAAAAAAAAAAAAAAAAA")).status_code == 404
    for job in (of_alice, of_root):
        assert await entries(admin, job) == []
