"""Offers to change the protocol of a connection: the WebSocket's is taken, every other is passed over.

A client such as Java's HttpClient, or `curl --http2`, offers HTTP/2 with each request in clear text. A server may pass
over the offer and answer as HTTP/1.1 (RFC 9110, section 7.8); the parser beneath uvicorn takes the body of such a
request for the other protocol's first bytes. So the head is given to it once more, without the offer.
"""

from collections.abc import Iterable

Headers = Iterable[tuple[bytes, bytes]]

MAX_OPTIONS = 64
"""Options of a `Connection` field that are read one by one."""

_OFFER = frozenset({b"upgrade", b"http2-settings"})
"""Header fields of an offer, and what `Connection` calls them (RFC 7540, section 3.2.1)."""


def offered(headers: Headers) -> bytes | None:
    """Return the protocol that a request offers to change to, in lower case; None: it offers none."""
    protocol: bytes | None = None
    options: list[bytes] = []
    for name, value in headers:
        if name == b"connection":
            options += _options(value.lower())
        elif name == b"upgrade":
            protocol = value.strip().lower()
    return protocol if b"upgrade" in options else None


def is_websocket_handshake(method: bytes, version: str, headers: Headers) -> bool:
    """Return whether a request is the WebSocket's handshake: a GET without a body (RFC 6455, section 4.2.1)."""
    return (
        offered(headers) == b"websocket"
        and method == b"GET"
        and version == "1.1"
        and not any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")) for name, value in headers
        )
    )


def head_without_offer(method: bytes, url: bytes, version: str, headers: Headers) -> bytes:
    """Return the head of a request as HTTP/1 has it, without its offer."""
    lines = [b"%b %b HTTP/%b\r\n" % (method, url, version.encode())]
    for name, value in headers:
        if name in _OFFER:
            continue
        kept = value
        if name == b"connection":
            kept = b", ".join(option for option in _options(value) if option.lower() not in _OFFER)
            if not kept:
                continue
        lines.append(b"%b: %b\r\n" % (name, kept))
    return b"".join((*lines, b"\r\n"))


def _options(value: bytes) -> list[bytes]:
    return [option for option in map(bytes.strip, value.split(b",", MAX_OPTIONS)) if option]
