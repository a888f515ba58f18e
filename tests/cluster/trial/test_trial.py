"""What a cluster promises while an operator changes it: no job is lost, run twice, or kept from its client."""

from pathlib import Path

import pytest

from cluster.trial.trial import Trial, Verdict
from cluster.trial.trial_faults import failover, flush, migrate, sagas
from support.stores.cluster import StoreCluster, running_cluster


async def changed(trial: Trial, cluster: StoreCluster) -> str:
    """Do one after the other what an operator does to a cluster."""
    return "; ".join([await fault(trial, cluster) for fault in (failover, flush, migrate, sagas)])


async def test_nothing_is_lost_or_run_twice_by_what_an_operator_does_to_a_cluster(tmp_path: Path) -> None:
    with running_cluster() as cluster:
        trial = Trial(cluster.url, tmp_path, several=1)
        try:
            await trial.begin()
            verdict = await trial.run(lambda one: changed(one, cluster))
        finally:
            await trial.close()
    print(f"{verdict.acked} jobs; {verdict.remark}; longest ack gaps, s: {verdict.gaps_s}")  # noqa: T201
    assert verdict.broken(loses=False, reruns=False) == [], verdict.errors


@pytest.mark.parametrize(
    ("verdict", "loses", "broken"),
    [
        (Verdict(acked=9), False, []),
        (Verdict(lost=["a"]), False, ["1 lost"]),
        (Verdict(lost=["a"]), True, []),
        (Verdict(lost=["a", "b"], confirmed_lost=["b"]), True, ["1 lost"]),
        (Verdict(twice=3), False, ["3 run twice"]),
        (Verdict(twice=3), True, []),
        (Verdict(untold=["a"], disagreed=["b"], unfinished=["c"]), True, ["1 unfinished", "1 disagreed", "1 untold"]),
        (Verdict(errors=["server"]), True, ["1 tracebacks"]),
    ],
)
def test_a_verdict_names_the_promises_that_were_broken(verdict: Verdict, loses: bool, broken: list[str]) -> None:
    assert verdict.broken(loses=loses, reruns=loses) == broken
