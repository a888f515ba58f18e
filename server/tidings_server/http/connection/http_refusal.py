"""The refusal of a request that no route gets: as a problem, and as the bytes of its response."""

from http import HTTPStatus

import msgspec

from tidings.protocol.problems import Problem

_encode = msgspec.json.Encoder().encode


def refusal(status: HTTPStatus, code: str, detail: str, limit: int | None = None) -> Problem:
    """Return a problem without a page of its own (RFC 9457, section 4.2.1: about:blank)."""
    return Problem(type="about:blank", title=status.phrase, status=status, detail=detail, code=code, limit=limit)


def refusal_response(refused: Problem) -> bytes:
    """Return the response with a problem; the connection ends with it."""
    body = _encode(refused)
    head = (
        f"HTTP/1.1 {refused.status} {HTTPStatus(refused.status).phrase}\r\n"
        "content-type: application/problem+json\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n"
    )
    if refused.retry_after is not None:
        head += f"retry-after: {max(1, round(refused.retry_after))}\r\n"
    return f"{head}\r\n".encode() + body
