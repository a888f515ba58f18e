"""Calls that are made at the end: in reverse order, once, whatever one of them raises."""

import pytest

from tidings_server.web.send.end_calls import EndCalls


def test_they_are_made_in_reverse_order_and_once() -> None:
    made: list[int] = []
    with EndCalls() as leave:
        for number in range(3):
            leave.callback(made.append, number)
    leave.close()
    assert made == [2, 1, 0]


def test_what_is_handed_on_is_made_there_alone() -> None:
    made: list[int] = []
    with EndCalls() as leave:
        leave.callback(made.append, 1)
        kept = leave.pop_all()
        leave.callback(made.append, 2)
    assert made == [2]
    kept.close()
    assert made == [2, 1]


def test_one_that_raises_keeps_none_of_the_others_from_being_made() -> None:
    made: list[int] = []

    def fail() -> None:
        raise ValueError("on purpose")

    leave = EndCalls()
    leave.callback(made.append, 1)
    leave.callback(fail)
    leave.callback(made.append, 2)
    with pytest.raises(ValueError, match="on purpose"):
        leave.close()
    assert made == [2, 1]
