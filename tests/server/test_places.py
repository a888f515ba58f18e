"""Places: so many for each holder, so many in all, and a place given back is free again."""

import pytest

from tidings.protocol.frames.limits import Limits
from tidings.protocol.problems import ProblemError
from tidings_server.auth.identity import ANYONE, SCOPES, Identity
from tidings_server.jobs.concurrency_limit import ConcurrencyLimit
from tidings_server.jobs.quotas import QuotaKey, Quotas, quota_key_of


@pytest.mark.parametrize(
    ("each", "most", "holders", "says"),
    [(2, 9, "aa", "you have 2 boats; at most 2"), (9, 2, "ab", "this server has 2 boats; at most 2")],
)
def test_no_more_places_are_held_than_may_be(each: int, most: int, holders: str, says: str) -> None:
    places = ConcurrencyLimit("you have", "boats", each, most)
    for holder in holders:
        places.take(holder)
    with pytest.raises(ProblemError, match=says) as refused:
        places.take("a")
    assert refused.value.problem.retry_after == 5
    places.leave("a")
    places.take("a")
    assert places.total == 2


def test_what_is_held_in_any_case_is_counted_beyond_the_limit() -> None:
    places = ConcurrencyLimit("you have", "boats", 1, 1)
    places.add("a")
    places.add("a")
    assert places.total == 2
    places.leave("a")
    with pytest.raises(ProblemError):
        places.take("a")


def limits(**fields: int) -> Limits:
    return Limits(max_frame_bytes=1, max_depth=1, max_in_flight=1, max_watches=1, max_waiting_bytes=1, **fields)


def test_an_owner_and_an_address_of_one_name_have_accounts_of_their_own() -> None:
    owner = quota_key_of(Identity(owner="127.0.0.1", scopes=SCOPES), "127.0.0.1")
    stranger = quota_key_of(ANYONE, "127.0.0.1")
    assert (owner, stranger) == (QuotaKey("owner", "127.0.0.1"), QuotaKey("address", "127.0.0.1"))
    quotas = Quotas(limits(), 9)
    assert quotas.of(owner, 0.0) is not quotas.of(stranger, 0.0)


def test_a_request_is_counted_while_it_is_under_way_and_no_longer() -> None:
    quotas = Quotas(limits(max_connections_per_caller=1, max_connections_per_address=2), 9)
    with quotas.request("c", "a"):
        with pytest.raises(ProblemError, match="you have 1 requests under way"), quotas.request("c", "a"):
            pass
        with (
            quotas.request("d", "a"),
            pytest.raises(ProblemError, match="your address has 2 requests under way"),
            quotas.request("e", "a"),
        ):
            pass
    with pytest.raises(ValueError, match="broken"), quotas.request("c", "a"):
        raise ValueError("broken")
    with quotas.request("c", "a"):
        pass


def test_a_long_poll_is_a_connection_and_a_watch() -> None:
    quotas = Quotas(limits(max_watches_per_caller=1), 9)
    with quotas.watching("c", "a", 0.0):
        assert quotas.connections == 1
        with pytest.raises(ProblemError, match="you watch 1 jobs"), quotas.watching("c", "a", 0.0):
            pass
        assert quotas.connections == 1
    assert quotas.connections == 0
    with quotas.watching("c", "a", 0.0):
        pass
