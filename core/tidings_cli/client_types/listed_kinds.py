"""The kinds of which types are written: those that a server lists, or those of a module."""

import urllib.error
import urllib.request
from importlib import import_module
from typing import Any

import msgspec

from tidings_cli.command_errors import CommandError
from tidings_cli.redirect_refusal import RedirectRefusal

from .kind_types import KindListing, ListedKind

MAX_BYTES = 16 * 1024 * 1024
"""Most bytes of an answer that are read."""

TIMEOUT_S = 30.0
"""How long a server may take, s."""


def kinds_of_server(url: str, credential: str | None) -> list[ListedKind]:
    """Return the kinds that a server lists.

    Args:
        url: `http(s)://` or `ws(s)://`.
        credential: an API key or a JWT.

    Raises:
        CommandError: it does not answer, or with something else.

    """
    address = url.rstrip("/")
    if address.startswith("ws"):
        address = f"http{address.removeprefix('ws')}"
    if not address.startswith(("http://", "https://")):
        raise CommandError(f"{url} is no address of a server: it begins with http:// or https://")
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {credential}"} if credential else {})}
    request = urllib.request.Request(f"{address}/v1/kinds", headers=headers)  # noqa: S310 - checked above
    try:
        with urllib.request.build_opener(RedirectRefusal).open(request, timeout=TIMEOUT_S) as answer:
            text = answer.read(MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        raise CommandError(f"{address}/v1/kinds answers {error.code}: {_advice(error.code)}") from None
    except (OSError, ValueError) as error:
        todo = "is the server running? Set TIDINGS_URL or --url"
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            todo = "the variable SSL_CERT_FILE names a file with the authority that issued its certificate"
        raise CommandError(f"no answer from {address} ({error}): {todo}") from None
    if len(text) > MAX_BYTES:
        raise CommandError(f"{address}/v1/kinds answers more than {MAX_BYTES} bytes: that many kinds cannot be written")
    try:
        return msgspec.json.decode(text, type=KindListing).kinds
    except (msgspec.DecodeError, RecursionError) as error:
        raise CommandError(f"{address}/v1/kinds lists no kinds ({error}): is a Tidings server there?") from None


def kinds_of_module(module: str) -> list[ListedKind]:
    """Return the kinds of a module, without any server.

    Args:
        module: its dotted name, or the path of its file.

    Raises:
        CommandError: it cannot be loaded, or the worker's package, which loads it, is not installed.

    """
    try:
        loader: Any = import_module("tidings_worker.loading.loader")
    except ModuleNotFoundError as error:
        raise CommandError(
            f"--module needs the worker ({error.name} is missing): pip install 'tidings[worker]'"
        ) from None
    try:
        jobs = loader.load_jobs([module])
    except loader.LoadError as error:
        raise CommandError(str(error)) from None
    records = (job.record() for job in jobs)
    return [ListedKind(one.kind, one.input, one.result, one.description, one.chunk) for one in records]


def _advice(code: int) -> str:
    if code in (401, 403):
        return "give a credential with the scope `submit`, by TIDINGS_CREDENTIAL or --credential"
    if code == 404:
        return "is a Tidings server there, and mounted at this path?"
    return "see the server's log" if code >= 500 else "give the address that the server itself has"
