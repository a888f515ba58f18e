"""Every delivery arrives, whatever is killed; and the checker that says so notices what it should."""

import pytest

from webhook.trial import Told, faults, run_trial

SOUND = Told("a", "default.x", "msg_x_2_1", b"{}", signed=True, taken=True)


@pytest.mark.timeout(240)
def test_every_delivery_arrives_signed_while_everything_is_killed() -> None:
    assert run_trial(seconds=2.5, seed=3) == []


def test_a_delivery_that_came_twice_is_no_fault() -> None:
    assert faults([("default.x", "a")], [SOUND._replace(taken=False), SOUND, SOUND]) == []


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ([], "has not taken a delivery; it got 0"),
        ([SOUND._replace(taken=False)], "has not taken a delivery; it got 1"),
        ([SOUND._replace(receiver="b")], "did not ask"),
        ([SOUND, SOUND._replace(signed=False)], "is not signed"),
        ([SOUND, SOUND._replace(id="msg_x_3_1")], "several ids"),
        ([SOUND, SOUND._replace(body=b"[]")], "several bodies"),
    ],
)
def test_a_fault_is_found(told: list[Told], says: str) -> None:
    assert any(says in fault for fault in faults([("default.x", "a")], told))
