"""Lines of one cause are limited, and how many were left out is told."""

import logging

from tidings_server.observability.log_line_filter import MAX_CAUSES, CauseLimiter, LogLineFilter


class Clock:
    """A clock that stands still until it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_cause_gets_its_burst_and_then_its_rate_and_the_next_line_tells_what_was_left_out() -> None:
    clock = Clock()
    limiter = CauseLimiter(per_s=0.5, burst=2, now=clock)
    assert [limiter.admit("a") for _ in range(5)] == [0, 0, None, None, None]
    assert limiter.admit("b") == 0
    clock.now = 2.0
    assert [limiter.admit("a"), limiter.admit("a")] == [3, None]
    clock.now = 4.0
    assert limiter.admit("a") == 1


def test_causes_without_number_take_no_memory_without_end() -> None:
    limiter = CauseLimiter(per_s=0.5, burst=1, now=Clock())
    for number in range(MAX_CAUSES * 3):
        assert limiter.admit(str(number)) == 0
    assert len(limiter._causes) <= MAX_CAUSES


def test_a_library_s_lines_from_one_place_are_limited() -> None:
    clock = Clock()
    lines = LogLineFilter(CauseLimiter(per_s=1, burst=1, now=clock))

    def record(line: int) -> logging.LogRecord:
        return logging.LogRecord("uvicorn.error", logging.ERROR, "file.py", line, "broken %s", ("it",), None)

    assert lines.filter(record(1))
    assert not lines.filter(record(1))
    assert lines.filter(record(2))
    clock.now = 1.0
    later = record(1)
    assert lines.filter(later)
    assert later.getMessage() == "broken it (1 more like this were left out)"
