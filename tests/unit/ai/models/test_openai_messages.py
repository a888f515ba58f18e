"""The messages of a chat as a model of OpenAI's takes them."""

from typing import Any

from tidings.ai import UIMessage, openai_messages

TEXT = {"type": "text", "text": "To be?"}


def message(role: Any, *parts: dict[str, Any]) -> UIMessage:
    return UIMessage(id="m", role=role, parts=list(parts))


def test_texts_and_pictures_of_the_user_go_along() -> None:
    picture = {"type": "file", "mediaType": "image/png", "url": "https://example.com/a.png"}
    letter = {"type": "file", "mediaType": "application/pdf", "url": "https://example.com/a.pdf"}
    found = openai_messages([message("system", TEXT), message("user", TEXT, picture, letter)])
    assert found == [
        {"role": "system", "content": "To be?"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "To be?"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            ],
        },
    ]


def test_each_step_of_an_answer_is_a_message_and_each_result_of_a_tool_another() -> None:
    step = {"type": "step-start"}
    tool = {"type": "tool-look_up", "toolCallId": "c1", "state": "output-available", "input": {"a": 1}, "output": [2]}
    failed = {"type": "tool-sing", "toolCallId": "c2", "state": "output-error", "input": {}, "errorText": "no voice"}
    asked = {"type": "tool-pay", "toolCallId": "c3", "state": "approval-responded", "input": {}}
    thought = {"type": "reasoning", "text": "hm"}
    found = openai_messages([message("assistant", step, thought, tool, failed, asked, step, TEXT, step)])
    calls = [("c1", "look_up", '{"a": 1}'), ("c2", "sing", "{}"), ("c3", "pay", "{}")]
    assert found == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": call, "type": "function", "function": {"name": name, "arguments": arguments}}
                for call, name, arguments in calls
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "[2]"},
        {"role": "tool", "tool_call_id": "c2", "content": '"no voice"'},
        {"role": "assistant", "content": "To be?"},
    ]
