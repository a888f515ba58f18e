"""What a handler says in a message: one method for each sort of part, for coroutines and for threads alike."""

from abc import abstractmethod
from typing import Any, Generic, TypeVar

from .message_parts import filled
from .part_types import Part
from .written_message import WrittenMessage, data_part

SentT = TypeVar("SentT")
"""What a method returns: an awaitable in a coroutine, nothing in a thread."""


class MessageCalls(WrittenMessage, Generic[SentT]):
    """The parts of a message that a handler writes.

    Text and reasoning come in pieces, and make one block until something else is written. Everything that is written
    is in `message` too. For errors see `JobStream.write`: a part is a chunk of the stream `ui`.
    """

    @abstractmethod
    def _send(self, parts: list[Part]) -> SentT:
        """Write parts, in their order."""

    def text(self, delta: str) -> SentT:
        """Add to the text."""
        return self._send(self._next.delta("text", delta))

    def reasoning(self, delta: str) -> SentT:
        """Add to the reasoning, which pages show apart."""
        return self._send(self._next.delta("reasoning", delta))

    def tool_input(self, call: str, tool: str, value: Any) -> SentT:
        """Say that a tool is called.

        Args:
            call: the id of the call, unique in the message.
            tool: the tool's name.
            value: what it is called with, JSON.

        """
        return self._send(self._next.tool_input(call, tool, value))

    def tool_output(self, call: str, output: Any, *, preliminary: bool = False) -> SentT:
        """Give what a tool returned.

        Args:
            call: the id of the call.
            output: JSON.
            preliminary: whether more of the same call is to come, which takes its place.

        """
        part = {"type": "tool-output-available", "toolCallId": call, "output": output}
        return self._send(self._next.alone(part | {"preliminary": True} if preliminary else part))

    def tool_error(self, call: str, why: str) -> SentT:
        """Say that a tool failed, in words for people: the page shows them."""
        return self._send(self._next.alone({"type": "tool-output-error", "toolCallId": call, "errorText": why}))

    def tool_approval(self, call: str, approval: str) -> SentT:
        """Ask the user whether a tool may be called.

        Args:
            call: the id of the call, whose input was written.
            approval: the id of the question, which comes back with the answer.

        """
        return self._send(
            self._next.alone({"type": "tool-approval-request", "approvalId": approval, "toolCallId": call})
        )

    def tool_approved(self, approval: str, approved: bool, reason: str | None = None) -> SentT:
        """Give the user's answer to the question, where it did not come with a request."""
        part = filled("tool-approval-response", approvalId=approval, approved=approved, reason=reason)
        return self._send(self._next.alone(part))

    def tool_denied(self, call: str) -> SentT:
        """Say that a tool was not called because the user did not approve it."""
        return self._send(self._next.alone({"type": "tool-output-denied", "toolCallId": call}))

    def file(self, url: str, media_type: str) -> SentT:
        """Add a file by its address. A `data:` address must fit into a chunk, 65,000 bytes."""
        return self._send(self._next.alone({"type": "file", "url": url, "mediaType": media_type}))

    def source(self, identity: str, url: str, title: str | None = None) -> SentT:
        """Add an address from which the answer has something."""
        return self._send(self._next.alone(filled("source-url", sourceId=identity, url=url, title=title)))

    def data(self, name: str, value: Any, *, id: str | None = None, transient: bool = False) -> SentT:  # noqa: A002
        """Add data of the application's own: a part `data-NAME`.

        Args:
            name: what it is.
            value: any JSON.
            id: a later part of the same name and id takes the place of the first.
            transient: the page gets it once (`onData`), and the message does not keep it.

        """
        return self._send(self._next.alone(data_part(name, value, id, transient)))

    def metadata(self, value: Any) -> SentT:
        """Add to the metadata of the message."""
        return self._send([{"type": "message-metadata", "messageMetadata": value}])

    def next_step(self) -> SentT:
        """End a step, such as one answer of a model and the tools that it called, and begin the next."""
        return self._send(self._next.next_step())

    def part(self, part: Part) -> SentT:
        """Add any part of the protocol.

        Raises:
            ValueError: it is none, or one that only the server writes.

        """
        return self._send(self._next.alone(part))

    def finish(self, reason: str | None = None, metadata: Any = None) -> SentT:
        """End the message; leaving the block does so too.

        Args:
            reason: `stop`, `length`, `content-filter`, `tool-calls`, `error`, `interrupted` or `other`.
            metadata: is added to the message's.

        """
        return self._send(self._next.finish(reason, metadata))
