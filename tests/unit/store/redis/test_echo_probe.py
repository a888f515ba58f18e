"""What the probe's echoes say of a connection."""

import pytest

from tidings.store.redis.echo_probe import EchoProbe

ECHO = "echo"
"""The probe came back."""
OTHER = "other"
"""Something else came."""
TAKEN = "taken"
"""The store took the probe, and nothing came."""
REFUSED = "refused"
"""The store did not answer the publish, and nothing came."""


def after(*intervals: str) -> EchoProbe:
    probe = EchoProbe()
    for what in intervals:
        if what in (ECHO, OTHER):
            probe.heard()
        if what == ECHO:
            probe.echoed()
        probe.interval(taken=what != REFUSED)
    return probe


@pytest.mark.parametrize(
    ("intervals", "deaf", "dead"),
    [
        ((), False, False),
        ((ECHO,), False, False),
        ((TAKEN,), False, False),
        ((ECHO, TAKEN), False, False),  # as a process finds it that was stopped for a while
        ((ECHO, TAKEN, TAKEN), True, True),
        ((TAKEN, ECHO, TAKEN), False, False),
        ((ECHO, REFUSED, REFUSED), True, False),  # the store is paused, or calls do not reach it
        ((ECHO, *[REFUSED] * 100), True, False),
        ((REFUSED, TAKEN, REFUSED, TAKEN), True, True),
        ((OTHER, OTHER, OTHER), True, False),  # much to read, and the echo behind it
        ((TAKEN, TAKEN, ECHO), False, False),
    ],
)
def test_two_intervals_without_an_echo_are_deaf_and_dead_if_the_store_took_the_probes(
    intervals: tuple[str, ...], deaf: bool, dead: bool
) -> None:
    probe = after(*intervals)
    assert (probe.deaf, probe.dead) == (deaf, dead)
