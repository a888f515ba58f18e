"""What an attempt leaves behind: nothing that a collector would have to find."""

import asyncio
import gc
import subprocess
import sys
import weakref
from typing import Any, cast

import msgspec
import pytest

from support.timeouts import scaled
from tidings import Context, Job, job
from tidings.protocol.frames.envelope import Envelope
from tidings.store.answers import StartAnswer
from tidings.store.attempts.attempt_store import AttemptReport, AttemptStore, ReadyEntry, Started
from tidings_worker.attempt.attempt import Attempt
from tidings_worker.circuit.queue_breakers import QueueBreakers
from tidings_worker.runner.process_pool import ProcessPool
from tidings_worker.runner.runner import Runners
from tidings_worker.settings import WorkerSettings


class Store:
    """Answers every report."""

    partition = "p"
    reported_ms = 0
    keeps_history = False

    def report(self, report: AttemptReport) -> "asyncio.Future[str]":
        report.seal()
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        answer.set_result("ok")
        return answer


@job(timeout=30)
async def looped(ctx: Context) -> int:
    await ctx.progress(1, 2)
    return 1


@job(timeout=30)
def threaded() -> int:
    return 1


@pytest.mark.parametrize("kind", [looped, threaded])
async def test_an_attempt_that_has_ended_is_gone_without_a_collection(kind: Job[Any, Any]) -> None:
    entry = ReadyEntry("normal", "1-0", "A" * 22, b"")
    envelope = Envelope(kind=kind.kind, input=msgspec.Raw(b"{}"))
    gc.collect()
    gc.disable()
    try:
        with Runners(1, cast("ProcessPool", None)) as runners:
            started, gate = Started(StartAnswer.RUN, 1, 1, 0, 0, 0), cast("QueueBreakers", None)
            attempt = Attempt(cast("AttemptStore", Store()), WorkerSettings(), kind, entry, envelope, started, gate)
            await attempt.run(runners)
            loop, gone = asyncio.get_running_loop(), asyncio.Event()
            # The thread that ran a handler lets go of it in its own time, but without a collection too.
            # Its sink, which the attempt holds and a compiled attempt lets no other object refer to weakly.
            held = weakref.ref(attempt._sink, lambda _: loop.call_soon_threadsafe(gone.set))
            del attempt
            async with asyncio.timeout(scaled(10)):
                await gone.wait()
            assert held() is None
    finally:
        gc.enable()


ENDS = """
import sys
from tidings.process import gc_tuning

class Held:
    def __del__(self, write=sys.stdout.write):
        write("let go")

held = Held()
held.itself = held
gc_tuning.freeze_startup_objects()
"""


def test_what_was_made_before_it_settled_is_let_go_when_the_process_ends() -> None:
    done = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, check=True, timeout=scaled(60))
    assert done.stdout == "let go"
