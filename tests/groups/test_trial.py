"""A short trial of groups; `make soak-events` runs long ones."""

from pathlib import Path

import pytest

from groups.trial import EVENTS, Handled, History, check, run_trial, shown


@pytest.mark.timeout(240)
async def test_whatever_fails_every_event_reaches_every_group_in_order(tmp_path: Path) -> None:
    history = await run_trial(tmp_path, seed=3, seconds=6)
    assert check(history) == [], shown(history.faults)
    assert len(history.acked) > 20


def history(*handled: tuple[str, str, str], **more: float) -> History:
    """Return the history of one job `t`, which groups have handled so."""
    found = [Handled(group, token, name, float(at)) for at, (group, token, name) in enumerate(handled)]
    times = {"late_ready": 99.0, "skipped": 99.0, **more}
    return History({"t": 5.0}, found, [], times["late_ready"], times["skipped"], int(more.get("missed", 0)))


WELL = [(group, "t", name) for group in ("steady", "down") for name in EVENTS]


def test_a_sound_history_is_found_sound_also_where_events_come_again() -> None:
    assert check(history(*WELL)) == []
    assert check(history(*WELL, ("steady", "t", "started"), ("steady", "t", "succeeded"))) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (history(*WELL[:-1]), "down never got succeeded of t"),
        (history(*WELL[:2], WELL[3], WELL[2]), "down got ['succeeded', 'started'] of t"),
        (history(*WELL, late_ready=1.0), "late never got started of t"),
        (history(*WELL, skipped=1.0), "skips never got started of t"),
        (history(*WELL, missed=2), "the store trimmed 2 events"),
    ],
)
def test_each_broken_promise_is_found(wrong: History, said: str) -> None:
    assert said in check(wrong)
