"""When a handler that reports progress lets the event loop do its other work."""

from types import SimpleNamespace

import pytest

from demo.recorder import Recorder
from tidings import Context
from tidings.context import context as context_module


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(context_module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def yields(ctx: Context, clock: Clock, *stretches_s: float) -> list[bool]:
    """Report progress after stretches of work; return of each call whether it let the loop go on."""
    found = []
    for stretch in stretches_s:
        clock.now += stretch
        call = ctx.progress(1, 2)
        try:
            call.send(None)
        except StopIteration:
            found.append(False)
        else:
            with pytest.raises(StopIteration):
                call.send(None)
            found.append(True)
    return found


def test_a_handler_yields_once_it_has_worked_for_a_millisecond(clock: Clock) -> None:
    sink = Recorder()
    assert yields(Context(sink), clock, 0.0, 0.0005, 0.0006, 0.0005, 0.002) == [False, False, True, False, True]
    assert len(sink.progresses) == 5
