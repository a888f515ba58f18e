"""What a page asks of a chat, as the default transport of the AI SDK sends it, and where its answer is written.

Source: https://ai-sdk.dev/docs/ai-sdk-ui/transport (`DefaultChatTransport`), package `ai` 7.
"""

from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec

UI_STREAM: Final = "ui"
"""The stream of a job that holds the parts of its UI message."""

CHAT_PATTERN: Final = r"^[!-~]{1,59}$(?!\n)"
"""What a chat's id may be; `chat:` and the id is a tag."""

CHAT_MEANING: Final = "a chat's id has 1 to 59 visible ASCII characters"

MAX_MESSAGES: Final = 1_000
"""Messages in one request."""

MAX_PARTS: Final = 1_000
"""Parts of one message."""

_IdText = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class UIMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One message of a chat, as the page holds it (`UIMessage` of the package `ai`)."""

    id: _IdText
    """Unique in the chat."""
    role: Literal["system", "user", "assistant"]
    """Who says it."""
    parts: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=MAX_PARTS)]
    """What it consists of: each an object with a `type`, such as `{"type": "text", "text": "Hello"}`."""
    metadata: Any = None
    """What the application adds to it."""

    def __post_init__(self) -> None:
        """Refuse parts that no page makes.

        Raises:
            ValueError: a part has no `type`, or is a text without a text.

        """
        for number, part in enumerate(self.parts):
            type_ = part.get("type")
            if not isinstance(type_, str):
                raise ValueError(f"part {number} has no text `type`")  # noqa: TRY004 - of the value
            if type_ in ("text", "reasoning") and not isinstance(part.get("text"), str):
                raise ValueError(f"part {number} of the type {type_!r} has no text `text`")

    @property
    def text(self) -> str:
        """Its parts that are text, joined."""
        return "".join(
            part["text"] for part in self.parts if part.get("type") == "text" and isinstance(part.get("text"), str)
        )


class ChatRequest(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """What a page asks: the messages so far, of which the answer is the next. A handler takes it as `chat`."""

    __tidings_field__: ClassVar[bool] = True
    """It is a field of the input also where a handler takes nothing else, so that clients need not know the handler."""

    id: Annotated[str, msgspec.Meta(pattern=CHAT_PATTERN)]
    """The chat's id."""
    messages: Annotated[list[UIMessage], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]
    """The messages, the oldest first."""
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    """Whether the user says something (or answers a tool), or wants another answer."""
    message_id: _IdText | None = None
    """The message that the user edited, goes on with, or wants written again."""

    @property
    def last(self) -> UIMessage:
        """The newest message."""
        return self.messages[-1]

    @property
    def continued(self) -> UIMessage | None:
        """The answer that is to be gone on with, as after the result or the approval of a tool; None: a new one."""
        return self.last if self.last.role == "assistant" and self.trigger == "submit-message" else None


def chat_tag(chat: str) -> str:
    """Return the tag of the jobs that answer in a chat."""
    return f"chat:{chat}"


def answer_id(token: str, continued: UIMessage | None) -> str:
    """Return the id of the message that a job writes: the job's token, so that no other message has it."""
    return token if continued is None else continued.id
