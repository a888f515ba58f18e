"""A check, before anything starts, that a port can be listened on; the error says in one line what to do."""

import errno
import os
import random
import socket


class PortError(Exception):
    """An address cannot be listened on; says why, and what to do."""


FREE_PORTS = range(20_000, 32_000)
"""Ports below those that systems give to outgoing connections (Linux: from 32,768; IANA: from 49,152)."""


def free_port() -> int:
    """Return a TCP port of loopback that no program listens on at this moment, and no outgoing connection will take.

    Between this moment and the one at which the caller listens another program may take it.
    """
    while True:
        port = random.choice(FREE_PORTS)  # noqa: S311 - no secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def check_port(host: str, port: int, *, setting: str = "TIDINGS_PORT", flag: str = "--port") -> None:
    """Check that an address is free at this moment.

    Args:
        host: an address, or a name of this machine.
        port: the TCP port; 0: any.
        setting: the environment's variable that sets the port.
        flag: the command's flag that does.

    Raises:
        PortError: it is not.

    """
    for probe in listen_on(host, port, setting=setting, flag=flag):
        probe.close()


def listen_on(
    host: str,
    port: int,
    *,
    setting: str = "TIDINGS_PORT",
    flag: str = "--port",
    backlog: int = 2048,
    family: socket.AddressFamily = socket.AF_UNSPEC,
) -> list[socket.socket]:
    """Return sockets that listen, one for each address of a host.

    Args:
        host: an address, or a name of this machine.
        port: the TCP port; 0: any.
        setting: the environment's variable that sets the port.
        flag: the command's flag that does.
        backlog: connections that may wait to be accepted.
        family: of the addresses; `AF_UNSPEC`: of both.

    Raises:
        PortError: one cannot be listened on.

    """
    listening: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for found_family, kind, protocol, _, address in found:
            one = socket.socket(found_family, kind, protocol)
            listening.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if found_family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
            one.listen(backlog)
    except OSError as error:
        for one in listening:
            one.close()
        raise PortError(_why(error, host, port, setting=setting, flag=flag)) from None
    return listening


def _why(error: OSError, host: str, port: int, *, setting: str = "TIDINGS_PORT", flag: str = "--port") -> str:
    """Return why an address cannot be listened on, and what to do, in one line."""
    other = f"take another with {flag} or {setting}"
    if error.errno == errno.EADDRINUSE:
        who = "another program listens there, perhaps another `tidings`"
        return f"port {port} of {host} is in use: {who}. Stop it, or {other}"
    if error.errno == errno.EACCES:
        return f"port {port} of {host} may not be opened by this user: ports below 1024 are the system's; {other}"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        host_setting = setting.replace("_PORT", "_HOST")
        return f"this machine has no address {host!r}: set {host_setting} to one of its own, such as 127.0.0.1"
    why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
    return f"cannot listen on port {port} of {host} ({why}); {other}"
