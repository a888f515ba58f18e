"""The command `tidings doctor`: checks a deployment, a line for each check, and an exit code for probes."""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console

from tidings.logging.printable import printable_json
from tidings.settings.settings import StoreSettings, from_env
from tidings.settings.store_url import show_store_url
from tidings.store.availability.store_errors import StoreError
from tidings.store.redis.store_client import check_store, open_store
from tidings_cli.command_errors import EXIT_MISTAKE, EXIT_STORE, CommandError
from tidings_cli.job_commands import credential_source
from tidings_cli.store_command import shown_prefix, store_flags
from tidings_cli.terminal import cell, open_console

from .finding import Finding, Level, danger, ok, skipped, worst
from .http_probe import WITHIN_S, WebAddress
from .machine_checks import check_build, check_open_files, check_servers
from .public_checks import check_public
from .registry_checks import check_registry
from .store_checks import check_promises, check_store_itself

MOST_SERVERS = 100
"""Servers that one call may name."""

MARKS = {
    Level.OK: ("ok", "green"),
    Level.WARNING: ("warn", "yellow"),
    Level.PROBLEM: ("FAIL", "red"),
    Level.SKIPPED: ("skip", ""),
}
"""How a level is shown."""

REACH = "store.reach"

LEAST_WITHIN_S = 6
"""A server sends something on a stream every five seconds."""
MOST_WITHIN_S = 300


@store_flags
def doctor(
    *,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", envvar="TIDINGS_URL", show_envvar=True, help="The address that clients use, through the proxy."
        ),
    ] = None,
    credential: Annotated[
        str | None,
        typer.Option(
            envvar="TIDINGS_CREDENTIAL",
            show_envvar=True,
            help="An API key or a JWT with the scope `feed`, which a stream needs; @FILE reads a file.",
        ),
    ] = None,
    server: Annotated[
        list[str] | None, typer.Option(help="The own address of a server, beside the proxy; give several.")
    ] = None,
    within: Annotated[float, typer.Option(help="How long an answer over HTTP may take.  [s]")] = WITHIN_S,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings too.")] = False,
    **flags: Any,
) -> None:
    """Check a deployment; exit with 1 if something is wrong, 3 if no store answers."""
    settings = from_env(StoreSettings, overrides=flags)
    for named in (url or "http://", *(server or [])):
        if not named.startswith(("http://", "https://")):
            raise CommandError(f"{named} is no address of a server: it begins with http:// or https://")
    if len(server or []) > MOST_SERVERS:
        raise CommandError(f"--server names {len(server or [])} servers; allowed: {MOST_SERVERS}")
    if not LEAST_WITHIN_S <= within <= MOST_WITHIN_S:
        raise CommandError(f"--within is {within:g}; allowed: {LEAST_WITHIN_S} to {MOST_WITHIN_S} s")
    source = credential_source(credential) or ""
    public = WebAddress(url, source() if callable(source) else source, within) if url else None
    servers = [WebAddress(named, within_s=within) for named in server or []]
    findings = asyncio.run(_check(settings, public, servers))
    if as_json:
        print(printable_json({"level": worst(findings), "findings": findings}))  # noqa: T201 - this is the command line
    else:
        _show(findings, open_console())
    raise typer.Exit(_exit_code(findings, strict=strict))


async def _check(settings: StoreSettings, public: WebAddress | None, servers: list[WebAddress]) -> list[Finding]:
    findings = [*await _check_store(settings), check_build(), check_open_files()]
    if public is None:
        need = "give --url, the address that clients use: proxies are checked through it"
        findings.append(skipped("public.reach", "no address of clients is known", need))
    else:
        findings += await check_public(public)
    return findings + await check_servers(servers)


async def _check_store(settings: StoreSettings) -> list[Finding]:
    url = settings.store_url
    try:
        await check_store(url)
    except StoreError as error:
        return [danger(REACH, str(error), "without it nothing else of the store is checked")]
    store = open_store(url, key_prefix=settings.key_prefix)
    found: list[Finding] = []
    try:
        found += await check_store_itself(store)
        found += await check_promises(store, settings)
        found += await check_registry(store)
    except StoreError as error:
        found.append(danger("store.read", f"not all of the store can be read: {error}", "see store.permissions"))
    else:
        found.insert(0, ok(REACH, f"a store answers at {show_store_url(url)}{shown_prefix(settings.key_prefix)}"))
    finally:
        await store.aclose()
    return found


def _exit_code(findings: list[Finding], *, strict: bool) -> int:
    if any(one.check == REACH and one.level is Level.PROBLEM for one in findings):
        return EXIT_STORE
    level = worst(findings)
    return EXIT_MISTAKE if level is Level.PROBLEM or (strict and level is Level.WARNING) else 0


def _show(findings: list[Finding], console: Console) -> None:
    for one in findings:
        mark, style = MARKS[one.level]
        line = cell(f"{mark:4}  ", style)
        line.append_text(cell(f"{one.check:<20}  {one.says}" + (f" -> {one.do}" if one.do else "")))
        console.print(line)
