"""Whose pages may use this server."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers


def origin_allowed(headers: Headers, allowed: Sequence[str]) -> bool:
    """Return whether a browser's page may use this server: its own pages, or those allowed.

    Other programs send no Origin and pass. What is no origin is not allowed. Source: RFC 6455, section 10.2.
    """
    origin = headers.get("origin")
    if origin is None or "*" in allowed or origin in allowed:
        return True
    try:
        own = urlsplit(origin).netloc
    except ValueError:  # such as `http://[`: a page has no such origin
        return False
    return own != "" and own == headers.get("host")
