"""What becomes of single messages, and when pauses come: by the seed alone."""

import itertools

import pytest

from tidings_cli.lab.lab import pause_times
from tidings_cli.lab.message_faults import MAX_LOST, RETRANSMIT_S, MessageFaults
from tidings_cli.lab.simulation import LinkFaults, Pause


def fates(faults: LinkFaults, seed: int = 1, count: int = 10_000, name: str = "client") -> list[float | None]:
    weather = MessageFaults(name, faults, seed)
    weather.calm = False
    there, _back = weather.connection()
    return [there() for _ in range(count)]


def test_the_same_seed_makes_the_same_fates_and_another_others() -> None:
    faults = LinkFaults(latency_s=0.05, jitter_s=0.02, loss=0.1, reset=0.01)
    assert fates(faults) == fates(faults)
    assert fates(faults) != fates(faults, seed=2)
    assert fates(faults) != fates(faults, name="worker")


def test_the_directions_of_a_connection_and_other_connections_have_their_own() -> None:
    weather = MessageFaults("client", LinkFaults(latency_s=0.05, jitter_s=0.02), 1)
    weather.calm = False
    ends = [fate for _ in range(2) for fate in weather.connection()]
    assert len({fate() for fate in ends}) == 4


def test_a_latency_varies_as_far_as_it_is_said_to() -> None:
    found = [late for late in fates(LinkFaults(latency_s=0.05, jitter_s=0.02)) if late is not None]
    assert len(found) == 10_000
    assert 0.03 <= min(found) < 0.031
    assert 0.069 < max(found) <= 0.07


def test_what_is_lost_comes_later_and_after_many_losses_in_a_row_the_connection_breaks() -> None:
    found = fates(LinkFaults(loss=0.5))
    on_time, once = found.count(0.0), found.count(RETRANSMIT_S)
    assert 4_800 < on_time < 5_200
    assert 2_300 < once < 2_700
    assert 10_000 / 2**MAX_LOST / 2 < found.count(None) < 10_000 / 2**MAX_LOST * 2


def test_connections_break_at_the_rate_that_is_said() -> None:
    assert 60 < fates(LinkFaults(reset=0.01)).count(None) < 150


def test_a_calm_link_lets_everything_pass_at_once() -> None:
    there, back = MessageFaults("client", LinkFaults(latency_s=1, loss=1), 1).connection()
    assert (there(), back()) == (0.0, 0.0)


@pytest.mark.parametrize("seed", range(5))
def test_there_is_one_pause_in_each_stretch_and_it_ends_in_it(seed: int) -> None:
    pause = Pause(lasts_s=2, every_s=10)
    for stretch, at_s in enumerate(itertools.islice(pause_times(pause, seed, "store"), 100)):
        assert 10 * stretch <= at_s <= 10 * stretch + 8
