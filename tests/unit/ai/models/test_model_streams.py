"""Streams of models as parts of a message: chunks of OpenAI and events of Anthropic, as objects and as mappings."""

from types import SimpleNamespace
from typing import Any

import pytest

from tidings.ai.message_parts import PIECE_CHARACTERS, MessageParts
from tidings.ai.models.anthropic_stream import AnthropicReader, ModelStreamError
from tidings.ai.models.model_reply import ToolCall
from tidings.ai.models.openai_stream import OpenAIReader
from tidings.ai.models.reply_reader import ReplyReader
from tidings.ai.part_types import Part, checked
from tidings.ai.written_message import offered_names


def objects(value: Any) -> Any:
    """Return mappings as objects with attributes, as the makers' clients give them."""
    if isinstance(value, dict):
        return SimpleNamespace(**{name: objects(one) for name, one in value.items()})
    return [objects(one) for one in value] if isinstance(value, list) else value


def read(reader: ReplyReader, items: list[Any]) -> list[Part]:
    parts = [part for item in items for part in reader.take(item)]
    return [checked(part) for part in (*parts, *reader.end())]


def delta(index: int = 0, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": fields, "finish_reason": finish}]}


def call(arguments: str, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"index": index, "function": {"arguments": arguments, "name": more.pop("name", None)}, **more}


OPENAI = [
    delta(role="assistant", content=""),
    delta(reasoning_content="Hm"),
    delta(content="It "),
    delta(content="depends."),
    delta(1, content="another choice"),
    delta(tool_calls=[call("", id="c1", name="look_up")]),
    delta(tool_calls=[call('{"word":')]),
    delta(tool_calls=[call(' "be"}')]),
    delta(tool_calls=[call("{}", 1, id="c2", name="sing")]),
    delta(finish="tool_calls"),
    {"choices": [], "usage": {"total_tokens": 9}},
]


@pytest.mark.parametrize("form", [objects, lambda value: value])
def test_chunks_of_openai_become_reasoning_text_and_calls(form: Any) -> None:
    reader = OpenAIReader(MessageParts("m"), {"look_up"})
    parts = read(reader, [form(item) for item in OPENAI])
    assert [(part["type"], part.get("delta") or part.get("inputTextDelta")) for part in parts] == [
        ("reasoning-start", None),
        ("reasoning-delta", "Hm"),
        ("reasoning-end", None),
        ("text-start", None),
        ("text-delta", "It "),
        ("text-delta", "depends."),
        ("text-end", None),
        ("tool-input-start", None),
        ("tool-input-delta", '{"word":'),
        ("tool-input-delta", ' "be"}'),
        ("tool-input-start", None),
        ("tool-input-delta", "{}"),
        ("tool-input-available", None),
        ("tool-input-error", None),
    ]
    assert parts[-1]["errorText"] == "the model called the tool 'sing', which was not offered; offered: look_up"
    reply = reader.reply
    assert (reply.text, reply.reasoning, reply.finish_reason) == ("It depends.", "Hm", "tool-calls")
    assert reply.tool_calls == [ToolCall("c1", "look_up", {"word": "be"})]
    assert reply.refused_calls == ["c2"]
    assert reply.usage == form({"total_tokens": 9})


@pytest.mark.parametrize(
    ("text", "why"), [('{"a":', "the model's input of the tool is not JSON"), ("[1]", "is not an object")]
)
def test_an_input_that_a_tool_cannot_take_is_an_error_of_that_call(text: str, why: str) -> None:
    reader = OpenAIReader(MessageParts("m"))
    parts = read(reader, [delta(tool_calls=[call(text, id="c1", name="look_up")])])
    assert parts[-1]["type"] == "tool-input-error"
    assert why in parts[-1]["errorText"]
    assert (reader.reply.tool_calls, reader.reply.refused_calls) == ([], ["c1"])


ANTHROPIC = [
    {"type": "message_start", "message": {"usage": {"input_tokens": 3}}},
    {"type": "ping"},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "sig"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "It depends."}},
    {"type": "text", "text": "It depends."},
    {"type": "content_block_stop", "index": 1},
    {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "c1", "name": "look_up"}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"word":'}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": ' "be"}'}},
    {"type": "content_block_stop", "index": 2},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
    {"type": "message_stop"},
]


@pytest.mark.parametrize("form", [objects, lambda value: value])
def test_events_of_anthropic_become_reasoning_text_and_calls(form: Any) -> None:
    reader = AnthropicReader(MessageParts("m"))
    parts = read(reader, [form(item) for item in ANTHROPIC])
    assert [part["type"] for part in parts] == [
        "reasoning-start",
        "reasoning-delta",
        "reasoning-end",
        "text-start",
        "text-delta",
        "text-end",
        "tool-input-start",
        "tool-input-delta",
        "tool-input-delta",
        "tool-input-available",
    ]
    assert parts[2]["providerMetadata"] == {"anthropic": {"signature": "sig"}}
    reply = reader.reply
    assert (reply.text, reply.reasoning, reply.finish_reason) == ("It depends.", "Hm", "tool-calls")
    assert reply.tool_calls == [ToolCall("c1", "look_up", {"word": "be"})]
    assert reply.usage == form({"output_tokens": 5})


def test_an_error_in_a_stream_of_anthropic_is_raised_with_its_words() -> None:
    event = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with pytest.raises(ModelStreamError, match="Overloaded"):
        AnthropicReader(MessageParts("m")).take(event)


def test_a_long_text_goes_in_pieces_that_a_chunk_can_hold() -> None:
    text = "\x01" * (2 * PIECE_CHARACTERS + 1)
    parts = MessageParts("m").delta("text", text)
    assert "".join(part.get("delta", "") for part in parts) == text
    assert [len(part["delta"]) for part in parts[1:]] == [PIECE_CHARACTERS, PIECE_CHARACTERS, 1]


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({"type": "text-delta", "id": "1"}, "needs the field `delta`"),
        ({"type": "tekst"}, "there is no part of the type 'tekst'"),
        ({"type": "data-"}, "there is no part of the type 'data-'"),
        ({"type": "data-a"}, "needs the field `data`"),
        ({"type": "reset-step"}, "the server writes parts of the type 'reset-step'"),
        ({"type": "finish", "finishReason": "bored"}, "`finishReason` is one of"),
        ({}, "an object with a text `type`"),
    ],
)
def test_what_is_no_part_is_refused_with_what_is_wrong(part: Part, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        checked(part)


def test_the_tools_that_are_offered_may_be_given_as_models_take_them() -> None:
    assert offered_names(None) is None
    tools = ["a", {"name": "b"}, {"type": "function", "function": {"name": "c"}}]
    assert offered_names(tools) == {"a", "b", "c"}
    with pytest.raises(ValueError, match="a tool that is offered is a name"):
        offered_names([{"type": "function"}])
    with pytest.raises(ValueError, match="a tool that is offered is a name"):
        offered_names([7])
