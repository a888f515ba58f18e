"""The HTTP client of deliveries: it opens connections only to addresses that the rules allow.

The check is made where a socket is created, of the address that is about to be dialled: between a check of the name
and the connection a name server may change its answer (DNS rebinding), and a name may have several addresses.

Source: https://docs.aiohttp.org/en/stable/client_reference.html#aiohttp.TCPConnector (`socket_factory`)
"""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

import aiohttp
from aiohttp.abc import AbstractResolver

from tidings.webhook.address_rules import AddressRules

DIALLED_HOST: ContextVar[str] = ContextVar("dialled_host", default="")
"""The host of the URL for which the current task opens a connection."""

DIALS_PROXY: ContextVar[bool] = ContextVar("dials_proxy", default=False)
"""Whether the current task opens a connection to the operator's proxy, whose address no rule need allow."""

KEEP_ALIVE_S = 30.0
"""How long an idle connection is kept."""

SocketFactory = Callable[[aiohttp.AddrInfoType], socket.socket]


def guarded_sockets(rules: AddressRules) -> SocketFactory:
    """Return what makes the sockets of connections, after it has checked where they go."""

    def open_socket(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not DIALS_PROXY.get():
            rules.check(DIALLED_HOST.get(), str(address[0]))
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return open_socket


@asynccontextmanager
async def guarded_session(
    rules: AddressRules,
    *,
    connections: int,
    per_host: int,
    connect_s: float,
    total_s: float,
    resolver: AbstractResolver | None = None,
    sockets: SocketFactory | None = None,
) -> AsyncIterator[aiohttp.ClientSession]:
    """Return a session whose connections the rules guard; it ignores proxies of the environment, and keeps no cookies.

    Args:
        rules: which addresses are allowed.
        connections: how many may be open.
        per_host: how many to one host and port.
        connect_s: how long a connection may take to open, s.
        total_s: how long a request may take, s.
        resolver: answers for host names; None: that of the system.
        sockets: makes the sockets; None: `guarded_sockets`.

    """
    connector = aiohttp.TCPConnector(
        socket_factory=sockets or guarded_sockets(rules),
        resolver=resolver,
        use_dns_cache=False,
        limit=connections,
        limit_per_host=per_host,
        keepalive_timeout=KEEP_ALIVE_S,
    )
    timeout = aiohttp.ClientTimeout(total=total_s, sock_connect=connect_s, connect=total_s)
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("Accept-Encoding",),
        requote_redirect_url=False,
        max_line_size=8_190,
        max_field_size=8_190,
    ) as session:
        yield session
