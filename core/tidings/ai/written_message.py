"""One message as a handler writes it: what both writers know of it."""

from collections.abc import Collection
from copy import deepcopy
from typing import Any

from tidings.context.context import ContextBase

from .assembled_message import AssembledMessage
from .chat_request import ChatRequest, UIMessage, answer_id
from .message_parts import MessageParts
from .message_prefix import earlier_chunks
from .models.read_field import field_of
from .part_types import Part, checked


class WrittenMessage:
    """A message on its way into a job's stream."""

    def __init__(self, context: ContextBase[Any], chat: ChatRequest | None) -> None:
        continued = None if chat is None else chat.continued
        self.id: str = answer_id(context.token, continued)
        """The message's id: the job's token, or that of the message that is gone on with."""
        self._next = MessageParts(self.id)
        self._assembled = AssembledMessage(self.id, continued)
        self._chat = chat

    @property
    def message(self) -> dict[str, Any]:
        """The message as it is by now, as JSON has it: what the page shows, and what a history keeps."""
        return self._assembled.as_dict()

    @property
    def messages(self) -> list[UIMessage]:
        """The messages of the chat with this one, as it is by now: what a model is asked next."""
        before = [] if self._chat is None else self._chat.messages
        if self._chat is not None and self._chat.continued is not None:
            before = before[:-1]
        return [*before, UIMessage(id=self.id, role="assistant", parts=deepcopy(self._assembled.parts))]

    @property
    def finished(self) -> bool:
        """Whether it has ended."""
        return self._next.finished

    def _begin(self) -> list[Part]:
        """Return the parts that begin the message."""
        continued = None if self._chat is None else self._chat.continued
        return self._next.begin(earlier=() if continued is None else earlier_chunks(continued))

    def _taken(self, part: Part) -> Part:
        """Return a part that is to be written, and have it in the message.

        Raises:
            ValueError: it is no part that a handler may write.

        """
        self._assembled.add(checked(part))
        return part


def data_part(name: str, value: Any, identity: str | None, transient: bool) -> Part:
    """Return a part with data of the application's own."""
    part: Part = {"type": f"data-{name}", "data": value}
    if identity is not None:
        part["id"] = identity
    return part | {"transient": True} if transient else part


def offered_names(tools: Collection[Any] | None) -> Collection[str] | None:
    """Return the names of the tools that were offered, given as names or as the model's client takes them."""
    if tools is None:
        return None
    return {_name_of(tool) for tool in tools}


def _name_of(tool: Any) -> str:
    if isinstance(tool, str):
        return tool
    found = field_of(tool, "name") or field_of(field_of(tool, "function"), "name")
    if not isinstance(found, str):
        raise ValueError(f"a tool that is offered is a name, or an object with one; not {tool!r}")  # noqa: TRY004
    return found
