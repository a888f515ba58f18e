"""What a page asks, as the default transport of the AI SDK sends it: a submission of a job of the chat's kind."""

from collections.abc import Mapping
from typing import Any

import msgspec

from tidings.ai.chat_request import CHAT_MEANING, ChatRequest, chat_tag
from tidings.protocol.decoding.decode_errors import decode_problem
from tidings.protocol.frames.messages import Submission
from tidings.protocol.problems import problem_error
from tidings_server.http.requests import with_headers
from tidings_server.web.request.json_limits import check_depth


class _ChatBody(ChatRequest, kw_only=True, rename="camel", forbid_unknown_fields=False):
    """The body of a request: a chat, and what the page adds."""


_decode_chat = msgspec.json.Decoder(_ChatBody).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode

_OF_CHAT = ("id", "messages", "trigger", "messageId")
"""The fields of the body that make the chat; the others are inputs of the kind."""


def chat_submission(kind: str, body: bytes, headers: Mapping[str, str], max_depth: int) -> Submission:
    """Return the submission that a body asks for.

    The fields of the chat are the input `chat` of the kind; what the page adds (`body` of `useChat`) are its others.

    Args:
        kind: the kind of work that answers.
        body: of the request.
        headers: of the request, in lower case.
        max_depth: how deep the body may nest.

    Raises:
        ProblemError: `invalid_frame`, with the field.

    """
    try:
        check_depth(body.decode(), max_depth)
        chat = _decode_chat(body)
        fields: dict[str, Any] = _decode_fields(body)
    except msgspec.ValidationError as error:
        if "$.id" in str(error) and "regex" in str(error):
            raise problem_error("invalid_frame", CHAT_MEANING, field="/id") from error
        raise decode_problem(error, ChatRequest) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise problem_error("invalid_frame", f"the body is not JSON: {error}") from error
    if "chat" in fields:
        detail = "`chat` is what the server makes of the messages for the handler; call the field otherwise"
        raise problem_error("invalid_frame", detail, field="/chat")
    fields["chat"] = {name: fields.pop(name) for name in _OF_CHAT if name in fields}
    submission = Submission(kind=kind, input=msgspec.Raw(_encode(fields)), tags=[chat_tag(chat.id)])
    return with_headers(submission, headers)
