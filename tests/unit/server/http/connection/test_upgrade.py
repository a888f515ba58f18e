"""What a request offers to change to, and its head without the offer."""

import pytest

from tidings_server.http.connection.upgrade import head_without_offer, offered


@pytest.mark.parametrize(
    ("headers", "protocol"),
    [
        ([(b"connection", b"Upgrade"), (b"upgrade", b"websocket")], b"websocket"),
        ([(b"connection", b"keep-alive, Upgrade"), (b"upgrade", b" WebSocket ")], b"websocket"),
        ([(b"connection", b"Upgrade"), (b"upgrade", b"h2c"), (b"connection", b"HTTP2-Settings")], b"h2c"),
        ([(b"connection", b"keep-alive"), (b"upgrade", b"websocket")], None),
        ([(b"connection", b"upgrade")], None),
        ([], None),
    ],
)
def test_the_protocol_that_a_request_offers_is_found(
    headers: list[tuple[bytes, bytes]], protocol: bytes | None
) -> None:
    assert offered(headers) == protocol


def test_a_head_without_its_offer_keeps_all_else() -> None:
    headers = [
        (b"host", b"localhost"),
        (b"connection", b"Upgrade, HTTP2-Settings"),
        (b"upgrade", b"h2c"),
        (b"http2-settings", b"AAMAAABkAAQAAP__"),
        (b"connection", b"close, upgrade"),
        (b"content-length", b"5"),
    ]
    assert head_without_offer(b"POST", b"/v1/jobs?a=b", "1.1", headers) == (
        b"POST /v1/jobs?a=b HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 5\r\n\r\n"
    )
