"""`tidings status` as a probe: what it says by its exit code, and what it does not import."""

import os
import re
import subprocess
import sys

from support.peer import peer
from support.system import System, system_fixture
from support.tidings_command import run_tidings
from support.timeouts import scaled
from tidings_cli.main import COMMANDS

NOT_FOR_STATUS = {
    "tidings_server", "tidings_worker", "tidings.client", "tidings_cli.lab", "tidings_cli.dev",
    "tidings_cli.bench",
    "tidings_cli.top", "starlette", "uvicorn", "uvloop", "websockets", "jsonschema_rs", "prometheus_client", "jwt",
    "watchfiles", "rich.progress",
}  # fmt: skip


def run(*arguments: str, store: str) -> "subprocess.CompletedProcess[str]":
    return run_tidings(*arguments, TIDINGS_STORE_URL=store)


system = system_fixture(servers=0, workers=0, scope="function")


async def test_the_exit_code_says_whether_work_is_done(system: System) -> None:
    url = system.store.url
    alone = run("status", store=url)
    assert alone.returncode == 4
    assert "No worker lives." in alone.stdout
    worker = system.add_worker(TIDINGS_GRACE_S="0")
    server = system.add_server()
    assert run("status", store=url).returncode == 0
    worker.process.terminate()
    worker.wait()
    assert run("status", "--json", store=url).returncode == 4
    async with peer(server.socket_url) as client:
        await client.ask("submit", kind="noop", input={})
    waiting = run("status", store=url)
    assert waiting.returncode == 1
    assert "no worker serves it" in waiting.stdout
    assert run("status", "--no-such-flag", store=url).returncode == 2
    assert run("status", store="redis://127.0.0.1:1").returncode == 3


TELL_MODULES = """
import sys
from tidings_cli import main
sys.argv[0] = "tidings"
try:
    main()
finally:
    print(*sys.modules, sep="\\n", file=sys.stderr)
"""


def imported_by(argument: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a command; its standard error ends with the names of the modules that it imported."""
    return subprocess.run(
        [sys.executable, "-c", TELL_MODULES, argument],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=scaled(60),
    )


def test_the_version_is_said_without_the_import_of_any_command() -> None:
    done = imported_by("--version")
    assert re.fullmatch(r"tidings \d+\.\d+\.\d+( \(compiled\))?\n", done.stdout)
    imported = done.stderr.splitlines()
    assert "tidings_cli.main" in imported
    modules = {f"tidings_cli.{module}" for module in COMMANDS.values() if module}
    assert {*imported} & (modules | {"tidings_server", "tidings_worker"}) == set()


def test_status_imports_what_it_needs_and_no_more(system: System) -> None:
    done = imported_by("status", TIDINGS_STORE_URL=system.store.url)
    imported = done.stderr.splitlines()
    assert "tidings_cli.operate.status_command" in imported, done.stderr
    assert [name for name in imported if any(f"{name}.".startswith(f"{one}.") for one in NOT_FOR_STATUS)] == []


def test_help_and_suggestions_know_every_command(system: System) -> None:
    help_ = run("--help", store=system.store.url).stdout
    for name in COMMANDS:
        assert f" {name} " in help_
    assert "Did you mean 'status'?" in run("statsu", store=system.store.url).stderr
