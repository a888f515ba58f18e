"""How long a model's service wants a client to wait."""

import time
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import pytest

from tidings.ai import retry_after


def error(headers: Any) -> Exception:
    found = Exception("429")
    found.response = SimpleNamespace(headers=headers)  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3), ("0.5", 0.5), ("-1", 0), ("1e9", 86_400), ("nan", 7), ("soon", 7), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_what_the_header_says_is_bounded_and_what_means_nothing_is_passed_over(text: str, seconds: float) -> None:
    assert retry_after(error({"retry-after": text}), 7) == seconds


def test_a_date_counts_from_now() -> None:
    found = retry_after(error({"retry-after": formatdate(time.time() + 100, usegmt=True)}))
    assert found is not None
    assert 90 < found <= 100


@pytest.mark.parametrize("none", [Exception(), error(None), error({}), error({"retry-after": 5})])
def test_where_nothing_is_said_there_is_a_default(none: Exception) -> None:
    assert (retry_after(none), retry_after(none, 5)) == (None, 5)
