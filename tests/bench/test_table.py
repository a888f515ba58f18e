import msgspec
import pytest
from bench.result import Report, Result, Round, median_of
from bench.table import COLUMNS, page, table

ROUND = Round(
    jobs_per_s=7408.2,
    progress_per_job=3,
    early=0,
    errors=0,
    ack_ms={"p50": 0.58, "p99": 1.204, "p99.9": 12.4},
    reply_ms={"p50": 25.31, "p99": 56, "p99.9": 70.5},
    cpu_us_per_job={"server": 66.7, "worker": 35, "store": 73, "generator": 20},
    busy={"server": 0.49, "worker": 0.26, "store": 0.54, "generator": 0.148},
    others_busy=0.02,
    rss_mb={"server": 70.4, "worker": 60, "store": 12},
)


def result(scenario: str, peer: str = "tidings", figures: Round = ROUND) -> Result:
    return Result(peer=peer, scenario=scenario, rounds=[figures], median=figures)


def cells(line: str) -> dict[str, str]:
    return dict(zip(COLUMNS, (cell.strip() for cell in line.strip("|").split("|")), strict=True))


def test_a_row_holds_the_figures_under_their_headings() -> None:
    row = cells(table([result("closed_loop")]).splitlines()[2])
    assert row["system"] == "Tidings"
    assert row["jobs/s"] == "7,408"
    assert row["ack p50 / p99 / p99.9, ms"] == "0.58 / 1.20 / 12"
    assert row["CPU a job, µs: server + worker + store"] == "67 + 35 + 73"
    assert row["load generator: CPU a job, µs; busy"] == "20; 15%"
    assert (row["progress a job"], row["early"], row["errors"], row["others busy"]) == ("3", "0", "0", "2%")


def test_a_row_leaves_out_what_its_scenario_is_not_about() -> None:
    row = cells(table([result("reply_latency")]).splitlines()[2])
    assert (row["jobs/s"], row["ack p50 / p99 / p99.9, ms"]) == ("-", "-")
    assert row["result p50 / p99 / p99.9, ms"] == "25 / 56 / 70"


def test_a_process_that_a_peer_does_not_have_is_left_out() -> None:
    lone = msgspec.structs.replace(ROUND, rss_mb={"server": 33})
    assert cells(table([result("closed_loop", "ceiling", lone)]).splitlines()[2])[
        "memory, MB: server + worker + store"
    ] == ("33 + - + -")


def test_all_rows_have_as_many_cells_as_there_are_headings() -> None:
    lines = table([result("closed_loop"), result("ack_latency")]).splitlines()
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 1}


@pytest.mark.parametrize(("settings", "said"), [([], False), (["TIDINGS_SLOTS"], True)])
def test_the_page_says_what_it_was_measured_on_and_what_was_set(settings: list[str], said: bool) -> None:
    facts = {"processor": "2 cores of Some CPU", "kernel": "Linux 6", "Valkey": "9.1.2"}
    report = Report(rounds=3, seconds=4, warm_up_s=1, machine=facts, settings=settings, results=[result("closed_loop")])
    text = page(report)
    assert "medians of 3 rounds of 4 s" in text
    assert "Measured on 2 cores of Some CPU; kernel Linux 6, Valkey 9.1.2" in text
    assert ("set were TIDINGS_SLOTS" in text) is said


def test_of_several_rounds_the_median_counts_and_of_faults_the_worst() -> None:
    rounds = [
        msgspec.structs.replace(ROUND, jobs_per_s=speed, errors=errors, ack_ms={"p50": speed / 10})
        for speed, errors in [(30.0, 0), (10.0, 2), (20.0, 1)]
    ]
    found = median_of(rounds)
    assert (found.jobs_per_s, found.errors, found.ack_ms) == (20, 2, {"p50": 2})
