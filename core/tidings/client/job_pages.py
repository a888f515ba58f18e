"""Pages of one's own jobs: `GET /v1/jobs`, asked in a thread, because the socket has no such call."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

from tidings.protocol.frames.listing_messages import JobList, ListedJob
from tidings.protocol.problems import Problem, ProblemError

from .client_errors import ConnectionLost
from .connection.credential import NONE_GIVEN

PAGE = "100"
"""Jobs on a page."""

MOST_BYTES = 4_194_304
"""Size of a page, which has 100 jobs at the most."""

TIMEOUT_S = 30.0

_decode = msgspec.json.Decoder(JobList).decode


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the credential to another server."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def list_address(url: str, query: dict[str, str]) -> str:
    """Return the address of a page for the address of a server, which may be that of its socket."""
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    path = parts.path.rstrip("/").removesuffix("/v1/socket")
    return urlunsplit((scheme, parts.netloc, f"{path}/v1/jobs", urlencode(query), ""))


async def list_jobs(
    read: Callable[[dict[str, str], str | None], Awaitable[JobList]],
    credential: Callable[[], Awaitable[str | None]],
    query: Mapping[str, str | None],
) -> AsyncIterator[ListedJob]:
    """Yield the jobs of a list, page by page.

    Args:
        read: reads one page, by its parameters and a credential.
        credential: returns what is presented for a page; None: nothing is.
        query: the parameters; those that are None are left out.

    Raises:
        ProblemError: the server refuses.
        ConnectionLost: no server answers, or what answers is none.

    """
    given = {"limit": PAGE} | {name: value for name, value in query.items() if value is not None}
    while True:
        page = await read(given, await credential())
        for job in page.jobs:
            yield job
        if page.next is None:
            return
        given["cursor"] = page.next


async def read_page(url: str, credential: str | None, query: dict[str, str]) -> JobList:
    """Return one page.

    Args:
        url: of the server.
        credential: None: none is presented.
        query: the parameters.

    Raises:
        ProblemError: the server refuses.
        ConnectionLost: no server answers, or what answers is none.

    """
    return await asyncio.to_thread(_read, list_address(url, query), credential)


def _read(address: str, credential: str | None) -> JobList:
    headers = {"authorization": f"Bearer {credential}"} if credential else {}
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - the scheme is http or https
    try:
        with _opener.open(request, timeout=TIMEOUT_S) as answer:
            return _decode(answer.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error, credential) from None
    except (OSError, msgspec.MsgspecError) as error:
        raise ConnectionLost(f"no list of jobs from {address.partition('?')[0]}: {error}") from error


def _refusal(error: urllib.error.HTTPError, credential: str | None) -> Exception:
    try:
        problem = msgspec.json.decode(error.read(MOST_BYTES), type=Problem)
    except msgspec.MsgspecError:
        return ConnectionLost(f"no list of jobs: the answer is {error.code}")
    if problem.code == "unauthenticated" and not credential:
        problem = msgspec.structs.replace(problem, detail=NONE_GIVEN)  # the server's words are about headers
    return ProblemError(problem)
