"""`python -m bench.copies.hops`: how often a large value is copied at each hop on its way there and back, as JSON.

Each hop does what the process does with one value, with nothing of the event loop and the kernel around it: what these
read is there in pieces, and what is written are pieces. So the figures are whole numbers, and a test holds them.
"""

import json
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import hiredis
import msgspec
from websockets.frames import Frame, Opcode

from tidings import job
from tidings.client.protocol.client_protocol import ClientProtocol
from tidings.protocol.frames.envelope import decode_envelope
from tidings.protocol.frames.limits import Limits
from tidings.protocol.frames.messages import EventFrame, ServerFrame, Submit
from tidings.protocol.tokens import new_token
from tidings.schema.codec import encode
from tidings.store.attempts.attempt_records import AttemptReport
from tidings.store.jobs.job_builder import JobRequest, build_job
from tidings.store.jobs.job_reader import JobRecord, check_record_json, place_results
from tidings.store.jobs.job_store import NewJob
from tidings.store.redis.encoding.command_bytes import command_pieces
from tidings.store.redis.encoding.script_arguments import pack_arguments
from tidings_server.kinds.kind_catalog import KindCatalog
from tidings_server.watch.event_frames import final_frame
from tidings_server.websocket.frames.frame_reader import read_frame
from tidings_server.websocket.frames.partial_text import HEAD_BYTES, PartialText, text_in
from tidings_worker.outcome import outcomes
from tidings_worker.runner.arguments import arguments_of, result_json

from .page_faults import copies, count_here

SIZE: Final = 4_000_000
"""Of the text, bytes: large beside whatever else costs a page fault."""

PIECE: Final = 256_000
"""What an event loop reads at a time, bytes."""

_LIMITS = Limits(max_frame_bytes=2 * SIZE, max_depth=32, max_in_flight=9, max_watches=9, max_waiting_bytes=2 * SIZE)
_TEXT = "x" * SIZE
_INPUT = encode({"text": _TEXT})
_RESULT = encode(_TEXT)


@job
async def echo(text: str) -> str:
    """Returns what it is given."""
    return text


def _client_frame() -> bytes:
    protocol = ClientProtocol()
    protocol.connected(_LIMITS)
    protocol.submit({"kind": "echo", "input": msgspec.Raw(encode({"text": _TEXT})), "key": "k"})
    (frame,) = protocol.take()
    return frame


def _read_text(pieces: list[bytes]) -> str | bytes | bytearray:
    text = PartialText.begin(pieces[0], 0, 2 * SIZE)
    assert text is not None
    text.take(pieces[0], HEAD_BYTES)
    for piece in pieces[1:]:
        text.take(piece, 0)
    assert text.whole
    return text_in(text.payload)


def _new_job(catalog: KindCatalog, text: str | bytes | bytearray) -> NewJob:
    frame = read_frame(text, 2 * SIZE, 32)
    assert isinstance(frame, Submit)
    kind, value = catalog.check(frame)
    request = JobRequest(id=new_token("p").id, input=frame.input, owner="o", key="k", deduplicates=True)
    return build_job(kind, request, value)


def _call(*items: object) -> list[bytes]:
    """Return a call of a script with some items, as it is written."""
    packed, texts = pack_arguments(("p", items))
    return command_pieces(("FCALL", "f", 1, "t:{p}:", packed, "", "", *texts))


def _report() -> list[bytes]:
    report = AttemptReport("A" * 22, 1, 1)
    report.outcome = outcomes.succeeded(result_json(_TEXT, 2 * SIZE))
    return _call(report.seal())


def _read_reply(pieces: list[bytearray]) -> Any:
    reader = hiredis.Reader()
    for piece in pieces:
        reader.feed(piece, 0, len(piece))  # type: ignore[arg-type] # it takes any buffer
    return reader.gets()


def _end_frame(packed: bytes, result: bytes) -> list[bytes]:
    (record,) = place_results(msgspec.msgpack.decode(packed, type=list[JobRecord]), [result])
    assert isinstance(record, JobRecord)
    check_record_json(record)
    return final_frame("p.A", record).wire_pieces


def _take_end(message: bytes) -> Any:
    frame = msgspec.json.decode(message, type=ServerFrame)
    assert isinstance(frame, EventFrame)
    return msgspec.json.decode(frame.data)["result"]


def _hops() -> dict[str, Callable[[], object]]:
    frame = _client_frame()
    wire = Frame(Opcode.TEXT, frame).serialize(mask=True)
    pieces = [wire[at : at + PIECE] for at in range(0, len(wire), PIECE)]
    catalog = KindCatalog([echo.record()])
    text = _read_text(pieces)
    new = _new_job(catalog, text)
    envelope = b'["echo",' + _INPUT + b"]"
    reply = b"$%d\r\n%b\r\n" % (len(envelope), envelope)
    replies = [bytearray(reply[at : at + PIECE]) for at in range(0, len(reply), PIECE)]
    record = JobRecord("succeeded", 1, 3, "echo", finished=1, text=1)
    packed = msgspec.msgpack.encode([record])
    message = b"".join(_end_frame(packed, _RESULT)[1:])
    return {
        "client: arguments to frame": _client_frame,
        "client: frame to socket (websockets)": lambda: Frame(Opcode.TEXT, frame).serialize(mask=True),
        "server: pieces to text": lambda: _read_text(pieces),
        "server: text to checked job": lambda: _new_job(catalog, text),
        "server: job to store": lambda: _call(new),
        "worker: reply of the store to entry (hiredis)": lambda: _read_reply(replies),
        "worker: entry to arguments": lambda: arguments_of(echo, decode_envelope(envelope).input, None, 1),
        "worker: result to store": _report,
        "server: reply of the store to result (hiredis)": lambda: _read_reply(replies),
        "server: result to socket": lambda: _end_frame(packed, _RESULT),
        "client: message to result": lambda: _take_end(message),
    }


HOPS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "client: arguments to frame": 3,
        "client: frame to socket (websockets)": 2,
        "server: pieces to text": 2,
        "server: text to checked job": 3,
        "server: job to store": 0,
        "worker: reply of the store to entry (hiredis)": 2,
        "worker: entry to arguments": 1,
        "worker: result to store": 1,
        "server: reply of the store to result (hiredis)": 2,
        "server: result to socket": 0,
        "client: message to result": 1,
    }
)
"""The copies that each hop makes; a change that makes fewer says so here."""


def main() -> None:
    """Count, and print the copies of each hop."""
    count_here(["-m", "bench.copies.hops"])
    sys.stdout.write(json.dumps({name: round(copies(hop, SIZE), 2) for name, hop in _hops().items()}) + "\n")


if __name__ == "__main__":
    main()
