"""The job that answers a chat: it passes on what the model says, and asks the user before a tool is called."""

import json
from typing import Any, Final

from chat.chat_model import ChatModel, ModelBusyError, ModelError
from tidings import Reject, Retry, SyncContext, job
from tidings.ai import ChatRequest, SyncUIMessageWriter, openai_messages, retry_after

TOOL: Final = "look_up_weather"

TOOLS: Final[list[dict[str, Any]]] = [
    {
        "type": "function",
        "function": {
            "name": TOOL,
            "description": "The weather at a place.",
            "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
        },
    }
]

LATER_S: Final = 5.0
"""When a busy model is asked again that does not say when."""

model = ChatModel()


@job(timeout=300, retries=5, retry_on=ModelError)
def answer_chat(ctx: SyncContext, chat: ChatRequest) -> dict[str, Any]:
    """Answers in a chat, word by word, as a UI message stream of the AI SDK; the result is the message.

    Where the model wants to look up the weather, the message ends with a question to the user, whose answer comes with
    the next request.

    Raises:
        Retry: the model is busy.
        Reject: the user answered a call that is none of the tool.

    """
    with SyncUIMessageWriter(ctx, chat) as message:
        asked = openai_messages(chat.messages)
        for part in chat.continued.parts if chat.continued is not None else ():
            if part.get("state") == "approval-responded":
                asked.append(_answered(part, message))
        try:
            reply = message.from_openai(model.completion(asked, TOOLS), tools=TOOLS)
        except ModelBusyError as error:
            raise Retry(str(error), after=retry_after(error, LATER_S)) from error
        for call in reply.tool_calls:
            message.tool_approval(call.id, f"{call.id}-approval")
        message.finish(reply.finish_reason)
    return message.message


def _answered(part: dict[str, Any], message: SyncUIMessageWriter) -> dict[str, Any]:
    """Look up the weather if the user said yes; return what the model learns of it."""
    match part:
        case {
            "type": "tool-look_up_weather",
            "toolCallId": str(call),
            "input": {"place": str(place)},
            "approval": {"approved": bool(approved)},
        }:
            pass
        case _:
            raise Reject(f"a part that answers a question is a call of {TOOL} with a place, and whether it is approved")
    if approved:
        output = {"place": place, "sky": "clear"}
        message.tool_output(call, output)
        learned = json.dumps(output)
    else:
        message.tool_denied(call)
        learned = "nothing: the user did not allow it"
    return {"role": "tool", "tool_call_id": call, "content": learned}
