"""Two thousand that read, beside twenty that never do."""

import json
import socket
from urllib.parse import urlsplit

from bench.harness.running import running
from bench.load.histogram import Histogram
from bench.load.wire import SUBPROTOCOL, client_frame

from .member import Member, Ticks, all_of, crowd

READERS = 2_000
DEAF = 20
JOBS = 20
TICKS = 16
PERIOD_S = 0.5
BIG_BYTES = 500_000
ASKS = 24
"""Of so many times the big result each deaf one asks; what the kernel does not take waits in the server."""


async def _measure(deaf: int) -> Histogram:
    ticks = Ticks(READERS * TICKS)
    with running(settings={"TIDINGS_MAX_WAITING_BYTES": "16000000"}) as (_, system, urls):
        first = Member()
        await first.open(urls[0])
        big = await first.ask(type="submit", kind="big", input={"size": BIG_BYTES}, watch=False)
        before = system.rss_mb()["server"]
        held = [_never_read(urls[0], str(big["token"])) for _ in range(deaf)]
        members = await crowd(urls[0], READERS, ticks.take)
        watched = {"count": TICKS, "period_s": PERIOD_S}
        acks = [await first.ask(type="submit", kind="ticker", input=watched, delay=5, watch=False) for _ in range(JOBS)]
        await all_of(
            member.ask(type="watch", token=acks[number % JOBS]["token"]) for number, member in enumerate(members)
        )
        await ticks.all_came()
        more = system.rss_mb()["server"] - before
        print(f"  beside {deaf} that never read: {ticks.took.to_ms()} ms; memory of the server +{more:.0f} MB")
        for one in held:
            one.close()
        for member in [*members, first]:
            member.close()
    return ticks.took


def _never_read(url: str, token: str) -> socket.socket:
    """Ask for much, and read nothing of it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    one = socket.create_connection((parts.hostname, parts.port or 80))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.sendall(
        f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode()
    )
    for ref in range(ASKS):
        one.sendall(client_frame(json.dumps({"type": "watch", "ref": ref, "token": token}).encode()))
    return one


async def measure() -> None:
    """Print the figures without and with them."""
    print(f"{READERS} sockets read {JOBS} jobs that tick each {PERIOD_S} s:")
    alone, beside = await _measure(0), await _measure(DEAF)
    print(f"  p99 beside them / alone: {beside.percentile(0.99) / alone.percentile(0.99):.2f}")
