"""What the store's refusals mean: whether it takes nothing now, or whether this process does not know."""

import pytest
import redis.exceptions

from tidings.store.availability.store_errors import (
    CommandDeniedError,
    ScriptError,
    StoreFullError,
    StoreUnavailableError,
    refusal,
    translate,
)

PASSING = [
    "NOREPLICAS Not enough good replicas to write.",
    "READONLY You can't write against a read only replica.",
    "LOADING Valkey is loading the dataset in memory",
    "BUSY Valkey is busy running a script.",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "CLUSTERDOWN Hash slot not served",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
    "MOVED 3999 127.0.0.1:6381",
    "NOAUTH Authentication required.",
    "ERR max number of clients reached",
]


@pytest.mark.parametrize("text", PASSING)
def test_a_store_that_says_it_takes_nothing_now_is_asked_again_later(text: str) -> None:
    assert isinstance(refusal(text), StoreUnavailableError)


@pytest.mark.parametrize("text", ["OOM command not allowed", "MISCONF Errors writing to the AOF file"])
def test_one_that_has_no_room_is_full(text: str) -> None:
    assert isinstance(refusal(text), StoreFullError)


@pytest.mark.parametrize("text", ["ERR something else", "WHATEVER", "", "ILLEGAL running to queued"])
def test_what_no_one_has_seen_before_is_no_statement_about_the_job(text: str) -> None:
    error = refusal(text)
    assert type(error) is ScriptError
    assert not isinstance(error, StoreUnavailableError)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (redis.exceptions.NoPermissionError("this user has no permissions"), CommandDeniedError),
        (redis.exceptions.MasterDownError("Link with MASTER is down"), StoreUnavailableError),
        (redis.exceptions.ReadOnlyError("You can't write"), StoreUnavailableError),
        (redis.exceptions.ResponseError("NOREPLICAS Not enough good replicas to write."), StoreUnavailableError),
        (redis.exceptions.BusyLoadingError("loading"), StoreUnavailableError),
        (ConnectionResetError("gone"), StoreUnavailableError),
    ],
)
def test_errors_from_which_the_library_has_cut_the_code_mean_the_same(error: Exception, ours: type[Exception]) -> None:
    assert isinstance(translate(error), ours)
