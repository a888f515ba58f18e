"""The factor by which tests scale their waits."""

import pytest

from support.timeouts import MOST, REFERENCE_S, VARIABLE, factor, measured_factor, scaled


@pytest.mark.parametrize(
    ("seconds", "load", "cores", "wanted"),
    [
        (REFERENCE_S, 1, 2, 1),  # the reference machine, quiet
        (REFERENCE_S / 2, 0, 64, 1),  # a faster one does not wait less
        (3 * REFERENCE_S, 1, 2, 3),  # a third as fast
        (REFERENCE_S, 10, 2, 5),  # five processes for each core
        (3 * REFERENCE_S, 10, 2, 15),
        (3 * REFERENCE_S, 1000, 2, MOST),
    ],
)
def test_it_is_how_slow_the_machine_is_times_how_many_compete_for_a_core(
    seconds: float, load: float, cores: int, wanted: float
) -> None:
    assert measured_factor(seconds, load, cores) == pytest.approx(wanted)


def test_the_measured_one_is_within_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert 1 <= factor() <= MOST


@pytest.mark.parametrize(("said", "wanted"), [("2.5", 2.5), ("100", 100), ("0.1", 1)])
def test_the_environment_fixes_it_but_never_below_one(
    monkeypatch: pytest.MonkeyPatch, said: str, wanted: float
) -> None:
    monkeypatch.setenv(VARIABLE, said)
    assert scaled(10) == 10 * wanted


def test_the_end_of_a_test_that_hangs_is_scaled_too(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("timeout")
    assert marker is not None
    assert marker.args[0] >= 120
