"""The limit on log lines of one cause."""

from structlog.testing import CapturingLogger

from tidings.logging.log_limit import MAX_CAUSES, LogLimiter


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def limiter() -> tuple[LogLimiter, CapturingLogger, Clock]:
    logger, clock = CapturingLogger(), Clock()
    return LogLimiter(logger, lines=2, window_s=10, clock=clock), logger, clock


def test_of_twenty_thousand_lines_of_one_cause_some_are_written_and_the_others_counted() -> None:
    limit, logger, clock = limiter()
    for number in range(20_000):
        limit.error("broke", cause="p", number=number)
    assert [call.kwargs["number"] for call in logger.calls] == [0, 1]
    clock.now = 10
    limit.error("broke", cause="p", number=-1)
    assert logger.calls[2].args == ("lines_left_out",)
    assert logger.calls[2].kwargs == {"of": "broke", "lines": 19_998, "seconds": 10, "cause": "p"}
    assert logger.calls[3].kwargs == {"number": -1}


def test_another_cause_is_not_held_back_and_tells_what_was_left_out_before() -> None:
    limit, logger, clock = limiter()
    for _ in range(3):
        limit.warning("a")
    limit.info("b")
    assert [call.args[0] for call in logger.calls] == ["a", "a", "b"]
    clock.now = 10
    limit.info("c")
    assert [call.args[0] for call in logger.calls[3:]] == ["lines_left_out", "c"]


def test_the_number_of_causes_is_bounded() -> None:
    limit, logger, _ = limiter()
    for number in range(MAX_CAUSES + 1_000):
        limit.warning("a", cause=str(number))
    assert len(logger.calls) == MAX_CAUSES + 2
