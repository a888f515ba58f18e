"""A collector of traces: what OTLP over HTTP sends it, as trees."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan

from support.waiting import until_async

SPANS_TIMEOUT_S = 20.0


class Received(NamedTuple):
    """A span as it arrived."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty: it begins the trace."""
    state: str
    begun_ns: int
    attributes: dict[str, Any]
    failed: bool
    links: tuple[str, ...]
    """The ids of the spans that it links to."""


class Receiver:
    """What has arrived so far."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[Received] = []

    def of(self, trace_id: str) -> list[Received]:
        """Return the spans of a trace, the earliest first."""
        return sorted((span for span in self.spans if span.trace_id == trace_id), key=lambda span: span.begun_ns)

    def named(self, trace_id: str, name: str) -> Received:
        """Return the first span of that name."""
        return next(span for span in self.of(trace_id) if span.name == name)

    def tree(self, trace_id: str) -> str:
        """Return a trace as lines, indented below what they belong to; a span that failed has a mark."""
        spans = self.of(trace_id)
        known = {span.span_id for span in spans}

        def lines(parent: str, depth: int) -> Iterator[str]:
            for span in spans:
                top = span.parent_id not in known
                if (span.parent_id == parent and not top) or (top and not depth):
                    yield "  " * depth + span.name + (" !" if span.failed else "")
                    yield from lines(span.span_id, depth + 1)

        return "\n".join(lines("", 0))

    async def until(self, trace_id: str, tree: str) -> None:
        """Return when a trace looks so."""
        wanted = "\n".join(line[4:] for line in tree.rstrip().splitlines()[1:])
        await until_async(
            lambda: self.tree(trace_id) == wanted,
            seconds=SPANS_TIMEOUT_S,
            shown=lambda: f"wanted:\n{wanted}\ncame:\n{self.tree(trace_id)}",
        )


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Run a collector around the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.spans += _read(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def _read(request: ExportTraceServiceRequest) -> Iterator[Received]:
    for resource in request.resource_spans:
        service = _attributes(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Received(
                    service,
                    span.name,
                    SentSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.trace_state,
                    span.start_time_unix_nano,
                    _attributes(span.attributes),
                    span.status.code == span.status.STATUS_CODE_ERROR,
                    tuple(link.span_id.hex() for link in span.links),
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
