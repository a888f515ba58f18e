"""The certificate authorities that the HTTP clients of a test process trust: read once.

`httpx` reads 140 of them from a file for each client, which takes 15 ms of processor time; the suite makes thousands of
clients, most of them for one request without TLS.
"""

from functools import cache

from httpx._transports import default


def share_authorities() -> None:
    """Have the clients of httpx that are made from now on share their contexts for TLS."""
    default.create_ssl_context = cache(default.create_ssl_context)  # type: ignore[attr-defined]
