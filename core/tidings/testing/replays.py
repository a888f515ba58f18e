"""`replay`: recorded sagas against the code of now, before it is deployed."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidings.declare.job import Job
from tidings.resources.dependency_plan import Overrides
from tidings.saga.recorded_saga import RecordedSaga, RecordingError, read_recorded

from .extras import extras
from .served_jobs import NOT_GIVEN, JobSource, served_jobs
from .testing_errors import TestingError

if TYPE_CHECKING:
    from .alone.replay_verdict import SagaReplay

REPLAY_WITHIN_S = 10.0
"""How long the handler of one saga may take to come to the end of its journal, s."""


async def replay(
    recorded: str | Path | Iterable[RecordedSaga],
    *sources: JobSource,
    state: Any = NOT_GIVEN,
    overrides: Overrides | None = None,
    within_s: float = REPLAY_WITHIN_S,
) -> "list[SagaReplay]":
    """Replay recorded sagas against the code of now, and say which it does not fit.

    The handler of each saga runs from its first line, and its journal answers the steps that are done. At the first
    step that is not, the replay ends: no function of a step, no child and no undo runs. What the handler does outside
    of steps happens, as in each of its runs: its dependencies are made, for example.

    Args:
        recorded: a file of `tidings saga export`, or sagas.
        sources: where the jobs are: modules, their names or paths, or single jobs.
        state: what `ctx.state` is; no lifespan is entered.
        overrides: dependency → the function that stands for it.
        within_s: how long the handler of one saga may take, s.

    Returns:
        What came of each saga, in their order; `[one for one in await replay(…) if not one.fits]` do not fit.

    Raises:
        TestingError: no jobs are named; or the file is none of recorded sagas, or was cut off.
        LoadError: a module cannot be loaded, or what it holds cannot be served.
        OSError: the file cannot be read.

    """
    return [one async for one in each_replay(recorded, sources, state=state, overrides=overrides, within_s=within_s)]


async def each_replay(
    recorded: str | Path | Iterable[RecordedSaga],
    sources: Iterable[JobSource],
    *,
    state: Any = NOT_GIVEN,
    overrides: Overrides | None = None,
    within_s: float = REPLAY_WITHIN_S,
) -> "AsyncIterator[SagaReplay]":
    """Yield what `replay` returns, one by one."""
    with extras("replay()"):
        from .alone.replay_run import ReplayRun  # noqa: PLC0415
        from .alone.replay_verdict import ReplayVerdict, SagaReplay  # noqa: PLC0415 - the extra `worker`

    jobs: dict[str, Job[Any, Any]] = {job.kind: job for job in served_jobs(list(sources), state, overrides).jobs}
    try:
        with _sagas_of(recorded) as sagas:
            for saga in sagas:
                job = jobs.get(saga.kind)
                if job is not None:
                    yield await ReplayRun(job, saga, within_s).replay()
                    continue
                yield SagaReplay(
                    token=saga.token, kind=saga.kind, version=saga.version, verdict=ReplayVerdict.UNSERVED,
                    detail="the modules do not have the kind",
                )  # fmt: skip
    except RecordingError as error:
        raise TestingError(str(error)) from None


@contextmanager
def _sagas_of(recorded: str | Path | Iterable[RecordedSaga]) -> Iterator[Iterable[RecordedSaga]]:
    if not isinstance(recorded, str | Path):
        yield recorded
        return
    with Path(recorded).open("rb") as file:
        yield read_recorded(file)
