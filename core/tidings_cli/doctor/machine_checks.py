"""The checks of this machine, and of single servers by their own addresses."""

import asyncio
import re
import resource
from collections.abc import Iterable

from tidings.process.interpreter import describe_build

from .finding import Finding, danger, ok, warning
from .http_probe import WebAddress
from .public_checks import reasons_of

LEAST_FILES = 4_096
"""Open files below which a server holds few clients: the usual limit of a shell is 1,024."""
FILES_SHARE = 0.8
"""The share of the open files that a process may have above which operators are warned."""

_SAMPLE = re.compile(rb"^(process_open_fds|process_max_fds) ([0-9.e+]+)$", re.MULTILINE)


def check_open_files() -> Finding:
    """Return what this machine admits for a process that is started as this one was."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < LEAST_FILES:
        how = "LimitNOFILE=65536 in its unit, ulimits in compose.yaml, or ulimit -n"
        more = "" if hard in (soft, resource.RLIM_INFINITY) else f" (it may be raised to {hard})"
        return warning(
            "machine.open_files",
            f"a process started here has {soft} open files at the most{more}: one for each client",
            how,
        )
    return ok("machine.open_files", f"{'any number' if soft == resource.RLIM_INFINITY else soft} for a process")


def check_build() -> Finding:
    """Return what runs a process that is started as this one was."""
    return ok("machine.build", describe_build())


async def check_servers(addresses: Iterable[WebAddress]) -> list[Finding]:
    """Return what single servers say of themselves."""
    return [await _server(address) for address in addresses]


async def _server(address: WebAddress) -> Finding:
    name = f"server {address.url}"
    answer = await asyncio.to_thread(address.get, "/readyz")
    if not answer.status:
        return danger(
            "server.ready", f"{name} does not answer: {answer.error}", "start it, or take it out of the proxy"
        )
    if answer.status != 200:
        return danger("server.ready", f"{name} is not ready: {reasons_of(answer)}", "see its log")
    page = await asyncio.to_thread(address.get, "/metrics")
    samples = {name.decode(): float(value) for name, value in _SAMPLE.findall(page.body)}
    now, most = samples.get("process_open_fds", 0.0), samples.get("process_max_fds", 0.0)
    if most and now > FILES_SHARE * most:
        return danger(
            "server.open_files",
            f"{name} has {now:.0f} of {most:.0f} open files",
            "raise its limit, or start another server",
        )
    if most and most < LEAST_FILES:
        return warning(
            "server.open_files", f"{name} may have {most:.0f} open files", "raise its limit (LimitNOFILE, ulimits)"
        )
    return ok("server.ready", f"{name} is ready" + (f", with {now:.0f} of {most:.0f} open files" if most else ""))
