"""Large values of handlers in processes: through memory that both share, of which nothing is left behind."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import msgspec
import pytest

from tidings.context.context import Sink
from tidings_worker.outcome.errors import ProcessEndedError
from tidings_worker.runner import shared_memory
from tidings_worker.runner.child_process import ChildProcess
from tidings_worker.runner.ipc_messages import RunCommand
from tidings_worker.runner.shared_memory import KEPT_BYTES, SHARED_BYTES, SharedFile
from tidings_worker.settings import WorkerSettings

KINDS = """
import os, signal
from tidings import job

@job(run_in="process")
def echo(text: str) -> str:
    return text

@job(run_in="process")
def dies(text: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
"""
NO_SINK = cast("Sink", None)


def shared() -> list[str]:
    """Return the shared files that this process holds."""
    held = (os.path.realpath(one) for one in Path("/proc/self/fd").iterdir())
    return [one for one in held if "tidings-values" in one]


def run_of(kind: str, size: int) -> RunCommand:
    return RunCommand(kind, "p.A", 1, "", "", (), "", "", msgspec.json.encode({"text": "é" + "x" * size}), 1)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[ChildProcess]:
    (tmp_path / "shared_kinds.py").write_text(KINDS)
    settings = WorkerSettings(modules=(str(tmp_path / "shared_kinds.py"),), max_result_bytes=2 * KEPT_BYTES)
    process = await ChildProcess.start(settings)
    yield process
    await process.close()
    assert shared() == []


@pytest.mark.parametrize("fits", [True, False])
async def test_values_of_all_sizes_come_back_whole_and_no_more_room_is_kept_than_may_be(
    process: ChildProcess, monkeypatch: pytest.MonkeyPatch, fits: bool
) -> None:
    if not fits:
        monkeypatch.setattr(SharedFile, "write", lambda *_: False)
    for size in (1, SHARED_BYTES, KEPT_BYTES + 1, SHARED_BYTES, 1):
        result = await process.perform(run_of("echo", size), NO_SINK)
        assert msgspec.json.decode(result) == "é" + "x" * size
        assert process.is_fit
        assert sum(os.fstat(file.fd).st_size for file in process._memory) <= 2 * KEPT_BYTES
    assert len(shared()) == 2


async def test_a_child_that_is_killed_over_a_large_value_leaves_nothing(process: ChildProcess) -> None:
    with pytest.raises(ProcessEndedError, match=signal.SIGKILL.name):
        await process.perform(run_of("dies", SHARED_BYTES), NO_SINK)
    assert not process.is_fit


async def test_a_result_that_is_not_there_is_not_read(process: ChildProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_memory, "KEPT_BYTES", 0)  # what was read is gone
    await process.perform(run_of("echo", SHARED_BYTES), NO_SINK)
    process.kill()
    for size in (SHARED_BYTES, -1):
        with pytest.raises(ProcessEndedError):
            await process._read_shared(size)
    process._memory.results.write(b"x" * (2 * KEPT_BYTES + 1))
    with pytest.raises(ProcessEndedError):
        await process._read_shared(2 * KEPT_BYTES + 1)  # more than a result may have
