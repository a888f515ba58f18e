"""Whatever workers, operators and time do to a group, each event reaches it in order, or counts as missed."""

from collections import defaultdict

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from groups.stage import KEYS, Stage, stage_in
from support.store import StoreProcess
from tidings.store.groups.group_admin import FROM_START, GroupAdmin
from tidings.store.groups.group_store import EventOutcome, GroupStore, TakenEvent
from tidings.store.redis.store_client import command, open_store

EVENTS = ("started", "succeeded")

COMMANDS = st.lists(
    st.one_of(
        st.tuples(st.just("finish"), st.integers(1, 3)),
        st.tuples(st.just("take"), st.integers(0, 1), st.integers(1, 4)),
        st.tuples(
            st.just("settle"),
            st.integers(0, 9),
            st.sampled_from([EventOutcome.DONE, EventOutcome.RETRY, EventOutcome.BACK]),
        ),
        st.tuples(st.just("lose"), st.integers(0, 1)),
        st.tuples(st.just("trim"), st.integers(1, 3)),
        st.tuples(st.just("replay")),
    ),
    max_size=30,
)


class Played:
    """A group as it should be, beside the group in the store."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.written: list[tuple[str, str]] = []
        self.hands: list[tuple[GroupStore, TakenEvent]] = []
        self.done: defaultdict[str, list[str]] = defaultdict(list)
        """Of each job, the events that were handled since the group was last moved, in that order."""
        self.missed = 0
        self.moved = False

    async def finish(self, count: int) -> None:
        jobs = await self.stage.finish(count)
        self.written += [(job, name) for name in EVENTS for job in jobs]

    async def take(self, who: int, most: int) -> None:
        worker = (self.stage.first, self.stage.second)[who]
        held = [event.job for holder, event in self.hands if holder is worker]
        for event in await self.stage.take("g", most, worker=worker, held=held):
            assert event.job not in [other.job for _, other in self.hands], "two workers have one job in hand"
            self.hands.append((worker, event))

    async def settle(self, number: int, verdict: EventOutcome) -> None:
        if not self.hands:
            return
        worker, event = self.hands.pop(number % len(self.hands))
        assert await self.stage.settle("g", event, verdict, worker=worker) in ("ok", "next")
        if verdict is EventOutcome.DONE:
            self.done[event.job].append(event.name)
        else:
            await self._make_due(event.job)

    async def lose(self, who: int) -> None:
        """A worker dies: the leases of what it has in hand run out."""
        worker = (self.stage.first, self.stage.second)[who]
        for holder, event in [one for one in self.hands if one[0] is worker]:
            self.hands.remove((holder, event))
            await self._make_due(event.job)

    async def _make_due(self, job: str) -> None:
        await command(self.stage.store, "ZADD", KEYS.group_due(self.stage.partition, "g"), "XX", 0, job)

    async def trim(self, count: int) -> None:
        stream = KEYS.events(self.stage.partition)
        left = await command(self.stage.store, "XLEN", stream)
        await command(self.stage.store, "XTRIM", stream, "MAXLEN", max(left - count, 0))

    async def replay(self) -> None:
        await GroupAdmin(self.stage.store, KEYS, self.stage.partition).move("g", FROM_START)
        self.moved = True
        self.done.clear()

    async def play(self, commands: list[tuple[object, ...]]) -> None:
        for name, *args in commands:
            await getattr(self, str(name))(*args)
        while self.hands:
            await self.settle(0, EventOutcome.DONE)
        for job, name in await self.stage.drain("g"):
            self.done[job].append(name)

    async def check(self) -> None:
        for job, names in self.done.items():
            # One that was in hand when the group was moved comes before its replay.
            order = [EVENTS.index(name) for name in names]
            replayed = order[1:] if self.moved else order
            assert replayed == sorted(set(replayed)), f"{job}: {names}"
        (view,) = (await GroupAdmin(self.stage.store, KEYS, self.stage.partition).read()).groups
        handled = {(job, name) for job, names in self.done.items() for name in names}
        if not self.moved:
            assert len(handled) + view.missed == len(self.written)
        kept = {
            (fields[b"job"].decode(), fields[b"event"].decode())
            for _, fields in await command(self.stage.store, "XRANGE", KEYS.events(self.stage.partition), "-", "+")
        }
        assert kept <= handled
        assert (view.behind, view.jobs) == (0, 0)


@settings(max_examples=60)
@given(commands=COMMANDS)
def test_each_event_reaches_the_group_in_order_or_counts_as_missed(
    store_process: StoreProcess, commands: list[tuple[object, ...]]
) -> None:
    async def run() -> None:
        store = open_store(store_process.url)
        try:
            async with stage_in(store) as stage:
                await stage.join("g", events=EVENTS)
                played = Played(stage)
                await played.play(commands)
                await played.check()
        finally:
            await store.aclose()

    anyio.run(run)
