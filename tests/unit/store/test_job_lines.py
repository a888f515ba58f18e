"""How long a line of waiting jobs has been open."""

from tidings.store.admin.job_lines import age_s


def test_a_line_that_does_not_say_when_it_was_opened_has_no_age() -> None:
    assert age_s(1_700_000_000_000, 0) == 0
    assert age_s(1_700_000_000_000, 1_699_999_998_500) == 1.5
    assert age_s(1_000, 2_000) == 0, "clocks step back"
