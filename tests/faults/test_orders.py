"""Short trials of the order saga; `make soak-orders` runs long ones."""

import pytest

from faults.orders import run_orders
from faults.plan import Fault, make_plan

SECONDS = 8.0

HARD = (Fault.KILL_WORKER, Fault.KILL_WORKER, Fault.KILL_STORE, Fault.PAUSE_WORKER, Fault.NETWORK_STORE)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("seed", "faults"), [(11, HARD), (12, tuple(Fault))], ids=["workers", "everything"])
async def test_whatever_fails_the_books_of_the_shop_agree(seed: int, faults: tuple[Fault, ...]) -> None:
    trial = await run_orders(seed, SECONDS, make_plan(seed, SECONDS, faults))
    assert not trial.faults(), f"seed {seed}\n{trial.explain()}"
    assert trial.counts["succeeded"] > 0, trial.counts
    assert any("complete" in way for way in trial.counts), trial.counts
