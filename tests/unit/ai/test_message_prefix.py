"""The chunks that hold a message which is gone on with."""

import msgspec

from tidings.ai.chat_request import UIMessage
from tidings.ai.message_parts import MessageParts
from tidings.ai.message_prefix import EARLIER, earlier_chunks, earlier_parts
from tidings.ai.part_types import checked

MAX_CHUNK_BYTES = 65_000


def test_the_largest_message_goes_in_chunks_that_a_stream_takes_and_an_earlier_release_passes_on() -> None:
    output = "\x01é🙂" * 20_000
    tool = {"type": "tool-a", "toolCallId": "c", "state": "output-available", "input": {}, "output": output}
    message = UIMessage(id="m", role="assistant", parts=[tool], metadata={"a": 1})
    chunks = earlier_chunks(message)
    assert max(len(msgspec.json.encode(checked(chunk))) for chunk in chunks) <= MAX_CHUNK_BYTES
    assert {(chunk["type"], chunk["transient"]) for chunk in chunks} == {(EARLIER, True)}
    assert [chunk["data"]["last"] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert msgspec.json.decode("".join(chunk["data"]["text"] for chunk in chunks)) == earlier_parts(message)
    assert earlier_parts(message)[0] == {"type": "message-metadata", "messageMetadata": {"a": 1}}


def test_a_message_that_says_nothing_is_held_too() -> None:
    (chunk,) = earlier_chunks(UIMessage(id="m", role="assistant", parts=[]))
    assert chunk["data"] == {"text": "[]", "last": True}
    begun = MessageParts("m").begin(earlier=[chunk])
    assert [part["type"] for part in begun] == ["start", EARLIER, "start-step"]


def test_only_a_call_without_an_outcome_is_given_whole_since_a_page_calls_its_own_tools_then() -> None:
    for state, whole in [("output-available", False), ("output-error", False), ("input-available", True)]:
        tool = {"type": "tool-a", "toolCallId": "c", "state": state, "input": {}, "output": 1, "errorText": "no"}
        types = [part["type"] for part in earlier_parts(UIMessage(id="m", role="assistant", parts=[tool]))]
        assert ("tool-input-available" in types) is whole
