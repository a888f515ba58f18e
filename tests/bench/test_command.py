"""`python -m bench` as a whole."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bench.__main__ as command
import msgspec
import pytest
from bench.harness.result import Report
from bench.harness.system import System
from bench.peer import Peer, find_peer

ROOT = Path(__file__).parents[2]
OPTIONS = argparse.Namespace(scenario=["reply_latency"], peer=["ceiling"], rounds=2, seconds=0.1, count=None)


def test_it_prints_a_table_and_keeps_every_round(tmp_path: Path) -> None:
    file = tmp_path / "new folder/found.json"
    arguments = ["reply_latency", "--peer", "ceiling", "--rounds", "2", "--seconds", "0.1", "--json", str(file)]
    said = subprocess.check_output([sys.executable, "-m", "bench", *arguments], cwd=ROOT, text=True)
    assert "\n| ceiling of the load generator |" in said
    [found] = msgspec.json.decode(file.read_bytes(), type=Report).results
    assert (found.peer, found.scenario, len(found.rounds)) == ("ceiling", "reply_latency", 2)


def test_a_round_that_fails_is_told_and_does_not_spoil_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[int] = []

    @contextmanager
    def fails_once() -> Iterator[System]:
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError("the system did not start")
        with find_peer("ceiling").running() as system:
            yield system

    monkeypatch.setattr(command, "find_peer", lambda _: Peer("frail", fails_once))
    monkeypatch.setattr(command, "WARM_UP_S", 0.1)
    [found] = command.measure_all(OPTIONS)
    assert (len(found.rounds), found.failures) == (1, ["the system did not start"])
    assert found.median is not None


def test_what_a_peer_lacks_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not_run() -> None:
        raise AssertionError

    lame = Peer("lame", must_not_run, lacks={"reply_latency": "it has no replies"})  # type: ignore[arg-type]
    monkeypatch.setattr(command, "find_peer", lambda _: lame)
    [found] = command.measure_all(OPTIONS)
    assert (found.rounds, found.median, found.lacks) == ([], None, "it has no replies")
