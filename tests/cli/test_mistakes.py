"""Mistakes that people make at the command line: each is one line that says what to do."""

import json
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


def test_each_error_of_an_input_is_a_line(system: System) -> None:
    done = run("submit", "ship", "order=a", "count=1.5", "--url", system.server.url)
    assert done.returncode == 1
    first, *others = done.stderr.strip().splitlines()
    assert first.startswith("tidings: invalid_input: ship: ")
    for field, says in (("order", "did you mean"), ("order_id", "is missing"), ("count", "integer")):
        (line,) = (one for one in (first, *others) if one.endswith(f" (at /input/{field})"))
        assert says in line
    assert all(line.startswith("  ") for line in others)


def test_a_tagged_job_is_listed_and_watched_under_its_kind(system: System) -> None:
    url = ("--url", system.server.url)
    token = run("submit", "ship", "order_id=a", "--tag", "red", "--tag", "blue", *url).stdout.strip()
    listed = [json.loads(line) for line in run("jobs", "--tag", "blue", "--json", *url).stdout.splitlines()]
    assert [(job["token"], job["tags"]) for job in listed] == [(token, ["red", "blue"])]
    watched = run("watch", token, *url)
    assert watched.returncode == 0
    assert " ship " in watched.stderr  # of its queue the user need not know


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
