"""Who calls, and from where."""

from starlette.types import Scope

from tidings_server.auth.identity import Identity


def address_of(scope: Scope) -> str:
    """Return where a request comes from; empty where that has no address, as on a unix socket.

    Behind a proxy the ASGI server puts the address that the proxy forwards in its place (`tidings serve`: for the
    proxies that TIDINGS_FORWARDED_ALLOW_IPS names).
    """
    client = scope.get("client")
    return str(client[0]) if client else ""


def caller_of(scope: Scope, identity: Identity) -> str:
    """Return the name under which a caller's share of a queue is counted: the owner, or else the address."""
    return identity.owner or address_of(scope)
