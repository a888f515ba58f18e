"""Places: so many for each holder, so many in all, and a place given back is free again."""

import pytest

from tidings.contract.frame import Limits
from tidings.contract.problem import ProblemError
from tidings_server.account import Accounts, Share
from tidings_server.auth.identity import ANYONE, SCOPES, Identity
from tidings_server.caller import share_of
from tidings_server.places import Places


@pytest.mark.parametrize(
    ("each", "most", "holders", "says"),
    [(2, 9, "aa", "you have 2 boats; at most 2"), (9, 2, "ab", "this server has 2 boats; at most 2")],
)
def test_no_more_places_are_held_than_may_be(each: int, most: int, holders: str, says: str) -> None:
    places = Places("you have", "boats", each, most)
    for holder in holders:
        places.take(holder)
    with pytest.raises(ProblemError, match=says) as refused:
        places.take("a")
    assert refused.value.problem.retry_after == 5
    places.leave("a")
    places.take("a")
    assert places.total == 2


def test_what_is_held_in_any_case_is_counted_beyond_the_limit() -> None:
    places = Places("you have", "boats", 1, 1)
    places.add("a")
    places.add("a")
    assert places.total == 2
    places.leave("a")
    with pytest.raises(ProblemError):
        places.take("a")


def limits(**fields: int) -> Limits:
    return Limits(max_frame_bytes=1, max_depth=1, max_in_flight=1, max_watches=1, max_waiting_bytes=1, **fields)


def test_an_owner_and_an_address_of_one_name_have_accounts_of_their_own() -> None:
    owner = share_of(Identity(owner="127.0.0.1", scopes=SCOPES), "127.0.0.1")
    stranger = share_of(ANYONE, "127.0.0.1")
    assert (owner, stranger) == (Share("owner", "127.0.0.1"), Share("address", "127.0.0.1"))
    accounts = Accounts(limits(), 9)
    assert accounts.of(owner, 0.0) is not accounts.of(stranger, 0.0)


def test_a_request_is_counted_while_it_is_under_way_and_no_longer() -> None:
    accounts = Accounts(limits(max_connections_per_caller=1, max_connections_per_address=2), 9)
    with accounts.request("c", "a"):
        with pytest.raises(ProblemError, match="you have 1 requests under way"), accounts.request("c", "a"):
            pass
        with (
            accounts.request("d", "a"),
            pytest.raises(ProblemError, match="your address has 2 requests under way"),
            accounts.request("e", "a"),
        ):
            pass
    with pytest.raises(ValueError, match="broken"), accounts.request("c", "a"):
        raise ValueError("broken")
    with accounts.request("c", "a"):
        pass


def test_a_long_poll_is_a_connection_and_a_watch() -> None:
    accounts = Accounts(limits(max_watches_per_caller=1), 9)
    with accounts.watching("c", "a", 0.0):
        assert accounts.connections == 1
        with pytest.raises(ProblemError, match="you watch 1 jobs"), accounts.watching("c", "a", 0.0):
            pass
        assert accounts.connections == 1
    assert accounts.connections == 0
    with accounts.watching("c", "a", 0.0):
        pass
