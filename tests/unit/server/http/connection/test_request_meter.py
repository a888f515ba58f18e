"""The measures of a request: what has no end is refused as it comes."""

import pytest

from tidings_server.http.connection.request_meter import CHUNK_OVERHEAD, MAX_FIELDS, RequestMeter
from tidings_server.settings import ServerSettings

SETTINGS = ServerSettings(max_url_bytes=1_000, max_header_bytes=2_000, max_batch_bytes=100_000)


@pytest.fixture
def meter() -> RequestMeter:
    return RequestMeter(SETTINGS)


def test_a_head_and_a_trailer_have_their_fields_counted_apart(meter: RequestMeter) -> None:
    assert [meter.add_field() for _ in range(MAX_FIELDS)] == [None] * MAX_FIELDS
    refused = meter.add_field()
    assert refused is not None
    assert (refused.status, refused.detail) == (431, f"head of more than {MAX_FIELDS} fields")
    assert meter.end_head(b"/", []) is None
    assert meter.add_field() is None


def test_a_head_without_an_end_is_refused_by_its_bytes(meter: RequestMeter) -> None:
    assert meter.add_head(3_000) is None
    refused = meter.add_head(1)
    assert refused is not None
    assert (refused.status, refused.code, refused.limit) == (431, "too_large", 3_000)


@pytest.mark.parametrize(("url", "value", "status"), [(1_001, 1, 414), (1, 2_000, 431), (1_000, 1_999, None)])
def test_url_and_headers_have_a_limit_each(meter: RequestMeter, url: int, value: int, status: int | None) -> None:
    refused = meter.end_head(b"/" * url, [(b"x", b"y" * value)])
    assert (None if refused is None else refused.status) == status


def test_the_framing_of_a_body_may_grow_with_its_bytes(meter: RequestMeter) -> None:
    meter.body_bytes = 100
    assert meter.add_framing(2_000 + 100 * CHUNK_OVERHEAD) is None
    assert meter.add_framing(1) is not None


def test_with_the_next_request_every_measure_begins_again(meter: RequestMeter) -> None:
    meter.add_head(3_000)
    meter.end_head(b"/", [])
    meter.body_bytes = 7
    meter.begin()
    assert (meter.in_head, meter.body_bytes, meter.add_head(3_000)) == (True, 0, None)


def test_what_comes_after_the_response_is_dropped_up_to_a_limit(meter: RequestMeter) -> None:
    assert [meter.drop(60_000), meter.drop(60_000)] == [False, True]
