"""A message that is gone on with, said again for a page that begins with nothing, as the package `ai` reads it."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai.sdk import Sdk
from tidings.ai.chat_request import UIMessage
from tidings.ai.message_prefix import earlier_parts
from tidings.ai.part_types import REQUIRED_FIELDS, Part

KEPT: list[Part] = [
    {"type": "reasoning", "id": "r", "text": "Hm", "state": "done", "providerMetadata": {"a": {"signature": "s"}}},
    {"type": "text", "text": "cut o", "state": "streaming"},
    {"type": "tool-a", "toolCallId": "c1", "state": "input-streaming", "input": {"x": [1.5, "é"]}, "title": "A"},
    {"type": "tool-a", "toolCallId": "c2", "state": "input-available", "input": 1, "callProviderMetadata": {"p": {}}},
    {
        "type": "dynamic-tool",
        "toolName": "b",
        "toolCallId": "c3",
        "state": "output-available",
        "input": {},
        "output": 0,
    },
    {
        "type": "dynamic-tool",
        "toolName": "b",
        "toolCallId": "c4",
        "state": "output-error",
        "input": 7,
        "errorText": "no",
    },
    {
        "type": "tool-c",
        "toolCallId": "c5",
        "state": "output-denied",
        "input": {},
        "providerExecuted": True,
        "approval": {"id": "a5", "approved": False, "reason": "no", "isAutomatic": True, "descriptor": {"a": 1}},
    },
    {
        "type": "tool-c",
        "toolCallId": "c6",
        "state": "output-available",
        "input": {},
        "output": {},
        "preliminary": True,
        "resultProviderMetadata": {"p": {"b": 1}},
        "toolMetadata": {"m": 1},
        "approval": {"id": "a6", "approved": True},
    },
    {"type": "source-document", "sourceId": "s", "mediaType": "text/plain", "title": "t", "filename": "f"},
    {"type": "reasoning-file", "url": "https://example.com/a", "mediaType": "image/png"},
    {"type": "custom", "kind": "a.b"},
    {"type": "data-a", "id": "1", "data": None},
]


def test_each_part_that_a_page_may_hold_is_said_again_as_it_is(sdk: Sdk) -> None:
    parts = earlier_parts(UIMessage(id="m", role="assistant", parts=KEPT))
    assert sdk.ask("validate", parts=parts) == [None] * len(parts)
    shown = sdk.ask("assemble", parts=[{"type": "start", "messageId": "m"}, *parts], message=None)["parts"]
    assert len(shown) == len(KEPT)
    for part, kept in zip(shown, KEPT, strict=True):
        part.pop("rawInput", None)  # of an input that came in pieces
        assert part == kept


TYPES = [*REQUIRED_FIELDS, "data-a", "text", "reasoning", "dynamic-tool", "tool-a", "step-start", "x", 1]
FIELDS = [
    "id",
    "text",
    "toolCallId",
    "toolName",
    "state",
    "input",
    "approval",
    "data",
    "url",
    "mediaType",
    "title",
    "sourceId",
    "kind",
    "providerMetadata",
    "toolMetadata",
    "providerExecuted",
    "preliminary",
    "errorText",
]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(FIELDS),
            st.one_of(
                st.none(),
                st.integers(-9, 9),
                st.text(max_size=5),
                st.sampled_from(["output-available", "output-error", "output-denied", "streaming"]),
                st.just({"id": "a", "approved": True, "reason": 1, "descriptor": 5}),
            ),
        ).flatmap(lambda rest: st.sampled_from(TYPES).map(lambda one: {"type": one, **rest})),
        max_size=5,
    )
)
def test_whatever_a_page_sends_as_parts_what_is_said_again_is_valid(sdk: Sdk, sent: list[Part]) -> None:
    try:
        message = UIMessage(id="m", role="assistant", parts=sent)
    except ValueError:  # refused at the border
        return
    parts = earlier_parts(message)
    assert sdk.ask("validate", parts=parts) == [None] * len(parts)
