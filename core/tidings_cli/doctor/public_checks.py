"""The checks through the address that clients use: what a proxy before the servers does to their answers."""

import asyncio
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec
from websockets.exceptions import InvalidStatus

from tidings.client.connection.address import socket_address
from tidings.client.connection.dial import DIAL_ERRORS, dial
from tidings.protocol.frames.messages import SUBPROTOCOL

from .finding import Finding, danger, ok, skipped, warning
from .http_probe import HttpAnswer, WebAddress
from .store_checks import judge_clock

GUIDE = "see docs/how-to/proxy.md"
FEED = "/v1/feed?kind=tidings-doctor&event=succeeded"
"""A stream whose first event the server sends at once, and which then stays open."""
NEXT = b"\n\n:\n"
"""What a server has sent after five seconds: the end of the first event, and a comment."""
TIMED_OUT = "timed out"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Readiness(msgspec.Struct):
    """What `/readyz` says, as far as the doctor reads it."""

    ready: bool = False
    reasons: list[str] = []


class RefusedProbe(msgspec.Struct):
    """A problem document, as far as the doctor reads it."""

    detail: str


async def check_public(address: WebAddress, clock: Callable[[], float] = time.time) -> list[Finding]:
    """Return the findings about the address of clients.

    Args:
        address: the address.
        clock: this machine's wall clock, s since the epoch.

    """
    before = clock()
    live = await asyncio.to_thread(address.get, "/healthz")
    now = (before + clock()) / 2
    if live.status != 200 or live.body.strip() != b"ok":
        return [_not_there(address, live)]
    return [
        ok("public.reach", f"a server answers at {address.url}"),
        check_encryption(address.url),
        await check_readiness(address),
        await check_upgrade(address),
        await check_stream(address),
        await check_metrics_hidden(address),
        judge_date(live, now),
    ]


def _not_there(address: WebAddress, live: HttpAnswer) -> Finding:
    if "CERTIFICATE_VERIFY_FAILED" in live.error:
        said = f"the certificate of {address.url} is not trusted: {live.error}"
        need = "have the proxy show the certificates of its issuers too; an authority of your own: set SSL_CERT_FILE"
        return danger("public.reach", said, need)
    if not live.status:
        return danger(
            "public.reach", f"nothing answers at {address.url}: {live.error}", "is the proxy up, and the name right?"
        )
    if live.status in (502, 503, 504):
        return danger(
            "public.reach",
            f"the proxy at {address.url} reaches no server ({live.status})",
            "start servers, and name them to it",
        )
    said = f"{address.url}/healthz answers {live.status}, and not as a server does"
    return danger("public.reach", said, f"pass every path on, or set TIDINGS_ROOT_PATH; {GUIDE}")


def check_encryption(url: str) -> Finding:
    """Return whether what clients send is encrypted on its way."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        return warning("public.tls", f"{url} is not encrypted: credentials pass readable", "end TLS at the proxy")
    return ok("public.tls", "encrypted" if parts.scheme == "https" else "on loopback")


def reasons_of(answer: HttpAnswer) -> str:
    """Return why a server is not ready, by its answer at `/readyz`; or the beginning of an answer that is none."""
    try:
        return "; ".join(msgspec.json.decode(answer.body, type=Readiness).reasons)
    except msgspec.MsgspecError:
        return f"it answers {answer.status}: {answer.body[:300].decode(errors='replace')}"


async def check_readiness(address: WebAddress) -> Finding:
    """Return whether the server that answers is ready for clients."""
    answer = await asyncio.to_thread(address.get, "/readyz")
    try:
        said = msgspec.json.decode(answer.body, type=Readiness)
    except msgspec.MsgspecError:
        return danger("public.ready", f"/readyz answers {answer.status}, and not as a server does", GUIDE)
    if not said.ready:
        return danger("public.ready", f"a server is not ready: {'; '.join(said.reasons)}", "see its log")
    return ok("public.ready", "the server that answered is ready")


async def check_upgrade(address: WebAddress) -> Finding:
    """Open a socket: the upgrade and the subprotocol must pass."""
    try:
        async with dial(socket_address(address.url), 10.0) as socket:
            if socket.subprotocol != SUBPROTOCOL:
                said = f"the upgrade passes without the subprotocol {SUBPROTOCOL}"
                return danger("public.socket", said, f"pass Sec-WebSocket-Protocol on; {GUIDE}")
        return ok("public.socket", "a WebSocket opens")
    except InvalidStatus as error:
        said = f"the upgrade to a WebSocket is answered with {error.response.status_code}"
        return danger("public.socket", said, f"pass Upgrade and Connection on, by HTTP/1.1; {GUIDE}")
    except DIAL_ERRORS as error:
        return danger("public.socket", f"no WebSocket opens: {error}", f"pass Upgrade and Connection on; {GUIDE}")


async def check_stream(address: WebAddress) -> Finding:
    """Open a stream: its first event must come at once, and what the server sends next must come too.

    A proxy that buffers often sends what came with the head of the answer, and keeps back only what follows.
    """
    answer, took_s = await asyncio.to_thread(address.stream, FEED, NEXT)
    if answer.status in (401, 403):
        need = "give a credential with the scope `feed`, by TIDINGS_CREDENTIAL"
        if not address.credential:
            return skipped("public.stream", "the server asks for a credential before it streams", need)
        return skipped("public.stream", f"the server refuses the credential a stream: {_detail_of(answer)}", need)
    if answer.status != 200 and answer.error != TIMED_OUT:
        said = f"it is answered with {answer.status}" if answer.status else answer.error
        return danger("public.stream", f"no stream of events opens: {said}", GUIDE)
    encoding = answer.headers.get("content-encoding")
    if NEXT not in answer.body:
        came = "its first event came, and what follows has not" if answer.body else "its first event has not come"
        how = f"compresses it ({encoding}) and keeps it back" if encoding else "keeps it back"
        do = "leave text/event-stream out of compression" if encoding else "turn off buffering of text/event-stream"
        said = f"of a stream {came} within {took_s:.0f} s: a proxy {how}"
        return danger("public.stream", said, f"{do}; {GUIDE}")
    if encoding:
        said = f"a proxy compresses streams ({encoding})"
        return warning("public.stream", said, f"leave text/event-stream out of compression; {GUIDE}")
    return ok("public.stream", f"the events of a stream pass one by one ({took_s:.1f} s)")


def _detail_of(answer: HttpAnswer) -> str:
    try:
        return msgspec.json.decode(answer.body, type=RefusedProbe).detail
    except msgspec.MsgspecError:
        return f"it is answered with {answer.status}"


async def check_metrics_hidden(address: WebAddress) -> Finding:
    """Return whether the page for Prometheus is kept from clients."""
    answer = await asyncio.to_thread(address.get, "/metrics")
    if answer.status == 200 and b"tidings_" in answer.body and urlsplit(address.url).hostname not in LOOPBACK:
        said = "strangers can read /metrics: names of kinds and queues, and how busy they are"
        return warning("public.metrics", said, f"answer 404 at the proxy; {GUIDE}")
    return ok("public.metrics", "kept from strangers" if answer.status != 200 else "readable on loopback")


def judge_date(answer: HttpAnswer, now: float) -> Finding:
    """Return what the date of an answer says of the clock there; `now` is this machine's time, s since the epoch."""
    try:
        then = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        return skipped("public.clock", "no answer has a date", "let the proxy pass Date on")
    # The date has whole seconds, and the answer took some time.
    return judge_clock("public.clock", "the public address's", then + 0.5 - now, error_s=1.0)
