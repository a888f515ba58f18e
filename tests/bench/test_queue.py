"""Queues alone: the figures, the page, and the harness against Tidings. What is asserted are counts, never times."""

import msgspec
import pytest
from bench.peer import find_peer, peer_names
from bench.queue.measure import measure
from bench.queue.page import PROMISES, losses, page, promises, tables
from bench.queue.result import Figures, Report, Result, Round, median_of, to_round

ROUND = Round(
    jobs_per_s=1000,
    reply_ms={},
    cpu_us_per_job={"client": 10, "worker": 80, "store": 30.4},
    rss_mb={"client": 47, "worker": 71, "store": 10},
    others_busy=0.02,
)


def result(peer: str, scenario: str = "drain", figures: Round = ROUND) -> Result:
    return Result(peer=peer, scenario=scenario, amount=2000, rounds=[figures], median=figures)


def with_rate(jobs_per_s: float) -> Round:
    return msgspec.structs.replace(ROUND, jobs_per_s=jobs_per_s)


def with_reply(*percentiles: float) -> Round:
    return msgspec.structs.replace(ROUND, reply_ms=dict(zip(("p50", "p99", "p99.9"), percentiles, strict=False)))


@pytest.mark.parametrize(
    ("scenario", "amount", "processes"),
    [
        ("drain", 300, {"client", "worker", "store"}),
        ("enqueue", 300, {"client", "store"}),
        ("reply", 0.2, {"client", "worker", "store"}),
    ],
)
def test_tidings_is_measured(scenario: str, amount: float, processes: set[str]) -> None:
    alone = find_peer("tidings").alone
    assert alone is not None
    found = measure(alone, scenario, amount)
    assert found.jobs_per_s > 0
    assert set(found.cpu_us_per_job) == set(found.rss_mb) == processes
    assert all(found.rss_mb.values())
    assert bool(found.reply_ms) == (scenario == "reply")


def test_a_client_that_fails_is_not_waited_for() -> None:
    alone = find_peer("tidings").alone
    assert alone is not None
    with pytest.raises(RuntimeError, match="client failed"):
        measure(alone._replace(client=("false",)), "drain", 1)


def test_figures_are_for_one_job_and_one_second() -> None:
    found = to_round(
        Figures(jobs=400, seconds=2.0, reply_ms={}), {"client": 0.1, "worker": 0.5}, 0.8, {"worker": 51.23}
    )
    assert (found.jobs_per_s, found.rss_mb) == (200, {"worker": 51.2})
    assert found.cpu_us_per_job == {"client": 250, "worker": 1250}  # 0.1 s, 0.5 s / 400 jobs
    assert found.others_busy == 0.1  # (0.8 s - 0.1 s - 0.5 s) / 2 s


def test_of_several_rounds_the_median_counts_and_of_disturbance_the_worst() -> None:
    rounds = [
        msgspec.structs.replace(ROUND, jobs_per_s=rate, reply_ms={"p50": rate / 10}, others_busy=busy)
        for rate, busy in [(30.0, 0.1), (10.0, 0.3), (20.0, 0.2)]
    ]
    found = median_of(rounds)
    assert (found.jobs_per_s, found.reply_ms, found.others_busy) == (20, {"p50": 2}, 0.3)


def test_a_row_compares_with_tidings_in_the_same_scenario() -> None:
    text = tables(
        [
            result("tidings"),
            result("arq", figures=with_rate(250)),
            result("tidings", "reply", with_reply(2.0, 12.4, 20)),
        ]
    )
    assert "2,000 no-op jobs lie queued" in text
    assert "| arq | 250 | 0.25 | 10 + 80 + 30 | 47 + 71 + 10 | 2% |" in text
    assert "| Tidings | 2.00 / 12 / 20 | 1.00 | 10 + 80 + 30 |" in text


def test_where_another_is_better_is_said_whichever_way_better_is() -> None:
    results = [
        result("tidings"),
        result("bullmq", figures=with_rate(1500)),
        result("arq", figures=with_rate(500)),
        result("tidings", "reply", with_reply(2.0)),
        result("bullmq", "reply", with_reply(1.0)),
        result("arq", "reply", with_reply(5.0)),
    ]
    assert [line for line in losses(results).splitlines() if line.startswith("-")] == [
        "- drain: BullMQ, 1.50",  # 1500 / 1000
        "- reply: BullMQ, 2.00",  # 2 ms / 1 ms
    ]


def test_that_none_is_better_is_said_only_where_tidings_was_measured() -> None:
    assert losses([result("tidings"), result("arq", figures=with_rate(1))]).startswith("In no row")
    assert "not measured" in losses([result("arq")])


def test_a_system_of_which_no_round_came_to_its_end_keeps_its_row_and_says_why() -> None:
    lost = Result(peer="arq", scenario="drain", amount=2000, rounds=[], median=None, failures=["it hung.", "again"])
    text = tables([result("tidings"), lost])
    assert "| arq | - | - | - | - | - |" in text
    assert "arq: 2 rounds failed: it hung." in text
    assert losses([result("tidings"), lost]).startswith("In no row")


def test_every_system_says_what_it_promises() -> None:
    lines = promises().splitlines()
    systems = [name for name in peer_names() if name != "ceiling"]
    assert len(lines) == 2 + len(systems)
    assert lines[2].startswith("| Tidings |")
    assert {line.count("|") for line in lines} == {len(PROMISES) + 2}


def test_the_page_says_what_it_was_measured_on() -> None:
    facts = {"processor": "2 cores of Some CPU", "kernel": "Linux 6"}
    text = page(Report(rounds=3, machine=facts, peers={"arq": "0.28.0"}, results=[result("tidings")]))
    assert "medians of 3 rounds" in text
    assert "Measured on 2 cores of Some CPU; kernel Linux 6. The others are made of arq 0.28.0." in text
