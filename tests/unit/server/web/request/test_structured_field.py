"""A header that is a structured field says the same as without its quotes."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.timeouts import scaled
from tidings_server.web.request.structured_field import plain_text

VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=80)


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("order-17", "order-17"),
        ('"order-17"', "order-17"),
        ('"say \\"hi\\" \\\\"', 'say "hi" \\'),
        ('"order-17";attempt=2', "order-17"),
        ('"order-17"; attempt="b"; last', "order-17"),
        ('""', ""),
        ('"order-17', '"order-17'),
        ('"', '"'),
        ('"a"b"', '"a"b"'),
        ('"a\\b"', '"a\\b"'),
        ('"a" b', '"a" b'),
        ("'order-17'", "'order-17'"),
        ('order"17', 'order"17'),
    ],
)
def test_quotes_and_parameters_are_not_part_of_what_a_header_says(header: str, text: str) -> None:
    assert plain_text(header) == text


@given(VISIBLE)
def test_a_text_in_quotes_is_the_text(text: str) -> None:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert plain_text(quoted) == text
    assert plain_text("x" + text) == "x" + text


@pytest.mark.parametrize(
    "text", ['"' + "a" * 60_000, '"a"' + ";a=b " * 12_000 + '"', '"a"' + "; " * 30_000, " " * 60_000]
)
def test_a_long_header_costs_time_in_proportion(text: str) -> None:
    start = perf_counter()
    plain_text(text)
    assert perf_counter() - start < scaled(0.5)
