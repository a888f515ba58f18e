"""Which address counts when sentinels differ, and what an operator reads when there is none."""

import pytest
import redis.exceptions
from hypothesis import given
from hypothesis import strategies as st

from tidings.settings.store_url import parse_store_url
from tidings.store.sentinel.address_vote import AddressVote, SentinelError

URL = parse_store_url("redis+sentinel://a,b,c/orders")
OLD, NEW = ("old", 1), ("new", 2)


def vote_of(*answers: tuple[str, int] | Exception | None) -> AddressVote:
    vote = AddressVote(URL)
    for place, answer in zip(URL.hosts, answers, strict=False):
        vote.take(place, answer)
    return vote


@given(st.permutations([OLD, NEW, NEW]))
def test_one_sentinel_that_is_behind_is_outvoted_whatever_the_order(answers: list[tuple[str, int]]) -> None:
    assert vote_of(*answers).outcome() == NEW


def test_two_of_three_decide_and_one_does_not() -> None:
    assert not vote_of(NEW).decided
    assert not vote_of(NEW, OLD).decided
    assert vote_of(NEW, NEW).decided


def test_one_that_answers_is_believed_where_the_others_are_away() -> None:
    assert vote_of(OSError("gone"), OSError("gone"), NEW).outcome() == NEW
    assert vote_of(None, None, NEW).outcome() == NEW


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ((None, OSError("gone"), OSError("gone")), "the sentinel at a:26379 knows no primary 'orders'"),
        ((OSError("gone"), OSError("gone"), OSError("gone")), "no sentinel answers at a:26379 (gone)"),
        (
            (OSError("gone"), redis.exceptions.AuthenticationError("Authentication required."), OSError("gone")),
            "the sentinel at b:26379 refuses its user name or password",
        ),
        ((OSError("x"), redis.exceptions.ResponseError("unknown command 'SENTINEL'")), "is a store and no sentinel"),
        ((redis.exceptions.ResponseError("NOPERM this user"),), "the sentinel at a:26379 refuses (NOPERM this user)"),
    ],
)
def test_without_an_address_one_line_says_what_to_do(answers: tuple[Exception | None, ...], says: str) -> None:
    with pytest.raises(SentinelError) as wrong:
        vote_of(*answers).outcome()
    assert says in str(wrong.value)
    assert "\n" not in str(wrong.value)
