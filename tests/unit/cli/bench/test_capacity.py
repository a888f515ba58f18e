"""What is recommended: against what queueing theory knows exactly, and where nothing can be recommended."""

import math
import random

import msgspec
import pytest

from tidings.metrics.percentiles import quantile
from tidings_cli.bench.bench_report import recommendation_lines
from tidings_cli.bench.figures import DurationSummary, Figures, slope, summarize_durations
from tidings_cli.bench.sizing import LatencyObjective, advise, simulate_queue, smallest_sufficient


def flat(seconds: float) -> DurationSummary:
    return DurationSummary(mean=seconds, p50=seconds, p95=seconds, p99=seconds)


MEASURED = Figures(
    kind="k",
    seconds=10,
    jobs=1_000,
    in_flight=16,
    offered=None,
    workers=2,
    throughput=80,
    success=1,
    failures={},
    ack=flat(0.001),
    wait=flat(0.1),
    run=flat(0.1),
    total=flat(0.21),
    running=8,
    waiting=8,
    backlog_growth=None,
    saturated=True,
    cancelled=0,
    held_back=0,
)


def exponential(mean: float, count: int = 20_000) -> list[float]:
    draw = random.Random(3)
    return [draw.expovariate(1 / mean) for _ in range(count)]


def test_playing_agrees_with_the_formula_for_one_slot() -> None:
    # M/M/1 at a load of 0.5: the time in the system is exponential with mean 1/(μ-λ) = 1/(10-5) s, so p90 = 0.2 ln 10.
    assert simulate_queue(exponential(0.1), 5, 1, 0.9) == pytest.approx(0.2 * math.log(10), rel=0.1)


def test_with_more_slots_than_are_ever_busy_only_the_work_counts() -> None:
    assert simulate_queue([0.1], 10, 1_000, 0.99) == pytest.approx(0.1)


def test_little_s_law_gives_the_load_and_without_an_objective_seven_tenths_are_busy() -> None:
    advice = advise(MEASURED, [0.1], 100, None)
    assert advice.load == pytest.approx(10)  # 100/s times 0.1 s
    assert advice.slots == 15  # 10 / 0.7 = 14.3
    assert advice.busy == pytest.approx(2 / 3)
    assert advice.workers == 4  # each ran 8 / 2 = 4 at a time


def test_an_objective_takes_as_many_slots_as_keep_it_and_no_more() -> None:
    runs = exponential(0.1)
    advice = advise(MEASURED, runs, 100, LatencyObjective(0.99, 0.55))
    assert advice.slots is not None
    assert advice.expected is not None
    assert advice.expected <= 0.55
    overhead = 0.01  # total less waiting and running
    assert overhead + simulate_queue(runs, 100, advice.slots - 1, 0.99) > 0.55


def test_where_the_work_alone_takes_longer_no_number_of_slots_helps() -> None:
    advice = advise(MEASURED, [0.1], 100, LatencyObjective(0.99, 0.1))  # 0.1 s and 0.01 s on the way
    assert (advice.slots, advice.workers) == (None, None)
    assert "No number of slots keeps that: p99 of the work alone is 110 ms." in "\n".join(
        recommendation_lines(advice, MEASURED)
    )


def test_workers_that_were_not_seen_at_their_limit_are_not_counted() -> None:
    idle = msgspec.structs.replace(MEASURED, saturated=False)
    advice = advise(idle, [0.1], 100, None)
    assert advice.workers is None
    assert "measure with more in flight (--in-flight 32)" in "\n".join(recommendation_lines(advice, idle))


@pytest.mark.parametrize("wanted", [1, 2, 3, 17, 64, 1_000])
def test_the_fewest_that_are_enough_are_found(wanted: int) -> None:
    assert smallest_sufficient(lambda count: count >= wanted, 1) == wanted


def test_if_nothing_is_enough_it_is_said() -> None:
    assert smallest_sufficient(lambda _count: False, 1) is None


def test_a_quantile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [quantile(values, share) for share in (0.5, 0.95, 0.99, 1)] == [50, 95, 99, 100]
    assert quantile([7.0], 0.5) == 7
    assert summarize_durations([]) is None
    assert summarize_durations([3.0, 1.0, 2.0]) == DurationSummary(mean=2, p50=2, p95=3, p99=3)


def test_the_slope_of_a_backlog_is_its_growth() -> None:
    assert slope([(0, 5), (1, 7), (2, 9)]) == pytest.approx(2)
    assert slope([(0, 5)]) == 0
    assert slope([]) == 0
