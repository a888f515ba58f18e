"""One try of a delivery: a POST, its redirects, and what came of it."""

import asyncio
import time
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from tidings.logging.printable import printable
from tidings.webhook.address_rules import AddressRefusedError
from tidings.webhook.target_url import Target, TargetError, TargetRules

from .delivery_proxies import NO_PROXIES, DeliveryProxies
from .guarded_session import DIALLED_HOST, DIALS_PROXY

MAX_REDIRECTS: Final = 3

HEAD_BYTES: Final = 1_024
"""Of an answer's body, kept for people."""

MAX_ANSWER_BYTES: Final = 16_384
"""Of an answer's body, read so that its connection can be used again; one with a longer answer is closed."""

FOLLOWED: Final = frozenset({301, 302, 307, 308})
"""Redirects that are followed, by another POST. 303 asks for a GET, which delivers nothing."""

MAX_RETRY_AFTER_S: Final = 86_400.0


class SendResult(NamedTuple):
    """What came of one try."""

    began: float
    """s since the epoch."""
    took_ms: int
    status: int | None = None
    """None: there was no answer."""
    error: str = ""
    head: str = ""
    retry_after: float = 0.0
    """What the receiver asked for, s; 0: nothing."""
    redirects: int = 0
    reached: bool = True
    """Whether it says something of the receiver: not where the rules refused the address, or a proxy did not serve."""

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no more of it (410)."""
        return self.status == 410

    @property
    def failing(self) -> bool:
        """Whether the receiver is failing: it gave no answer, or said that it cannot at the moment."""
        return self.status is None or self.status >= 500 or self.status == 429


class Sender:
    """Sends deliveries through a guarded session."""

    def __init__(
        self, session: aiohttp.ClientSession, rules: TargetRules, total_s: float, proxies: DeliveryProxies = NO_PROXIES
    ) -> None:
        """Prepare.

        Args:
            session: a guarded session.
            rules: where redirects may lead.
            total_s: how long one try may take, redirects included, s.
            proxies: which proxy a request takes.

        """
        self._session = session
        self._rules = rules
        self._total_s = total_s
        self._proxies = proxies

    async def send(self, target: Target, headers: dict[str, str], body: bytes) -> SendResult:
        """Send a body, and return what came of it; it raises nothing but cancellation."""
        began, clock = time.time(), time.monotonic()
        redirects = 0
        status, error, head, retry_after, reached = None, "", "", 0.0, True
        try:
            async with asyncio.timeout(self._total_s):
                while True:
                    status, head, retry_after, location = await self._post(target, headers, body)
                    if location is None:
                        break
                    if redirects == MAX_REDIRECTS:
                        error = f"the receiver redirects more than {MAX_REDIRECTS} times"
                        break
                    redirects += 1
                    target = self._rules.follow(target, urljoin(target.url, location))
        except TimeoutError:
            status, error = None, f"no answer within {self._total_s:g} s"
        except TargetError as refused:
            error, reached = str(refused), True
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            status, error = None, _text(fault)
            reached = _tells_of_receiver(fault)
        took_ms = int((time.monotonic() - clock) * 1000)
        return SendResult(began, took_ms, status, error[:300], head, retry_after, redirects, reached)

    async def _post(self, target: Target, headers: dict[str, str], body: bytes) -> tuple[int, str, float, str | None]:
        """Return status, head, the pause that the receiver asks for, and where it redirects (None: nowhere)."""
        url = URL(target.url, encoded=True)
        if (url.host or "").rstrip(".").lower() != target.host:
            raise ValueError("the host of the URL is read in two ways")
        proxy = self._proxies.of(target)
        DIALLED_HOST.set(target.host)
        DIALS_PROXY.set(proxy is not None)
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False, proxy=proxy) as answer:
            seen = await _read(answer)
            head = printable(seen[:HEAD_BYTES].decode("utf-8", "replace"))
            location = answer.headers.get("Location") if answer.status in FOLLOWED else None
            return answer.status, head, retry_after_s(answer.headers.get("Retry-After", "")), location


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """Return the beginning of a body; the connection of a longer one is closed."""
    seen = bytearray()
    async for part in answer.content.iter_chunked(4_096):
        seen += part
        if len(seen) >= MAX_ANSWER_BYTES:
            answer.close()
            break
    return bytes(seen)


def retry_after_s(text: str, now: float | None = None) -> float:
    """Return the pause that `Retry-After` asks for, s; 0: none that can be read. At most a day.

    Source: RFC 9110, section 10.2.3
    """
    text = text.strip()
    if not text:
        return 0.0
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), MAX_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(at - (time.time() if now is None else now), 0.0), MAX_RETRY_AFTER_S)


def _tells_of_receiver(fault: Exception) -> bool:
    """Return whether a fault may be the receiver's, and counts for its breaker."""
    if isinstance(fault, aiohttp.ClientHttpProxyError):
        return fault.status >= 500
    if DIALS_PROXY.get() and isinstance(fault, aiohttp.ClientConnectorError):
        return isinstance(fault, aiohttp.ClientSSLError)  # a connection through the proxy was open
    return not isinstance(getattr(fault, "os_error", fault), AddressRefusedError)


def _text(fault: Exception) -> str:
    """Return why there was no answer, without the URLs, which aiohttp writes into some of its errors."""
    if isinstance(fault, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {fault.status}, and opened no connection to the receiver"
    inner = getattr(fault, "os_error", None)
    if isinstance(inner, AddressRefusedError):
        return str(inner)
    if not _tells_of_receiver(fault) and isinstance(fault, aiohttp.ClientConnectorError):
        return f"the proxy cannot be reached: {getattr(inner, 'strerror', None) or type(inner).__name__}"
    if isinstance(inner, OSError):
        return f"{type(fault).__name__}: {inner.strerror or type(inner).__name__}"
    if isinstance(fault, aiohttp.InvalidURL):
        return "InvalidURL"
    return printable(f"{type(fault).__name__}: {fault}")
