"""The token bucket against its definition, and the quotas that count by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.protocol.frames.limits import Limits
from tidings.protocol.problems import ProblemError
from tidings.token_bucket import TokenBucket
from tidings_server.jobs.quotas import Quotas


@given(
    st.floats(0.1, 1000),
    st.integers(1, 50),
    st.lists(st.floats(0, 2), max_size=100),
)
def test_no_more_is_taken_than_the_burst_and_the_rate_allow_and_no_wait_is_too_short(
    rate: float, burst: int, pauses: list[float]
) -> None:
    now = 0.0
    bucket = TokenBucket(rate, burst, now)
    for taken, pause in enumerate(pauses, 1):
        now += pause
        wait = bucket.take(now)
        if wait:
            assert bucket.take(now + wait / 2) > 0
            now += wait * 1.001 + 1e-9
            assert bucket.take(now) == 0
        assert taken <= burst + now * rate + 1e-6


def limits(**fields: int) -> Limits:
    return Limits(
        max_frame_bytes=1, max_depth=1, max_in_flight=1, max_watches=1, max_waiting_bytes=1,
        **fields,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "most", "whose"),
    [
        ({"max_connections_per_caller": 2}, 9, "you have 2"),
        ({"max_connections_per_address": 2}, 9, "your address has 2"),
        ({}, 2, "this server has 2"),
    ],
)
def test_connections_are_limited_and_a_place_given_back_is_free_again(
    fields: dict[str, int], most: int, whose: str
) -> None:
    quotas = Quotas(limits(**fields), most)
    seats = [quotas.enter("c", "a", 0.0) for _ in range(2)]
    with pytest.raises(ProblemError, match=whose):
        quotas.enter("c", "a", 0.0)
    seats[0].leave()
    seats[0].leave()
    quotas.enter("c", "a", 0.0)
    with pytest.raises(ProblemError, match=whose):
        quotas.enter("c", "a", 0.0)


def test_the_account_of_one_who_left_is_forgotten_once_its_rate_has_recovered() -> None:
    quotas = Quotas(limits(max_submits_per_s=1, max_submit_burst=5), 9)
    connection_slot = quotas.enter("c", "a", 0.0)
    connection_slot.quota.submit(0.0)
    quotas.drop_idle(0.5)
    connection_slot.leave()
    quotas.drop_idle(0.5)
    assert quotas.of("c", 0.5) is connection_slot.quota
    quotas.drop_idle(1.5)
    assert quotas.of("c", 1.5) is not connection_slot.quota
