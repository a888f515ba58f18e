"""The keys that an issuer publishes (JWKS): fetched, kept, and fetched again when the issuer changes them.

The server fetches the set at its start and every few minutes, so that a withdrawn key leaves. For a token with an
unknown key id it fetches the set at once, but at most every few seconds, so that tokens with invented ids cost the
issuer nothing. While the issuer cannot be reached, the server keeps the last keys.
"""

import asyncio
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import msgspec
import structlog

from tidings.protocol.problems import problem_error

from .key import Key, keys_of_set

log = structlog.get_logger()

MAX_AGE_S = 300.0
"""The age at which the set is fetched again."""

MIN_PAUSE_S = 10.0
"""The shortest time between two fetches, however many tokens name unknown keys."""

FETCH_TIMEOUT_S = 5.0

MAX_SET_BYTES = 1_048_576


class PublishedKeys:
    """The keys published at one address; `run` keeps them fresh."""

    def __init__(
        self,
        url: str,
        *,
        max_age_s: float = MAX_AGE_S,
        min_pause_s: float = MIN_PAUSE_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._max_age_s = max_age_s
        self._min_pause_s = min_pause_s
        self._now = now
        self._keys: dict[str, Key] = {}
        self._asked_at: float | None = None
        self._fetching = False
        self._wanted = asyncio.Event()
        self._fetched = asyncio.Event()
        """Set, and replaced, at the end of each fetch."""

    @property
    def ready(self) -> bool:
        """Whether it has any keys."""
        return bool(self._keys)

    async def find(self, kid: str | None) -> Key | None:
        """Return the key with an id, after a fetch if it is unknown; without an id, the only key.

        Raises:
            ProblemError: `auth_unavailable`: the set has never been fetched.

        """
        found = self.known(kid)
        if found is None and self._may_ask():
            if not self._fetching:
                self._wanted.set()
            with anyio.move_on_after(FETCH_TIMEOUT_S + 1):
                await self._fetched.wait()
            found = self.known(kid)
        if found is None and not self._keys:
            raise problem_error(
                "auth_unavailable",
                "the issuer's keys could not be fetched yet; try again",
                retry_after=self._min_pause_s,
            )
        return found

    def known(self, kid: str | None) -> Key | None:
        """Return the key with an id, if it has been fetched; without an id, the only key."""
        if kid is not None:
            return self._keys.get(kid)
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None

    async def run(self) -> None:
        """Fetch the set every `max_age_s`, and when a token names an unknown key, until cancelled."""
        while True:
            await self._fetch()
            with anyio.move_on_after(self._max_age_s):
                await self._wanted.wait()

    def _may_ask(self) -> bool:
        """Return whether a fetch is under way, or the last one is long enough ago."""
        return self._fetching or self._asked_at is None or self._now() - self._asked_at >= self._min_pause_s

    async def _fetch(self) -> None:
        self._asked_at = self._now()
        self._fetching = True
        self._wanted.clear()
        try:
            with anyio.fail_after(FETCH_TIMEOUT_S):
                # A thread that hangs is left to its own time limit.
                document = await anyio.to_thread.run_sync(_read, self._url, abandon_on_cancel=True)
            self._take(keys_of_set(document))
        except _FETCH_ERRORS as error:
            why = str(error) or type(error).__name__
            log.warning("jwks_not_fetched", url=_shown(self._url), error=why, keys=len(self._keys))
        finally:
            self._fetching = False
            fetched, self._fetched = self._fetched, asyncio.Event()
            fetched.set()

    def _take(self, keys: dict[str, Key]) -> None:
        before, now = _algorithms(self._keys), _algorithms(keys)
        self._keys = keys
        if now != before:
            log.info("jwks_fetched", url=_shown(self._url), algorithms=sorted(set(now.values())), keys=len(now))


def _algorithms(keys: dict[str, Key]) -> dict[str, str]:
    return {kid: key.algorithm for kid, key in keys.items()}


def _shown(url: str) -> str:
    """Return an address for the log, without the parts that may be secret: user, password, query."""
    place = urlsplit(url)
    return f"{place.scheme}://{place.netloc.rpartition('@')[2]}{place.path}"


_FETCH_ERRORS = (OSError, ValueError, RecursionError, http.client.HTTPException, msgspec.DecodeError)
"""The errors of an address, a server or a document; after any of them the last keys stay."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: only the settings may name the address."""

    def redirect_request(self, *_: Any) -> None:
        """Return None, so that urllib raises the redirect as an error."""


_open = urllib.request.build_opener(_NoRedirect).open


def _read(url: str) -> Any:
    """Return the document at `url`.

    Raises:
        OSError: it cannot be fetched.
        ValueError: it is too large.
        msgspec.DecodeError: it is not JSON.

    """
    try:
        with _open(url, timeout=FETCH_TIMEOUT_S) as answer:
            body = answer.read(MAX_SET_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:
            raise OSError(f"HTTP status {error.code}") from None
    if len(body) > MAX_SET_BYTES:
        raise ValueError(f"more than {MAX_SET_BYTES} bytes")
    return msgspec.json.decode(body)
