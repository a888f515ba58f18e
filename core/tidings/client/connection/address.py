"""Where the server is."""

from urllib.parse import urlsplit, urlunsplit

from tidings.client.client_errors import ConnectionFailed

DEFAULT_URL = "http://127.0.0.1:8700"


def socket_address(url: str) -> str:
    """Return the address of the socket for the address of a server.

    Raises:
        ConnectionFailed: it is not an address of a server.

    """
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise ConnectionFailed(f"{url!r} is not a server's address; it looks like {DEFAULT_URL}")
    path = parts.path.rstrip("/")
    if not path.endswith("/v1/socket"):
        path += "/v1/socket"
    return urlunsplit((scheme, parts.netloc, path, "", ""))
