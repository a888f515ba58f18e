"""A command that tests fork from a warm interpreter is as one that a new interpreter runs."""

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from support.forking.forked_process import can_be_forked
from support.store import StoreProcess
from support.system import WorkerProcess
from support.tidings_command import FRESH_VARIABLE, run_tidings, start_tidings
from support.timeouts import scaled
from support.waiting import until

TELL = """
import gc, json, os, signal, sys, threading

environment = dict(os.environ)
environment.pop("TIDINGS_TEST_FRESH_INTERPRETERS", "")
main = sys.modules["__main__"]
print(json.dumps({
    "arguments": [sys.argv, sys.orig_argv],
    "path": sys.path,
    "folder": os.getcwd(),
    "environment": environment,
    "signals": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
    "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "input": os.readlink("/proc/self/fd/0"),
    "descriptors": sorted(os.listdir("/proc/self/fd")),
    "streams": [[one.encoding, one.errors, one.line_buffering] for one in (sys.stdin, sys.stdout, sys.stderr)],
    "threads": [one.name for one in threading.enumerate()],
    "main": [main.__name__, main.__spec__.name, main.__file__],
    "collector": [gc.isenabled(), gc.get_threshold()],
}))
sys.stderr.write("to the other stream")
sys.stdout.flush()
sys.stderr.flush()
os._exit(7)
"""
"""A file of handlers: a worker that loads it prints what a program can know of how its interpreter was started."""

NOWHERE = "redis://127.0.0.1:1"


def state(folder: Path) -> tuple[int, dict[str, Any], str]:
    """Return the exit code of that worker, what it found, and what it said on the other stream."""
    found = run_tidings("work", "tell.py", folder=str(folder), TIDINGS_STORE_URL=NOWHERE, ODD="ä ß\n=")
    return found.returncode, json.loads(found.stdout), found.stderr


def test_it_finds_itself_as_in_a_new_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tell.py").write_text(TELL)
    forked = state(tmp_path)
    monkeypatch.setenv(FRESH_VARIABLE, "1")
    assert forked == state(tmp_path)
    assert (forked[0], forked[2]) == (7, "to the other stream")
    assert forked[1]["environment"]["ODD"] == "ä ß\n="


def test_a_variable_that_an_interpreter_reads_as_it_starts_wants_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    here = dict(os.environ)
    assert can_be_forked(here | {"TIDINGS_SLOTS": "3"})
    assert not can_be_forked(here | {"PYTHONPATH": "/x"})
    assert not can_be_forked(here | {"LC_ALL": "C"})
    assert not can_be_forked({name: value for name, value in here.items() if name != "PYTHONHASHSEED"})


def test_it_is_waited_for_signalled_and_looked_at_as_a_process_of_subprocess(store_process: StoreProcess) -> None:
    worker = WorkerProcess(store_process.url)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            worker.process.wait(0.01)
        assert worker.process.poll() is None
        until(lambda: '"serving"' in worker.text(), worker.text)
        worker.process.kill()
        assert worker.wait() == worker.process.poll() == worker.process.returncode == -signal.SIGKILL
        worker.process.terminate()  # does nothing to what has ended
    finally:
        worker.close()


def test_it_takes_no_other_command_with_it() -> None:
    with tempfile.TemporaryFile("w+") as output:
        running = [
            start_tidings("serve", environment={**os.environ, "TIDINGS_STORE_URL": url}, stdout=output, stderr=output)
            for url in (NOWHERE, "a mistake")
        ]
        assert [process.wait(scaled(30)) for process in running] == [3, 2]
