"""The parts that handlers write, as the package `ai` itself reads them."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai.sdk import Sdk
from tidings.ai.assembled_message import AssembledMessage
from tidings.ai.chat_request import UIMessage
from tidings.ai.message_parts import MessageParts
from tidings.ai.message_prefix import earlier_parts
from tidings.ai.part_types import DATA_PREFIX, FINISH_REASONS, REQUIRED_FIELDS, Part

VALUES: dict[str, Any] = {
    "approved": True,
    "input": {"a": 1},
    "output": [1],
    "messageMetadata": {"a": 1},
    "url": "https://example.com/a.png",
    "kind": "a.b",
    "mediaType": "image/png",
}
ALL = {**REQUIRED_FIELDS, f"{DATA_PREFIX}weather": ("data",)}


def part_of(type_: str, fields: tuple[str, ...]) -> Part:
    return {"type": type_, **{field: VALUES.get(field, "x") for field in fields}}


def test_each_type_is_the_packages_own_and_needs_the_fields_that_the_table_says(sdk: Sdk) -> None:
    whole = [part_of(type_, fields) for type_, fields in ALL.items()]
    assert sdk.ask("validate", parts=whole) == [None] * len(whole)
    # A field of the type `unknown` may be missing by the package's schema, and is useless then.
    free = {"input", "output", "messageMetadata", "data"}
    lacking = [
        part_of(type_, tuple(one for one in fields if one != field))
        for type_, fields in ALL.items()
        for field in fields
        if field not in free
    ]
    assert None not in sdk.ask("validate", parts=lacking)


def test_each_reason_for_the_end_is_the_packages_own(sdk: Sdk) -> None:
    parts = [{"type": "finish", "finishReason": reason} for reason in sorted(FINISH_REASONS)]
    assert sdk.ask("validate", parts=parts) == [None] * len(parts)
    assert sdk.ask("validate", parts=[{"type": "finish", "finishReason": "bored"}]) != [None]


SMALL = st.integers(-1000, 1000)  # a number that JavaScript has exactly
TEXTS = st.text(max_size=20)
METADATA = st.dictionaries(st.sampled_from("ab"), st.one_of(SMALL, st.dictionaries(st.just("c"), SMALL)))
CALLS = st.sampled_from(["c1", "c2"])
OF_APPROVAL = ("asked", "approved", "denied")
"""What comes of a call before it is made, or instead."""
ACTS = st.one_of(
    st.tuples(st.just("text"), TEXTS),
    st.tuples(st.just("reasoning"), TEXTS),
    st.tuples(st.just("call"), CALLS, st.dictionaries(TEXTS, SMALL, max_size=2)),
    st.tuples(st.just("output"), CALLS, st.sampled_from(["done", "failed", "so far", "asked", "denied", "approved"])),
    st.tuples(st.just("data"), st.sampled_from(["a", "b"]), st.sampled_from([None, "1", "2"]), st.booleans()),
    st.tuples(st.just("file")),
    st.tuples(st.just("source")),
    st.tuples(st.just("step")),
    st.tuples(st.just("metadata"), METADATA),
)


def parts_of(acts: list[tuple[Any, ...]]) -> list[Part]:
    """Return the parts of a message in which a handler does some things.

    The output of a tool follows its call, and no call that has been made is still to be approved.
    """
    message = MessageParts("m")
    parts = message.begin({"begun": True})
    called: set[str] = set()
    asked: set[str] = set()
    made: set[str] = set()
    for act in acts:
        match act:
            case ("text" | "reasoning") as block, text:
                parts += message.delta(block, text)
            case "call", call, value if call not in called:
                parts += message.tool_input(call, "look_up", value)
                called.add(call)
            case "output", call, what if call in called and not (what in OF_APPROVAL and call in made):
                if what not in OF_APPROVAL:
                    made.add(call)
                parts += message.alone(_output(call, what, asked))
            case "data", name, identity, transient:
                identified = {} if identity is None else {"id": identity}
                parts += message.alone(
                    {"type": f"data-{name}", "data": len(parts), "transient": transient} | identified
                )
            case ("file",):
                parts += message.alone({"type": "file", "url": "https://example.com/a", "mediaType": "image/png"})
            case ("source",):
                parts += message.alone({"type": "source-url", "sourceId": "s", "url": "https://example.com"})
            case ("step",):
                parts += message.next_step()
            case "metadata", value:
                parts.append({"type": "message-metadata", "messageMetadata": value})
    return [*parts, *message.finish("stop", {"ended": True})]


def _output(call: str, what: str, asked: set[str]) -> Part:
    match what:
        case "failed":
            return {"type": "tool-output-error", "toolCallId": call, "errorText": "no"}
        case "so far":
            return {"type": "tool-output-available", "toolCallId": call, "output": 1, "preliminary": True}
        case "asked":
            asked.add(call)
            return {"type": "tool-approval-request", "toolCallId": call, "approvalId": f"a{call}"}
        case "denied":
            return {"type": "tool-output-denied", "toolCallId": call}
        case "approved" if call in asked:
            return {"type": "tool-approval-response", "approvalId": f"a{call}", "approved": True, "reason": "yes"}
        case _:
            return {"type": "tool-output-available", "toolCallId": call, "output": 2}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(first=st.lists(ACTS, max_size=12), second=st.lists(ACTS, max_size=6))
def test_a_message_is_assembled_as_the_package_does_also_when_it_goes_on(
    sdk: Sdk, first: list[tuple[Any, ...]], second: list[tuple[Any, ...]]
) -> None:
    continued: UIMessage | None = None
    before: dict[str, Any] | None = None
    for acts in (first, second):
        parts = parts_of(acts)
        assert sdk.ask("validate", parts=parts) == [None] * len(parts)
        assembled = AssembledMessage("m", continued)
        for part in parts:
            assembled.add(part)
        assert assembled.as_dict() == sdk.ask("assemble", parts=parts, message=before)
        before = assembled.as_dict()
        continued = UIMessage(**before)
        start = {"type": "start", "messageId": "m"}  # the package shows a step with the next part
        again = [start, *earlier_parts(continued), start]
        assert sdk.ask("validate", parts=again) == [None] * len(again)
        assert sdk.ask("assemble", parts=again, message=None) == before
