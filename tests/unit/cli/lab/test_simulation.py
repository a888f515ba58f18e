"""The grammar of `--simulate`: what it says, and what is refused with which words."""

import pytest

from tidings_cli.lab.simulation import (
    EXAMPLE,
    Link,
    LinkFaults,
    Part,
    Pause,
    Simulation,
    SimulationError,
    parse_simulation,
)
from tidings_cli.lab.simulation_text import describe


def test_the_example_means_what_it_says() -> None:
    everywhere = LinkFaults(latency_s=0.05, jitter_s=0.02, loss=0.01)
    assert parse_simulation(EXAMPLE) == Simulation(dict.fromkeys(Link, everywhere), 0.05, {Part.STORE: Pause(2, 30)})


@pytest.mark.parametrize(
    ("text", "latency_s", "jitter_s"),
    [
        ("latency=50ms", 0.05, 0),
        ("latency=50ms±20", 0.05, 0.02),
        ("latency=50ms+-20", 0.05, 0.02),
        ("latency=1s±200ms", 1, 0.2),
        ("latency=0.5s±0.25", 0.5, 0.25),
    ],
)
def test_a_latency_may_vary_and_what_varies_has_the_unit_before_it(
    text: str, latency_s: float, jitter_s: float
) -> None:
    assert parse_simulation(text).links[Link.CLIENT] == LinkFaults(latency_s=latency_s, jitter_s=jitter_s)


@pytest.mark.parametrize("turned", [False, True])
def test_what_is_said_of_one_link_comes_before_what_is_said_of_more(turned: bool) -> None:
    parts = ["latency=10ms", "store.latency=20ms", "worker.latency=30ms", "client.reset=2%"]
    links = parse_simulation(", ".join(reversed(parts) if turned else parts)).links
    assert links == {
        Link.CLIENT: LinkFaults(latency_s=0.01, reset=0.02),
        Link.SERVER: LinkFaults(latency_s=0.02),
        Link.WORKER: LinkFaults(latency_s=0.03),
    }


def test_a_link_on_which_nothing_happens_is_left_out() -> None:
    assert parse_simulation("client.loss=0%,worker.loss=1%").links == {Link.WORKER: LinkFaults(loss=0.01)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'' is not of the form FAULT=VALUE; an example: latency=50ms±20,"),
        ("latency", "'latency' is not of the form FAULT=VALUE"),
        ("latency=", "'latency=' is not of the form FAULT=VALUE"),
        ("latency=50ms,", "'' is not of the form"),
        ("latency=50", "latency=50: a latency is a time in ms or s, with ± (or +-)"),
        ("client.latency=50ms±", "such as client.latency=50ms or client.latency=50ms±20"),
        ("latency=31s", "latency=31s: a latency is at most 30 s"),
        ("latency=50ms±60", "latency=50ms±60: what varies is at most the latency itself"),
        ("loss=1", "loss=1: a rate is from 0% to 100%, such as loss=1% or loss=0.5%"),
        ("reset=101%", "reset=101%: a rate is from 0% to 100%"),
        ("worker-crash=often", "worker-crash=often: a rate is from 0% to 100%"),
        ("store-pause=2s", "store-pause=2s: a pause is how long it lasts, a stroke and how often it comes"),
        ("store-pause=2/30", "such as store-pause=2s/30s: one of 2 s in every 30 s"),
        ("store-pause=30s/30s", "a pause lasts more than 0 s and less than the time in which it comes once"),
        ("store-pause=0s/30s", "a pause lasts more than 0 s"),
        ("store-pause=1m/61m", "which is at most an hour"),
        ("latencies=5ms", "'latencies' is no fault: there are latency, loss and reset"),
        ("network.latency=5ms", "'network.latency' is no fault"),
        (".latency=5ms", "'.latency' is no fault"),
        ("client.worker-crash=5%", "'client.worker-crash' is no fault"),
        ("loss=1%,loss=2%", "loss is given twice: 1% and 2%"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed_and_an_example(text: str, says: str) -> None:
    with pytest.raises(SimulationError) as refused:
        parse_simulation(text)
    assert says in str(refused.value)


def test_it_is_told_in_words() -> None:
    faults = "client.latency=50ms±20,store.loss=1%,worker.reset=0.5%,worker-crash=5%,store-pause=2s/1m"
    assert list(describe(parse_simulation(faults))) == [
        ("clients ↔ server", "each message 30 to 70 ms late, each way"),
        ("server ↔ store", "1 in 100 messages lost and sent again, 200 ms or more later"),
        ("worker ↔ store", "1 in 100 messages lost and sent again, 200 ms or more later"),
        ("worker ↔ store", "connections break at 1 in 200 messages"),
        ("worker", "killed under 1 in 20 attempts, and started again"),
        ("store", "stands still for 2 s, once in every 60 s"),
    ]
