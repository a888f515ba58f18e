"""What a real system says and stores today is what the golden files have."""

import asyncio
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from compatibility.wire.comparison import ANY, Differences, differences
from compatibility.wire.golden_files import NEXT, read, releases
from compatibility.wire.recorder import Recorder
from compatibility.wire.traffic import record
from tidings.protocol.events import EventName, StreamEvent
from tidings.protocol.frames.messages import CLIENT_FRAMES, ClientFrame, ServerFrame
from tidings.protocol.problems import CODES, TYPE_PREFIX
from tidings_server.openapi.specification import asyncapi

FILES = ("http", "problems", "socket", "store", "streams", "webhooks")
RENEW = "PYTHONPATH=tests .venv/bin/python -m compatibility wire"

FRAMES = {*CLIENT_FRAMES, *(str(one.__struct_config__.tag) for one in ServerFrame.__args__)}


@pytest.fixture(scope="module")
def today() -> Recorder:
    return asyncio.run(record())


def advice(found: Differences) -> str:
    """Return what to do about differences."""
    if found.broken:
        return (
            "these break what clients, or processes of the release before, rely on:\n  " + "\n  ".join(found.broken)
            + "\nSee docs/reference/compatibility.md. If no release has had it yet: " + RENEW + " --breaking"
        )  # fmt: skip
    return "these are additions:\n  " + "\n  ".join(found.added) + "\nRenew the golden files: " + RENEW


@pytest.mark.parametrize("file", FILES)
def test_what_is_said_and_stored_is_what_the_golden_files_have(today: Recorder, file: str) -> None:
    found = differences(read(NEXT)[file], today.said[file], file)
    assert found == ([], []), advice(found)


@pytest.mark.parametrize("release", releases())
@pytest.mark.parametrize("file", FILES)
def test_nothing_that_a_release_promised_is_gone(today: Recorder, release: str, file: str) -> None:
    found = differences(read(release)[file], today.said[file], file)
    assert found.broken == [], advice(found)


def test_there_is_a_recording_of_a_release() -> None:
    assert releases()
    assert all(set(read(release)) == set(FILES) for release in releases())


def test_every_frame_and_every_event_is_among_them(today: Recorder) -> None:
    frames = [frame for _, frame in today.frames]
    assert FRAMES - {frame["type"] for frame in frames} == set()
    assert {*EventName, *StreamEvent} - {frame.get("event") for frame in frames} == set()


def test_every_frame_fits_its_schema_in_the_asyncapi_document(today: Recorder) -> None:
    document = msgspec.to_builtins(asyncapi())
    messages = document["channels"]["socket"]["messages"].values()
    schemas = {
        message["title"]: jsonschema_rs.validator_for({**message["payload"], "components": document["components"]})
        for message in messages
    }
    assert schemas.keys() == FRAMES
    for _, frame in today.frames:
        if frame["type"] in schemas:  # one is of a type that there is not
            schemas[frame["type"]].validate(frame)


def golden_frames() -> Iterator[tuple[str, Any]]:
    """Yield the frames of all golden files, with who sends each."""
    for release in [NEXT, *releases()]:
        for name, frame in read(release)["socket"].items():
            known = isinstance(frame.get("type"), str) and frame["type"] in FRAMES - {"overview"}
            if known:
                yield ("client" if frame["type"] in CLIENT_FRAMES and ": client " in name else "server"), frame


def test_the_masked_frames_are_frames_still() -> None:
    found = list(golden_frames())
    assert len(found) > 100
    for sender, frame in found:
        msgspec.json.decode(msgspec.json.encode(frame), type=ClientFrame if sender == "client" else ServerFrame)


def test_problems_are_those_of_the_table(today: Recorder) -> None:
    problems = [frame["problem"] for _, frame in today.frames if frame["type"] == "error"]
    problems += [frame["data"]["problem"] for _, frame in today.frames if frame.get("event") == "failed"]
    problems += [of["body"] for of in today.said["http"].values() if of["status"] >= 400]
    problems = [problem for problem in problems if problem["type"] not in ("about:blank", ANY)]
    assert len({problem["code"] for problem in problems}) >= 18
    for problem in problems:
        fixed = CODES[problem["code"]]
        assert (problem["type"], problem["title"]) == (TYPE_PREFIX + problem["code"], fixed.title)
        assert problem["status"] == fixed.status


@pytest.mark.parametrize(
    ("old", "new", "added", "broken"),
    [
        ({"a": 1}, {"a": 1}, [], []),
        ({"a": 1}, {"a": 1, "b": 2}, ["/b: new"], []),
        ({"a": 1}, {}, [], ["/a: gone"]),
        ({"a": 1}, {"a": "1"}, [], ["/a: was number, is str"]),
        ({"a": 1}, {"a": 1.0}, [], []),
        ({"a": True}, {"a": 1}, [], ["/a: was bool, is number"]),
        ({"a": "x"}, {"a": "y"}, [], ["/a: was 'x', is 'y'"]),
        ({"a": None}, {"a": 1}, [], ["/a: was NoneType, is number"]),
        ({"a": {"b": 1}}, {"a": {"c": 1}}, ["/a/c: new"], ["/a/b: gone"]),
        (["x", "y"], ["y", "z", "x"], ["'z' is new"], []),
        (["x", "y"], ["x"], [], ["'y' is gone"]),
        ([{"a": 1}], [{"a": 1}, {"a": 2}], [": 2 items, before 1"], []),
        ([{"a": 1}, {"a": 2}], [{"a": 1}], [], [": 2 items, now 1"]),
        ([{"a": 1}], [{"a": 1, "b": 1}], ["/0/b: new"], []),
    ],
)
def test_an_addition_is_told_from_what_breaks(old: Any, new: Any, added: list[str], broken: list[str]) -> None:
    found = differences(old, new)
    assert [line.removeprefix(": ") if "' is" in line else line for line in found.added] == added
    assert [
        line.removeprefix(": ") if "' is" in line and line.startswith(": '") else line for line in found.broken
    ] == broken
    assert ("--breaking" in advice(found)) == bool(broken)
