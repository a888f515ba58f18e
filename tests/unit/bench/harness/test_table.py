import msgspec
import pytest
from bench.harness.result import Report, Result, Round, median_of
from bench.harness.table import page, table, tables

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


def rows(*results: Result) -> list[dict[str, str]]:
    head, _, *lines = (line.strip("| ").split(" | ") for line in table(list(results)).splitlines() if line[:1] == "|")
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_a_row_holds_the_figures_under_their_headings() -> None:
    [row] = rows(result("closed_loop"))
    assert row["system"] == "Tidings"
    assert row["jobs/s"] == "7,408"
    assert row["ack p50 / p99 / p99.9, ms"] == "0.58 / 1.20 / 12"
    assert row["CPU a job, µs: server + worker + store"] == "67 + 35 + 73"
    assert row["load generator: CPU a job, µs; busy"] == "20; 15%"
    assert (row["early; errors"], row["others busy"]) == ("0; 0", "2%")


def test_a_table_leaves_out_what_its_scenario_is_not_about() -> None:
    [row] = rows(result("reply_latency"))
    assert row["result p50 / p99 / p99.9, ms"] == "25 / 56 / 70"
    assert not {"jobs/s", "ack p50 / p99 / p99.9, ms", "progress a job", "case"} & set(row)


def test_a_process_that_a_peer_does_not_have_is_left_out() -> None:
    lone = msgspec.structs.replace(ROUND, rss_mb={"server": 33})
    assert rows(result("closed_loop", "ceiling", lone))[0]["memory, MB: server + worker + store"] == "33 + - + -"


def test_every_system_is_compared_with_ours_by_the_headline() -> None:
    half = msgspec.structs.replace(ROUND, jobs_per_s=ROUND.jobs_per_s / 2, reply_ms={"p50": 101.24})
    found = rows(result("closed_loop", "ceiling", half), result("closed_loop"))
    assert [row["jobs/s ÷ Tidings"] for row in found] == ["0.50", "1.00"]
    found = rows(result("reply_latency", "ceiling", half), result("reply_latency"))
    assert [row["result p50 ÷ Tidings"] for row in found] == ["4.00", "1.00"]
    assert rows(result("closed_loop", "ceiling"))[0]["jobs/s ÷ Tidings"] == "-"


def test_each_case_is_compared_with_the_same_of_ours_and_cases_stand_together() -> None:
    def of(peer: str, case: str, speed: float) -> Result:
        one = msgspec.structs.replace(ROUND, jobs_per_s=speed)
        return Result(peer=peer, scenario="many_sockets_closed_loop", case=case, rounds=[one], median=one)

    found = rows(of("tidings", "a", 10), of("tidings", "b", 20), of("ceiling", "a", 20), of("ceiling", "b", 30))
    assert [row["case"] for row in found] == ["a", "a", "b", "b"]
    assert [row["jobs/s ÷ Tidings"] for row in found] == ["1.00", "2.00", "1.00", "1.50"]


def test_what_else_a_scenario_found_has_a_column_of_its_own() -> None:
    more = msgspec.structs.replace(ROUND, more={"all ended, ms": 1234.5})
    found = rows(result("burst", figures=more), result("burst", "ceiling"))
    assert [row["all ended, ms"] for row in found] == ["1,234.5", "-"]


@pytest.mark.parametrize(
    ("lacks", "failures", "said"),
    [
        ("it speaks WebSocket only", [], "it speaks WebSocket only."),
        ("", ["it broke\nthere"], "1 rounds failed: it broke."),
    ],
)
def test_who_has_no_figures_has_dashes_and_a_reason(lacks: str, failures: list[str], said: str) -> None:
    none = Result(peer="ceiling", scenario="sse_closed_loop", rounds=[], median=None, lacks=lacks, failures=failures)
    row = rows(result("sse_closed_loop"), none)[1]
    assert row.pop("system") == "ceiling of the load generator"
    assert set(row.values()) == {"-"}
    assert f"ceiling of the load generator: {said}" in table([result("sse_closed_loop"), none])


def test_each_scenario_has_a_table_of_its_own() -> None:
    text = tables([result("closed_loop"), result("ack_latency"), result("closed_loop", "ceiling")])
    assert [line for line in text.splitlines() if line.startswith("#")] == ["## `closed_loop`", "## `ack_latency`"]
    assert text.count("| Tidings |") == 2


@pytest.mark.parametrize(("settings", "said"), [([], False), (["TIDINGS_SLOTS"], True)])
def test_the_page_says_what_it_was_measured_on_and_what_was_set(settings: list[str], said: bool) -> None:
    facts = {"processor": "2 cores of Some CPU", "kernel": "Linux 6", "Valkey": "9.1.2"}
    report = Report(rounds=3, seconds=4, warm_up_s=1, machine=facts, settings=settings, results=[result("closed_loop")])
    text = page(report)
    assert "made of" not in text
    assert "made of arq 1.2." in page(msgspec.structs.replace(report, peers={"arq": "1.2"}))
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
