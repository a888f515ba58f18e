"""A variable that looks like a setting and is none is a warning that names what was probably meant."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.system import running_system
from support.tidings_command import run_tidings
from tidings.process.unknown_variables import PROGRAMS, unknown_variables
from tidings.settings.settings import StoreSettings, settings_of
from tidings_server.settings import ServerSettings
from tidings_worker.settings import WorkerSettings


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("TIDINGS_SLOT", "TIDINGS_SLOTS"),
        ("TIDINGS_STORE_URI", "TIDINGS_STORE_URL"),
        ("TIDINGS_REDIS_URL", "TIDINGS_STORE_URL"),
        ("TIDINGS_LOGLEVEL", "TIDINGS_LOG_LEVEL"),
        ("TIDINGS_CREDENTAL", "TIDINGS_CREDENTIAL"),
        ("TIDINGS_DRAIN", "TIDINGS_DRAIN_S"),
        ("TIDINGS_slots", "TIDINGS_SLOTS"),
        ("TIDINGS_API_KEY", "TIDINGS_API_KEYS"),
        ("TIDINGS_ZZZZZZ", None),
        ("TIDINGS_", None),
    ],
)
def test_an_unknown_variable_is_told_with_the_one_meant(written: str, meant: str | None) -> None:
    (found,) = unknown_variables({written: "5", "PATH": "x", "TIDINGS_SLOTS": "5"})
    assert (found.name, found.meant) == (written, meant)
    assert written in str(found)
    assert meant is None or f"did you mean {meant}?" in str(found)


def test_no_setting_of_any_program_is_unknown_to_another() -> None:
    every = [one.variable for kind in (StoreSettings, ServerSettings, WorkerSettings) for one in settings_of(kind)]
    every += ["TIDINGS_URL", "TIDINGS_CREDENTIAL", "TIDINGS_DIR", "TIDINGS_PARENT_PID"]
    assert list(unknown_variables(dict.fromkeys(every, "x"))) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIDINGS_X_WAREHOUSE", "mine"),
        ("TIDINGS_TEST_TIMEOUT_FACTOR", "2"),
        ("TIDINGS_SERVICE_HOST", "10.0.0.1"),
        ("TIDINGS_SERVICE_PORT_HTTP", "8700"),
        ("TIDINGS_WEB_SERVICE_PORT", "8700"),
        ("TIDINGS_WEB_PORT", "tcp://10.0.0.1:8700"),
        ("TIDINGS_PORT_8700_TCP_ADDR", "10.0.0.1"),
        ("TIDING_SLOTS", "5"),
    ],
)
def test_what_others_set_is_no_slip(name: str, value: str) -> None:
    assert list(unknown_variables({name: value})) == []


def test_where_the_settings_of_a_program_are_not_to_be_seen_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROGRAMS, "tidings_elsewhere", ("settings.py",))
    assert list(unknown_variables({"TIDINGS_SLOT": "5"})) == []
    monkeypatch.delitem(PROGRAMS, "tidings_elsewhere")
    monkeypatch.setitem(PROGRAMS, "tidings_worker", ("elsewhere.py",))
    assert list(unknown_variables({"TIDINGS_SLOT": "5"})) == []


def test_the_settings_of_the_programs_are_seen_without_loading_one() -> None:
    script = (
        "import sys; from tidings.process.unknown_variables import PROGRAMS, unknown_variables as unknown; "
        "assert [str(one) for one in unknown({'TIDINGS_PORT': '1', 'TIDINGS_SLOT': '5'})] == "
        "['TIDINGS_SLOT is no setting, and is ignored; did you mean TIDINGS_SLOTS?']; "
        "assert not {'tidings_server', 'tidings_worker', 'starlette', 'jwt'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_command_warns_and_goes_on(tmp_path: Path) -> None:
    found = run_tidings("submit", "noop", "--url", "http://127.0.0.1:9", folder=str(tmp_path), TIDINGS_CREDENTAL="x")
    first, *rest = found.stderr.splitlines()
    assert first == (
        "tidings: warning: TIDINGS_CREDENTAL is no setting, and is ignored; did you mean TIDINGS_CREDENTIAL?"
    )
    assert "no answer from" in rest[0]


def test_the_server_and_the_worker_warn_at_their_start() -> None:
    with running_system(1, 1, TIDINGS_SLOT="5", TIDINGS_LOG_FORMAT="json") as system:
        for process in (system.server, system.workers[0]):
            lines = [line for line in process.text().splitlines() if "unknown_setting" in line]
            assert len(lines) == 1
            assert '"meant": "TIDINGS_SLOTS"' in lines[0]
            assert '"level": "warning"' in lines[0]
