"""Whatever is killed, and whoever joins when and where: no watcher is shown two attempts as one, and all end right."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.trial import STREAMS, Act, AttemptPlan, Stay, Trial
from support.store import StoreProcess
from tidings.store.redis.store_client import open_store

ACTS = st.one_of(
    st.builds(Act, st.just("say"), st.sampled_from(STREAMS), st.integers(1, 5)),
    st.builds(Act, st.sampled_from(["progress", "wait"]), st.just("main"), st.integers(1, 3)),
)
ATTEMPTS = st.builds(
    AttemptPlan,
    st.dictionaries(st.sampled_from(STREAMS), st.integers(0, 6), max_size=3),
    st.lists(ACTS, max_size=10),
    st.integers(1, 8),
    st.booleans(),
)
WATCHERS = st.lists(st.builds(Stay, st.integers(0, 1), st.integers(1, 6), st.integers(0, 4)), max_size=6)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans=st.lists(ATTEMPTS, min_size=1, max_size=4), watchers=st.lists(WATCHERS, min_size=1, max_size=3))
def test_at_each_moment_the_text_is_a_beginning_of_what_one_attempt_said_and_at_the_end_the_result(
    store_process: StoreProcess, plans: list[AttemptPlan], watchers: list[list[Stay]]
) -> None:
    async def run() -> None:
        store = open_store(store_process.url)
        await store.flushall()
        try:
            trial = Trial(store, store_process.url, plans)
            await trial.run(watchers)
            assert trial.result == "".join(trial.said.lists["main"][-1])
        finally:
            await store.aclose()

    asyncio.run(run())
