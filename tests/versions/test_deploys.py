"""Rolling deploys under load lose nothing, refuse nothing that both releases know, and hand nothing back twice."""

from collections import Counter
from pathlib import Path

import pytest

from versions.deploy_trial import OF_EVERY_RELEASE, DeployHistory, Ended, faults_of, run_deploys


@pytest.mark.timeout(300)
async def test_deploys_under_load_refuse_lose_and_repeat_nothing(tmp_path: Path) -> None:
    history = await run_deploys(tmp_path, seed=3, seconds=1)
    assert faults_of(history) == []
    assert history.deploys >= 2
    assert {ended.kind for ended in history.ended.values()} >= set(OF_EVERY_RELEASE)
    assert len({version for _, _, kind, version in history.runs if kind == "changing"}) >= 2


def of(
    kind: str = "steady", *, status: str = "succeeded", handed_on: int = 0, attempts: tuple[int, ...] = (1,)
) -> DeployHistory:
    ended = {"t": Ended(kind, 7, status, 7, handed_on)}
    return DeployHistory(ended, runs=[("t", attempt, "steady", 1) for attempt in attempts])


def test_the_checker_finds_what_would_be_wrong() -> None:
    assert faults_of(of()) == []
    assert faults_of(of(handed_on=1)) == []
    for history in (
        of(status="failed"),
        of(handed_on=2),
        of(attempts=()),
        of(attempts=(1, 1)),
        of(attempts=(1, 2)),
        DeployHistory(refused=Counter({"steady unknown_kind": 1})),
        DeployHistory(refused=Counter({"added invalid_input": 1})),
        DeployHistory({"t": Ended("steady", 7, "succeeded", 8, 0)}, runs=[("t", 1, "steady", 1)]),
    ):
        assert len(faults_of(history)) == 1, history
    assert faults_of(DeployHistory(refused=Counter({"added unknown_kind": 5}))) == []
