"""Percentiles, latencies and series, from jobs whose times are known."""

from tidings.metrics.percentiles import nearest_rank_percentiles
from tidings.protocol.frames.overview import Percentiles
from tidings.store.admin.finished_jobs import FinishedJob
from tidings_server.observability import job_statistics

NOW = 1_700_000_000_000


def job(finished: int, total: int, kind: str = "k", state: str = "succeeded") -> FinishedJob:
    """Return a job that waited a quarter of its time (ms)."""
    submitted = finished - total
    started = submitted + total // 4
    times = (str(submitted), str(submitted), str(started))
    return FinishedJob("id", state, "standard", kind, "1", *times, "", "w", "q", finished)


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert nearest_rank_percentiles(float(n) for n in range(1, 101)) == Percentiles(50.0, 95.0, 99.0)
    assert nearest_rank_percentiles([3.0]) == Percentiles(3.0, 3.0, 3.0)
    assert nearest_rank_percentiles([None, 1.0]) == Percentiles(1.0, 1.0, 1.0)
    assert nearest_rank_percentiles([None]) is None


def test_latency_is_of_all_and_of_each_kind_and_who_asked_for_an_end_has_not_failed() -> None:
    jobs = [job(NOW, 400, "a"), job(NOW, 800, "b", "failed"), job(NOW, 800, "b", "cancelled")]
    everything, a, b = job_statistics.latency(jobs)
    assert (everything.kind, everything.count, everything.failed) == ("", 3, 1)
    assert (a.total, a.wait, a.run) == (
        Percentiles(0.4, 0.4, 0.4),
        Percentiles(0.1, 0.1, 0.1),
        Percentiles(0.3, 0.3, 0.3),
    )
    assert (b.kind, b.count, b.failed) == ("b", 2, 1)
    assert job_statistics.latency([]) == []


def test_a_series_has_every_step_and_each_job_in_its_own() -> None:
    told = job_statistics.series([job(NOW, 30), job(NOW - 60_000, 400_000), job(NOW - 3_600_000, 1)], NOW, 10)
    assert told.step == 5
    assert len(told.points) == 120
    assert sum(point.count for point in told.points) == 2  # the last one is too old
    assert told.points[-1].at <= NOW < told.points[-1].at + 5_000
    assert told.points[-1].cells[told.edges.index(0.025) + 1] == 1  # between 25 and 50 ms
    (slow,) = [point for point in told.points if point.cells[-1]]
    assert slow.at <= NOW - 60_000 < slow.at + 5_000
    assert {len(point.cells) for point in told.points} == {len(told.edges) + 1}


def test_however_long_a_series_it_has_few_points() -> None:
    for minutes in (1, 10, 60, 61, 1_440):
        assert len(job_statistics.series([], NOW, minutes).points) <= job_statistics.MAX_POINTS + 1
