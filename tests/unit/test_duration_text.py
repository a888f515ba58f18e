"""Durations as people type and read them."""

import pytest

from tidings.duration_text import duration_text, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3_600), ("2d", 172_800), ("1.5h", 5_400), ("0s", 0)]
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "5", "-5s", "5 s", "5ms", "5x", "1e3s", ".5s", "5.s", "5S", "٣s", "5ss"])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration(text)


def test_the_caller_says_which_units_there_are_and_what_a_bare_number_has() -> None:
    assert parse_duration("5ms", ("ms", "s")) == pytest.approx(0.005)
    assert parse_duration("5", bare="m") == 300
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration("5h", ("ms", "s"), bare="h")
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration("", bare="nonsense")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0015, "1.5 ms"),
        (0.32, "320 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1 s"),
        (2.414, "2.41 s"),
        (999.4, "999 s"),
        (12_345.6, "12346 s"),
    ],
)
def test_a_duration_has_three_digits_and_no_exponent(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
