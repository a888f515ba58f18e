"""Who calls: the name under which a caller's share of a queue is counted."""

from starlette.types import Scope


def caller_of(scope: Scope) -> str:
    """Return a request's caller; empty where it has none, as on a unix socket.

    Nobody is asked who they are yet, so it is an address. Behind a proxy the ASGI server puts the address that the
    proxy forwards in its place (uvicorn: `--forwarded-allow-ips`).
    """
    client = scope.get("client")
    return str(client[0]) if client else ""
