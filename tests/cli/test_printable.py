"""What jobs, workers and clients wrote never reaches a terminal as anything but text."""

import asyncio
import contextlib
import io
import json
import logging
import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from rich.table import Table

from breaker.test_command import SPEC
from cli.test_client import TOKEN, command
from support.store import StoreProcess
from support.wire.played import PlayedServer, Stage, played_server
from tidings.logging import log_setup
from tidings.logging.printable import printable, printable_json
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.breaker_store import BreakerStore
from tidings.store.keys import StoreKeys
from tidings.store.redis import store_client
from tidings.store.registry import Registry, WorkerRecord
from tidings_cli.terminal import SafeConsole

HOSTILE = (
    "a\x1b]0;title\x07b\x1b]52;c;ZXZpbA==\x1b\\c\x1b[2J\x1b[31md\x9b31me\x9d0;x\x9cf\x08\x7f"
    "g\u202eh\u2066i\u2069j\u200bk\ufeffl\U000e0041m\u2028n\u2029o\r\nfake: line\rp\tq\x85r\x00s"
    " [red]markup[/red] [link=http://evil.example]x[/link] [/] \\["
)
RAW = msgspec.Raw(b"{}")


def stray(text: str) -> list[str]:
    """Return the characters of a text that a terminal would not show as themselves."""
    return [char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@given(st.text(st.characters(codec=None)))
def test_whatever_the_text_one_line_of_printable_characters_comes_of_it(text: str) -> None:
    assert printable(text).isprintable()
    assert not stray(printable(text, lines=True).replace("\t", ""))
    assert printable(text, lines=True).count("\n") == text.count("\n")


@given(st.recursive(st.text() | st.integers(-9, 9), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_stays_the_same_value(value: Any) -> None:
    text = printable_json(value)
    assert not stray(text)
    assert json.loads(text) == value


def test_what_is_readable_stays_as_it_is() -> None:
    for text in ("", "Größe: 3 µm", "注文 №7 ✓", "a\\b [1] {x}"):
        assert printable(text) == text
    assert printable("a\u00a0b") == "a b"
    assert printable("a\nb\x1b[0m\x9b\u202e\ud800") == r"a\nb\x1b[0m\x9b\u202e\ud800"


def test_the_console_lets_nothing_through_that_a_command_forgot() -> None:
    printed = io.StringIO()
    console = SafeConsole(file=printed, width=2_000, markup=False, force_terminal=True, color_system=None)
    table = Table("a")
    table.add_row(HOSTILE)
    console.print(HOSTILE)
    console.print(table)
    assert not stray(printed.getvalue())


def lines_of(form: Any) -> list[str]:
    """Return what is logged of hostile texts, in a form."""
    root, written = logging.getLogger(), io.StringIO()
    before, level = root.handlers, root.level
    try:
        log_setup.configure_logging(form, "info")
        (handler,) = root.handlers
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(written)
        theirs = logging.getLogger("theirs")
        theirs.info("told %s", HOSTILE, extra={"note": HOSTILE, "several": [HOSTILE], "odd": Odd()})
        with contextlib.suppress(ValueError):
            broken(theirs)
    finally:
        root.handlers = before
        root.setLevel(level)
    return written.getvalue().splitlines()


def broken(theirs: logging.Logger) -> None:
    try:
        fail()
    except ValueError:
        theirs.exception("broke", stack_info=True)
        raise


def fail() -> None:
    raise ValueError(HOSTILE)


class Odd:
    def __repr__(self) -> str:
        return HOSTILE


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_log_line_is_one_line_of_text(form: str) -> None:
    lines = lines_of(form)
    assert not stray("".join(lines))
    assert not [line for line in lines if line.startswith("fake")]
    if form == "json":
        assert json.loads(lines[0])["note"] == HOSTILE
    else:
        begun = [line for line in lines if not line.startswith(" ")]
        assert len(begun) == 2, begun


def problem(detail: str = HOSTILE) -> dict[str, Any]:
    return {"type": "t", "title": HOSTILE, "status": 500, "code": "handler_error", "detail": detail}


async def fill(store: Redis) -> None:
    """Have the store hold hostile texts wherever it takes a text."""
    keys = StoreKeys()
    await Registry(store, keys).register([KindRecord(kind="k", queue="p", input=RAW, result=RAW, description=HOSTILE)])
    worker = WorkerRecord(
        worker=HOSTILE, host=HOSTILE, pid=7, version=HOSTILE, kinds=[HOSTILE], queues=["p", HOSTILE], slots=2,
        tiers={HOSTILE: 1},
    )  # fmt: skip
    await Registry(store, keys).heartbeat(worker, 60)
    report = ("report", HOSTILE.replace("\0", ""), SPEC, 0, 2, 2, 1, [(HOSTILE, HOSTILE, HOSTILE)])
    await BreakerStore(store, keys).step(report)
    past = {"at": 1, "attempt": 1, "event": "retrying", "worker": HOSTILE, "problem": problem()}
    letter = {
        "id": "a" * 22, "kind": "k", "tier": HOSTILE, "attempt": 1, "owner": HOSTILE, "correlation_id": HOSTILE,
        "env": json.dumps([HOSTILE, {"text": HOSTILE}, 1]), "problem": json.dumps(problem()),
        "note": json.dumps({"error": HOSTILE, "traceback": f"Traceback\n  {HOSTILE}\n"}), "history": json.dumps(past),
    }  # fmt: skip
    await store_client.command(store, "XADD", keys.dead("p"), "*", *(part for pair in letter.items() for part in pair))


DEAD = "p." + "a" * 22
LOOKS = [
    ("status",), ("status", "--json"), ("top", "--once"), ("top", "--json"), ("dead", "list"),
    ("dead", "list", "--json"), ("dead", "show", DEAD), ("dead", "show", DEAD, "--json"), ("dead", "replay", "--all"),
    ("dead", "drop", "--all"), ("breaker", "list"), ("breaker", "list", "--json"), ("breaker", "show", "none"),
    ("breaker", "show", HOSTILE.replace("\0", "")),
]  # fmt: skip


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: " ".join(look)[:20])
async def test_what_the_store_holds_is_shown_as_text(store: Redis, store_process: StoreProcess, look: Any) -> None:
    await fill(store)
    done = await command(*look, TIDINGS_STORE_URL=store_process.url, COLUMNS="2000")
    assert "Traceback (most" not in done.stderr
    out = done.stdout + done.stderr
    assert "title" in out or "k" in out
    assert not stray(out)
    # In a traceback, and in an error, lines are lines; they are set in.
    assert not [line for line in out.splitlines() if line.removeprefix("│ ").startswith("fake")]
    if "--json" in look:
        parts = done.stdout.splitlines() if "list" in look else [done.stdout]
        assert all(json.loads(part) for part in parts)
    elif look[:2] != ("breaker", "show"):
        assert "[red]" in out  # nor is it markup


async def say_all(stage: Stage, *, show: bool) -> None:
    frame = await stage.hear("watch")
    event = {"token": TOKEN, "status": "running", "at": "2026-01-01T10:00:00.000Z"}
    step = {"path": HOSTILE, "name": HOSTILE, "type": "step", "status": "failed", "attempts": 1, "problem": problem(),
            "began": event["at"], "ended": event["at"]}  # fmt: skip
    if show:
        milestones = {"queued": HOSTILE}
        await stage.snapshot(frame, 9, status="failed", steps=[step], problem=problem(), kind=HOSTILE,
                             correlation_id=HOSTILE, trace_id=HOSTILE, milestones=milestones)  # fmt: skip
        return
    await stage.snapshot(frame, 1)
    news: list[tuple[str, Any]] = [
        ("log", HOSTILE), ("log", {"text": HOSTILE}), ("progress", {"fraction": 0.5, "message": HOSTILE}),
        ("step", step), ("retrying", {"attempt": HOSTILE, "after": 1}),
    ]  # fmt: skip
    for seq, (name, data) in enumerate(news, start=2):
        await stage.say("event", **event, seq=seq, event=name, data=data)
    await stage.say("event", **event | {"status": "failed"}, seq=9, event="failed", data={"problem": problem()})


@pytest.mark.parametrize("look", ["watch", "show"])
async def test_what_a_server_tells_of_a_job_is_shown_as_text(look: str) -> None:
    async with played_server() as server, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(command(look, TOKEN, TIDINGS_URL=server.url, COLUMNS="2000"))
        await say_all(await server.stage(), show=look == "show")
    done = running.result()
    out = done.stdout + done.stderr
    assert "Traceback (most" not in out
    assert not stray(out)
    assert "[red]markup[/red]" in out
    assert not [line for line in out.splitlines() if line.lstrip().startswith("fake")]


async def test_a_refusal_is_shown_as_text() -> None:
    async with played_server() as server, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(command("show", TOKEN, TIDINGS_URL=server.url))
        await refuse(server)
    assert not stray(running.result().stderr)
    assert not [line for line in running.result().stderr.splitlines() if line.startswith("fake")]


async def refuse(server: PlayedServer) -> None:
    stage = await server.stage()
    await stage.refuse((await stage.hear("watch"))["ref"], "unknown_token", HOSTILE)
