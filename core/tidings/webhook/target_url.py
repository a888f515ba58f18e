"""The URL of a webhook: its form, checked when a client gives it, and again before each request of a worker.

The host is read strictly: a name of letters, digits and hyphens (an international name in its ASCII form), an IPv4
address in its one form of four decimal numbers, or an IPv6 address in brackets. The many other forms of addresses
(`2130706433`, `0x7f.1`, `127.1`, `0177.0.0.1`) are refused, because programs read them in different ways.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

import idna

from .address_rules import AddressRefusedError, AddressRules

MAX_URL_CHARACTERS: Final = 2_048

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER_LIKE = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_LOCAL = (".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet", ".corp")
"""Names that resolvers answer themselves, or by the network they stand in."""


class TargetError(ValueError):
    """A URL cannot be a webhook's: says why, and what to do."""


class Target(NamedTuple):
    """Where a delivery goes."""

    url: str
    """In its normal form: host in lower case and ASCII, no fragment."""
    scheme: str
    host: str
    """Without brackets and without a full stop at its end."""
    port: int

    @property
    def place(self) -> str:
        """Host and port: what limits and breakers are kept for."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == _PORTS[self.scheme] else f"{shown}:{self.port}"

    @property
    def shown(self) -> str:
        """The URL for logs and people, without its query, which may hold a secret."""
        url, mark, _ = self.url.partition("?")
        return f"{url}?…" if mark else url


_PORTS: Final = {"https": 443, "http": 80}


class TargetRules:
    """Which URLs may be webhooks, by the settings of the operator."""

    def __init__(self, addresses: AddressRules, *, allow_http: bool) -> None:
        self.addresses = addresses
        self._allow_http = allow_http

    def parse(self, url: str) -> Target:
        """Read a URL.

        Raises:
            TargetError: it cannot be a webhook's.

        """
        if len(url) > MAX_URL_CHARACTERS:
            raise TargetError(f"the URL has {len(url)} characters; allowed: {MAX_URL_CHARACTERS}")
        if (not url.isascii() and any(one.isspace() or not one.isprintable() for one in url)) or re.search(
            r"[\x00-\x20\x7f\\]", url
        ):
            raise TargetError("the URL has a space, a backslash or a character that is not printable: encode it (%20)")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise TargetError(f"the URL cannot be read: {error}") from None
        self._check_scheme(parts.scheme.lower())
        if "@" in parts.netloc:
            raise TargetError(
                "the URL has a user name or password, which would go into logs: put a token into the path"
            )
        if "#" in url:
            raise TargetError("the URL has a fragment (#…), which is never sent: leave it out")
        host = self._host(parts)
        scheme = parts.scheme.lower()
        if port == 0:
            raise TargetError("the port of the URL is 0; allowed: 1 to 65535")
        port = port or _PORTS[scheme]
        authority = f"[{host}]" if ":" in host else host
        if port != _PORTS[scheme]:
            authority += f":{port}"
        path = parts.path or "/"
        query = f"?{parts.query}" if parts.query else ""
        return Target(f"{scheme}://{authority}{path}{query}", scheme, host, port)

    def follow(self, before: Target, url: str) -> Target:
        """Read the URL to which a receiver redirects: it must keep scheme and port.

        Raises:
            TargetError: it may not be followed.

        """
        target = self.parse(url)
        if target.scheme != before.scheme:
            raise TargetError(f"the receiver redirects from {before.scheme} to {target.scheme}: not followed")
        if target.port != before.port:
            raise TargetError(f"the receiver redirects from port {before.port} to {target.port}: not followed")
        return target

    def _check_scheme(self, scheme: str) -> None:
        if scheme == "http" and not self._allow_http:
            raise TargetError(
                "the URL begins with http://; it must begin with https:// (unless TIDINGS_WEBHOOK_HTTP is set)"
            )
        if scheme not in _PORTS:
            raise TargetError(f"the URL begins with {scheme[:40]!r}; it must begin with https://")

    def _host(self, parts: SplitResult) -> str:
        host = parts.hostname or ""
        if parts.netloc.startswith("["):
            return self._checked_ip(host, self._ipv6(host))
        if not host.isascii():
            host = _ascii_host(host)
        host = host.lower()
        bare = host.removesuffix(".")
        labels = bare.split(".")
        if len(bare) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
            raise TargetError("the URL has no host, or one that is neither a name nor an IP address")
        if _NUMBER_LIKE.fullmatch(labels[-1]):
            try:
                found = IPv4Address(bare)
            except ValueError:
                raise TargetError(
                    "the host of the URL is a number: write an IPv4 address as four decimal numbers (192.0.2.1)"
                ) from None
            return self._checked_ip(bare, found)
        self._check_name(bare)
        return bare

    def _ipv6(self, text: str) -> IPv6Address:
        try:
            found = ip_address(text)
        except ValueError:
            raise TargetError("the host of the URL is in brackets, and no IPv6 address") from None
        if not isinstance(found, IPv6Address) or found.scope_id is not None:
            raise TargetError("the host of the URL is in brackets, and no IPv6 address without a zone")
        return found

    def _checked_ip(self, host: str, found: IPv4Address | IPv6Address) -> str:
        try:
            self.addresses.check(host.lower(), str(found))
        except AddressRefusedError as error:
            raise TargetError(str(error)) from None
        return str(found)

    def _check_name(self, host: str) -> None:
        """Refuse names that never are public. What other names resolve to is seen when a worker connects."""
        if self.addresses.allows_host(host):
            return
        if "." not in host or ("." + host).endswith(_LOCAL):
            # The name may still resolve to what a network of the setting holds: the connection decides then.
            if self.addresses.allows_networks:
                return
            raise TargetError(
                f"the host {host[:100]!r} is a name of a private network; the operator may allow it by "
                "TIDINGS_WEBHOOK_ALLOW"
            )


def _ascii_host(host: str) -> str:
    try:
        return idna.encode(host.rstrip("."), uts46=True, std3_rules=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise TargetError("the host of the URL is no international name (IDNA 2008)") from None
