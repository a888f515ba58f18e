"""A short trial of everything at once; `make soak` runs long ones."""

import pytest

from faults.plan import make_plan
from faults.trial import run_trial

SECONDS = 8.0


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", [5])
async def test_whatever_fails_each_job_has_one_outcome_and_every_watcher_hears_it(seed: int) -> None:
    verdict = await run_trial(seed, SECONDS, make_plan(seed, SECONDS))
    assert not verdict.violations, f"seed {seed}\n{verdict.explain()}"
    assert verdict.acked > 0
    assert verdict.ended == verdict.acked
