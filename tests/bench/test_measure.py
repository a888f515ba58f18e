import msgspec
import pytest
from bench.harness.measure import to_round
from bench.load.tally import Figures

FIGURES = Figures(
    seconds=2.0,
    jobs=400,
    progress=1200,
    early=0,
    errors=0,
    ack_ms={"p50": 1.0},
    reply_ms={"p50": 2.0},
    cpu_s=0.1,
)


def test_figures_are_for_one_job_and_one_second() -> None:
    found = to_round(FIGURES, {"server": 0.5, "generator": 0.1}, 0.8, {"server": 51.23})
    assert (found.jobs_per_s, found.progress_per_job) == (200, 3)
    assert found.cpu_us_per_job == {"server": 1250, "generator": 250}  # 0.5 s, 0.1 s / 400 jobs
    assert found.busy == {"server": 0.25, "generator": 0.05}  # 0.5 s, 0.1 s / 2 s
    assert found.others_busy == 0.1  # (0.8 s - 0.5 s - 0.1 s) / 2 s
    assert found.rss_mb == {"server": 51.2}


def test_a_run_without_jobs_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="no job ended"):
        to_round(msgspec.structs.replace(FIGURES, jobs=0), {}, 0.0, {})
