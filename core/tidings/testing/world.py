"""A world: the whole system in a test, with a clock that the test holds."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from tidings.client.submit.client_submission import ClientSubmission
from tidings.client.submit.submit_options import option_fields
from tidings.declare.job import Job
from tidings.resources.dependency_plan import Overrides
from tidings.schema.codec import encode
from tidings.seconds import seconds_of

from .extras import extras
from .served_jobs import NOT_GIVEN, served_jobs
from .testing_errors import TestingError
from .world_calls import WorldCalls
from .world_job import WorldJob
from .world_submit import WorldSubmitCalls

if TYPE_CHECKING:
    from .held.held_store import HeldStore
    from .held.world_thread import WorldThread

PATIENCE_S = 30.0
"""How long one call of a test may really take, s, if the test does not say."""


class World(WorldSubmitCalls):
    """A server, workers and a store in one test, and the clock by which they go. Use it as `async with`.

    The server and the workers are the shipped ones, and so are the scripts in the store, a Valkey that starts with the
    first world of a process. Only the clock is the test's: it stands still until the test moves it.

    ::

        async with World(jobs) as world:
            job = await world.submit(remind, user="ada")
            await world.advance(days=3)
            assert job.result == {"sent": True}
    """

    def __init__(
        self,
        *jobs: Job[Any, Any] | ModuleType | str,
        start: datetime | None = None,
        workers: int = 1,
        state: Any = NOT_GIVEN,
        overrides: Overrides | None = None,
        patience: float = PATIENCE_S,
        **settings: Any,
    ) -> None:
        """Prepare.

        Args:
            jobs: what the workers serve: modules, their names or paths, or single jobs.
            start: what the clock shows at first, with a time zone; None: the real time.
            workers: how many there are, from 1 to 10.
            state: what `ctx.state` is, in place of what lifespans yield: no lifespan is entered then.
            overrides: dependency → the function that stands for it, such as `{get_pool: get_fake_pool}`.
            patience: seconds that one call of the test may really take, above 0.
            settings: of workers and servers by their names, such as `lease_s=5`; see the page of settings.

        Raises:
            TestingError: there are no jobs, or an argument is out of bounds.
            LoadError: a module cannot be loaded, or what it holds cannot be served.

        """
        self._served = served_jobs(jobs, state, overrides)
        if not 1 <= workers <= MOST_WORKERS:
            raise TestingError(f"a world has 1 to {MOST_WORKERS} workers, not {workers}")
        if patience <= 0:
            raise TestingError(f"patience is {patience:g} s; it must be above 0")
        if start is not None and start.tzinfo is None:
            raise TestingError("start has no time zone: write datetime(…, tzinfo=UTC)")
        self._start = start or datetime.now(UTC)
        self._workers = workers
        self._patience_s = patience
        self._settings = settings
        self._thread: WorldThread | None = None
        self._store: HeldStore | None = None
        self._calls: WorldCalls | None = None

    def __repr__(self) -> str:
        return f"<world of {', '.join(sorted(job.kind for job in self._served.jobs))}>"

    # Its life.

    def open(self) -> Self:
        """Start it; `async with` does so.

        Raises:
            TestingError: it has been opened before.
            TestingError: a package of the extra `dev` is not installed.
            StoreUnavailableError: the store does not start.
            SettingsError: a setting has a value that is not allowed.

        """
        if self._thread is not None:
            raise TestingError("this world has been opened before: make a new one for each test")
        with extras("a world"):
            from .held.held_stores import held_stores  # noqa: PLC0415 - what a world needs, and `run` does not
            from .held.world_system import WorldSystem  # noqa: PLC0415
            from .held.world_thread import WorldThread  # noqa: PLC0415

        self._thread = thread = WorldThread(self._patience_s)
        self._store = held_stores.take()
        try:
            system = WorldSystem(thread.loop, self._store, self._served, self._workers, self._settings, self._start)
            thread.start(system)
        except BaseException:
            self.close()
            raise
        self._calls = WorldCalls(thread)
        return self

    def close(self) -> None:
        """End it; jobs that run are handed back. Closing twice does nothing."""
        from .held.held_stores import held_stores  # noqa: PLC0415

        self._calls = None
        store, self._store = self._store, None
        if self._thread is not None and store is not None:
            self._thread.close()
            held_stores.give_back(store)

    async def __aenter__(self) -> Self:
        return self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Time.

    @property
    def now(self) -> datetime:
        """What the clock shows, in UTC."""
        return self._open_thread().now

    async def advance(
        self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0, weeks: float = 0
    ) -> None:
        """Move the clock on, from one moment at which something is due to the next; at each, everything is done.

        Args:
            seconds: from 0. The five add up, to at most ten years.
            minutes: from 0.
            hours: from 0.
            days: from 0.
            weeks: from 0.

        Raises:
            TestingError: the clock would go back, or further than ten years.
            WorldStuckError: at one of these moments the system does not come to rest.

        """
        total = seconds + 60 * minutes + 3_600 * hours + 86_400 * days + 7 * 86_400 * weeks
        if total < 0:
            raise TestingError(f"the clock does not go back: advance by {total:g} s")
        if not total <= LONGEST_S:
            raise TestingError(f"advance moves the clock by ten years at most, not by {total:g} s")
        await self._open_calls().advance(total)

    async def advance_until(self, condition: Callable[[], bool], within: float | None = None) -> None:
        """Move the clock on in the same way until a condition holds.

        Args:
            condition: asked whenever everything that was due has been done; in the thread of the world.
            within: seconds by which the clock may move; None: ten years.

        Raises:
            WorldStuckError: it does not hold in this time, or nothing more is due.

        """
        limit = LONGEST_S if within is None else seconds_of("within", within, most=LONGEST_S, most_word="ten years")
        await self._open_calls().advance_until(condition, limit)

    # Jobs.

    async def send(self, submission: ClientSubmission) -> WorldJob[Any]:
        """Submit what `submit` made of its arguments."""
        said = option_fields(submission.options, submission.watch)
        body = encode({"kind": submission.kind, "input": msgspec.Raw(encode(submission.input)), **said})
        calls = self._open_calls()
        news, duplicate = await calls.do(lambda system: system.submit(body))
        return WorldJob(news, calls, submission.read_result, duplicate=duplicate)

    async def watch(self, token: str) -> WorldJob[Any]:
        """Follow a job that the test did not submit, such as the child of a saga.

        Raises:
            ProblemError: there is no such job.

        """
        calls = self._open_calls()
        news = await calls.do(lambda system: system.watch(token))
        return WorldJob(news, calls)

    # What goes wrong.

    async def lose_worker(self) -> None:
        """Lose a worker, as if its process were killed: that which runs most. Another starts in its place.

        What it held comes back when its lease is over (`lease_s`, by default 10 s): `advance` moves the clock there.
        """
        await self._open_calls().do(lambda system: system.lose_worker())

    def _open_thread(self) -> "WorldThread":
        self._open_calls()
        assert self._thread is not None
        return self._thread

    def _open_calls(self) -> WorldCalls:
        if self._calls is None:
            over = self._thread is not None
            raise TestingError(
                "this world is closed" if over else "this world is not open: use it as `async with World(…) as world:`"
            )
        return self._calls


MOST_WORKERS = 10

LONGEST_S = 10 * 366 * 86_400.0
"""How far one call moves the clock at the most, s."""
