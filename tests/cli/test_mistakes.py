"""Mistakes that people make at the command line: each is one line that says what to do."""

import socket
import subprocess
from pathlib import Path

import pytest

from support.system import System, system_fixture, written
from support.tidings_command import run_tidings

KINDS = """
from tidings import job


@job
async def ship(order_id: str, count: int = 0, note: str | None = None, either: int | str = 0) -> list:
    return [order_id, count, note, either]
"""


system = system_fixture(written(KINDS))


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return run_tidings(*arguments)


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        (["order_id=7"], '["7", 0, null, 0]'),
        (['order_id="7"'], '["7", 0, null, 0]'),
        (["order_id=7", "count=2"], '["7", 2, null, 0]'),
        (["order_id=true", "note=1.50"], '["true", 0, "1.50", 0]'),
        (["order_id=null", "note=null"], '["null", 0, null, 0]'),
        (["order_id=a", "either=7"], '["a", 0, null, 7]'),
        (["order_id=[1]"], '["[1]", 0, null, 0]'),
    ],
)
def test_what_the_kind_wants_as_a_text_is_sent_as_one(system: System, fields: list[str], result: str) -> None:
    done = run("submit", "ship", *fields, "--follow", "--url", system.server.url)
    assert "".join(done.stdout.split()) == "".join(result.split()), done.stderr
    assert done.returncode == 0


def test_what_fits_neither_way_is_refused_as_it_was_meant(system: System) -> None:
    done = run("submit", "ship", "order_id=a", "count=1.5", "--url", system.server.url)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert '1.5 is not of type "integer"' in line


@pytest.mark.parametrize("command", ["serve", "dev"])
def test_a_port_in_use_is_one_line_with_the_port(command: str, system: System, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        where = ["--dir", str(tmp_path)] if command == "dev" else ["--store-url", system.store.url]
        done = run(command, "--port", str(port), *where)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"tidings: port {port} of 127.0.0.1 is in use: another program listens there, perhaps another `tidings`. "
        "Stop it, or take another with --port or TIDINGS_PORT"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_is_not_of_this_machine_is_one_line(system: System) -> None:
    done = run("serve", "--host", "192.0.2.7", "--allow-public-without-auth", "--store-url", system.store.url)
    assert done.stderr.strip() == (
        "tidings: this machine has no address '192.0.2.7': set TIDINGS_HOST to one of its own, such as 127.0.0.1"
    )
