"""One job in a chat: the events of its stream `ui`, and its end, as parts of a message."""

from collections.abc import Iterable

import msgspec

from tidings.ai.chat_request import UI_STREAM
from tidings.protocol.events import EventClass, EventName, StreamEvent
from tidings.protocol.frames.stream_messages import ChunkData, ChunksData
from tidings.protocol.problems import Problem
from tidings.protocol.states import State
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import JobRecord
from tidings.store.streams.stream_records import StreamRecord
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.event_frames import event_name
from tidings_server.watch.job_listener import JobListener
from tidings_server.watch.snapshots import is_final

from .chat_stream import ChatStream
from .message_replay import MalformedPartError, MessageReplay

_encode = msgspec.json.Encoder().encode
_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _ChunkFrame(msgspec.Struct):
    data: ChunkData


class _ChunksFrame(msgspec.Struct):
    data: ChunksData


class _StreamData(msgspec.Struct):
    stream: str


class _ResetFrame(msgspec.Struct):
    data: _StreamData


class _EndData(msgspec.Struct):
    problem: Problem | None = None


class _EndFrame(msgspec.Struct):
    event: str
    data: _EndData | None = None


_chunk = msgspec.json.Decoder(_ChunkFrame).decode
_chunks = msgspec.json.Decoder(_ChunksFrame).decode
_reset = msgspec.json.Decoder(_ResetFrame).decode
_end = msgspec.json.Decoder(_EndFrame).decode
_problem = msgspec.json.Decoder(Problem).decode


class ChatListener(JobListener):
    """Passes one job's message on to one client."""

    __slots__ = ("_replay", "_stream")

    def __init__(self, token: Token, stream: ChatStream, replay: MessageReplay) -> None:
        """Listen to a job.

        Args:
            token: the job's.
            stream: the answer to the client.
            replay: what the client has of the message.

        """
        super().__init__(token)
        self._stream = stream
        self._replay = replay

    def begin_with(self, record: JobRecord) -> None:
        """Take the message as a record has it, from its first part."""
        self._say(_texts(chunk for stream in record.streams if stream.name == UI_STREAM for chunk in _parts_of(stream)))
        if is_final(record):
            self._ended(record.state, _problem(record.problem) if record.problem else None)

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Pass on what is said in the message, and the end of the job."""
        if self._stream.stale or self._stream.complete:
            return
        name = event_name(frame.text)
        if name == StreamEvent.CHUNK:
            one = _chunk(frame.data).data
            self._said(one.stream, one.index, (one.data,))
        elif name == StreamEvent.CHUNKS:
            several = _chunks(frame.data).data
            self._said(several.stream, several.index, several.data)
        elif name == StreamEvent.RESET:
            if _reset(frame.data).data.stream == UI_STREAM:
                self._take_again()
        elif event_class == EventClass.FINAL:
            end = _end(frame.data)
            self._ended(end.event, end.data.problem if end.data is not None else None)

    def repaired(self, record: JobRecord, after: int) -> None:
        """Go on with the record, in which the lost events are; take the message again where some of it is void."""
        found = [stream for stream in record.streams if stream.name == UI_STREAM]
        if self._stream.complete:
            return
        if (found[0].first if found else 0) != self._replay.count:
            self._take_again()
        else:
            self.begin_with(record)

    def vanished(self) -> None:
        """Take note that the job's record is gone: the message does not end."""
        self._stream.end_one()

    def _said(self, stream: str, index: int, chunks: Iterable[msgspec.Raw]) -> None:
        if stream != UI_STREAM:
            return
        if index == self._replay.count:
            self._say(_texts(chunks))
        else:
            self._take_again()

    def _say(self, chunks: Iterable[str]) -> None:
        try:
            self._stream.say(self._replay.take(chunks))
        except MalformedPartError:
            self._fail(f"the handler wrote to the stream `{UI_STREAM}` what is no part of a message")
            return
        if self._replay.lacks_earlier:
            self._finish()
        elif self._replay.lost:
            self._stream.end_one()  # the client has what cannot be taken back; a resume shows it rightly

    def _take_again(self) -> None:
        self._stream.stale = True
        self._stream.wake()

    def _ended(self, state: str, problem: Problem | None) -> None:
        """Write the end of the message, as the job has ended."""
        if self._stream.complete:
            return
        if state == EventName.SUCCEEDED:
            if not self._replay.whole:
                self._stream.end_one()
                return
            if not self._replay.begun:
                self._stream.say((_json({"type": "start", "messageId": str(self.token)}),))
            if not self._replay.finished:
                self._stream.say(('{"type":"finish"}',))
            self._finish()
        elif state == State.CANCELLED:
            self._stream.say(('{"type":"abort","reason":"cancelled"}',))
            self._finish()
        else:
            self._fail("the job has failed" if problem is None else problem.detail)

    def _fail(self, why: str) -> None:
        self._stream.say((_json({"type": "error", "errorText": why}),))
        self._finish()

    def _finish(self) -> None:
        self._stream.end()
        self._stream.end_one()


def _parts_of(stream: StreamRecord) -> list[msgspec.Raw]:
    return _raw_list(f"[{stream.chunks}]")


def _texts(chunks: Iterable[msgspec.Raw]) -> Iterable[str]:
    return (bytes(chunk).decode() for chunk in chunks)


def _json(part: dict[str, str]) -> str:
    return _encode(part).decode()
