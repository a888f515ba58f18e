"""The page of the socket's protocol, frame by frame, from the types that the server itself reads and writes."""

import inspect
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args

from tidings.protocol.events import FINAL_STATE, EventName
from tidings.protocol.frames.messages import CLIENT_FRAMES, FEATURES, SUBPROTOCOL, ServerFrame
from tidings.protocol.steps import StepStatus, StepType
from tidings_server.openapi.field_descriptions import structs_in
from tidings_server.openapi.specification import asyncapi

from .markdown import HEAD, code, indented, prose, table
from .schema_text import type_text

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests/compatibility/golden/next/socket.ndjson"
"""Frames of a real system, which a test plays again and compares."""
FIXED = (ROOT / "tests/contract/golden/client.ndjson", ROOT / "tests/contract/golden/server.ndjson")
"""Frames as the first release sent them, for those whose recorded values are masked."""
MASKED = ("hello", "overview")

SERVER_FRAMES = {str(frame.__struct_config__.tag): frame for frame in get_args(ServerFrame)}


def frames() -> str:
    """Return the page."""
    schemas = asyncapi()["components"]["schemas"]
    held = _held_types(schemas)
    return (
        "".join(
            [
                HEAD,
                _lead(),
                "## Frames that clients send\n\n",
                *(_frame(tag, frame, schemas) for tag, frame in CLIENT_FRAMES.items()),
                "## Frames that servers send\n\n",
                *(_frame(tag, frame, schemas) for tag, frame in SERVER_FRAMES.items()),
                _events(),
                "## Objects that frames hold\n\n",
                *(_object(name, type_, schemas) for name, type_ in held.items()),
            ]
        ).rstrip("\n")
        + "\n"
    )


def _lead() -> str:
    features = ", ".join(f"`{one}`" for one in FEATURES)
    return (
        "# The socket, frame by frame\n\n"
        f"A WebSocket at `/v1/socket` with the subprotocol `{SUBPROTOCOL}`. Each message is a text with one JSON "
        f"object, "
        "whose `type` says what it is. States, problems and close codes stand in [the protocol's tables](protocol.md); "
        "`/asyncapi.json` of a running server has all of this for programs, and `/v1/schemas/{name}` each type as a "
        "JSON "
        "Schema.\n\n"
        "1. The client connects, and offers the subprotocol. The server says `hello`, with the limits of the "
        "connection.\n"
        "2. Where `hello.authenticated` is false, the client sends `auth` first; another way is a credential with the "
        "handshake ([how](../how-to/authenticate.md)).\n"
        "3. The client numbers its frames by `ref`. The server answers each by one frame with the same `ref`: what it "
        "asked for, or `error`.\n"
        "4. Events of the jobs that a connection watches come between these, in the order of their `seq`.\n"
        "5. After a break the client connects again and watches each job by its token, with the last `seq` that it saw "
        "as `after`. It sends a `submit` that had no answer again, under the same `key`.\n"
        "6. Either side may ask whether the other is there: the client by `ping`, the server by `alive` when it has "
        "said "
        "nothing for a while.\n\n"
        "A server refuses a field that it does not know. A client ignores fields, events and problem codes that it "
        "does "
        f"not know. What came after version 1 stands in `hello.features`: {features}.\n\n"
        "Where `always` says yes, the frame has the field. Durations are in seconds, sizes in bytes, moments RFC "
        "3339 texts by "
        "the store's clock.\n\n"
    )


def _frame(tag: str, frame: type, schemas: Mapping[str, Any]) -> str:
    parts = [f"### `{tag}`\n\n", prose(inspect.cleandoc(frame.__doc__ or "")), _fields(schemas[frame.__name__], tag)]
    example = _examples().get(tag)
    if example is not None:
        parts.append(indented(_written(example)))
    return "".join(parts)


def _fields(schema: Mapping[str, Any], tag: str = "") -> str:
    needed = schema.get("required", ())
    rows = []
    for name, one in schema["properties"].items():
        if name == "type" and tag:
            rows.append((code(name), code(tag), "yes", "What this frame is."))
            continue
        described = dict(one)
        meaning = described.pop("description", "")
        rows.append((code(name), type_text(described), "yes" if name in needed else "", meaning))
    return table(("field", "type", "always", "meaning"), rows)


def _object(name: str, type_: type, schemas: Mapping[str, Any]) -> str:
    said = f"### `{name}`\n\n{prose(inspect.cleandoc(type_.__doc__ or ''))}"
    schema = schemas[name]
    return said + (_fields(schema) if "properties" in schema else f"It is {type_text(schema)}.\n\n")


def _held_types(schemas: Mapping[str, Any]) -> dict[str, type]:
    """Return the types of objects that frames hold, in the order of the alphabet."""
    of_frames = (*CLIENT_FRAMES.values(), *SERVER_FRAMES.values())
    known = structs_in(of_frames)
    named = {one.__name__ for one in of_frames}
    known |= {one.__name__: one for one in (StepType, StepStatus)}
    return {name: known[name] for name in sorted(schemas) if name not in named}


def _events() -> str:
    rows = [(code(name), "yes" if name in FINAL_STATE else "", _about(name)) for name in EventName]
    return (
        "## Events\n\n"
        "The `event` of an `event` frame, of `event:` in server-sent events, and what `@on` and webhooks name. "
        "Events of "
        "streams stand with [the streams](protocol.md#streams).\n\n" + table(("event", "ends the job", "meaning"), rows)
    )


def _about(name: EventName) -> str:
    from .python_source import found, says  # noqa: PLC0415 - reads all sources

    return says(found(f"tidings.protocol.events.EventName.{name.name}"))


@cache
def _examples() -> dict[str, dict[str, Any]]:
    """Return one frame of each type, as it was recorded."""
    examples: dict[str, dict[str, Any]] = {}
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        said = json.loads(line)["said"]
        tag = said.get("type")
        if tag in CLIENT_FRAMES and len(said) > len(examples.get(tag, ())):
            examples[tag] = said  # the fullest shows the most fields
        elif tag in SERVER_FRAMES:
            examples.setdefault(tag, said)
    for path in FIXED:
        for line in path.read_text(encoding="utf-8").splitlines():
            said = json.loads(line)
            if said["type"] in MASKED or said["type"] not in examples:
                examples[said["type"]] = said  # the last is of the newest release
    return examples


def _written(frame: Mapping[str, Any]) -> str:
    """Return a frame as JSON, its type first, on lines that a page has room for."""
    said = {"type": frame["type"], **frame}
    text = json.dumps(said, ensure_ascii=False)
    if len(text) <= 110:
        return text
    fields = ",\n".join(f"  {json.dumps(name)}: {json.dumps(one, ensure_ascii=False)}" for name, one in said.items())
    return f"{{\n{fields}\n}}"
