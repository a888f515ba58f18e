"""To which addresses a worker may send a delivery: public unicast addresses, and what the operator allows.

`ipaddress.is_global` does not say it: depending on the release of Python it is true of multicast, NAT64, 6to4,
site-local and other special addresses. So the tables of IANA stand here. An IPv6 address that carries an IPv4 address
(NAT64, 6to4, ISATAP) is judged by both: a gateway may deliver it to the inner one.

Sources: https://www.iana.org/assignments/iana-ipv4-special-registry/,
https://www.iana.org/assignments/iana-ipv6-special-registry/,
https://www.iana.org/assignments/ipv6-address-space/
"""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_REFUSED_V4: Final = {
    IPv4Network("0.0.0.0/8"): "this network",
    IPv4Network("10.0.0.0/8"): "private",
    IPv4Network("100.64.0.0/10"): "shared by a provider's customers",
    IPv4Network("127.0.0.0/8"): "loopback",
    IPv4Network("168.63.129.16/32"): "a cloud's metadata",
    IPv4Network("169.254.0.0/16"): "link-local, or a cloud's metadata",
    IPv4Network("172.16.0.0/12"): "private",
    IPv4Network("192.0.0.0/24"): "reserved for protocols",
    IPv4Network("192.0.2.0/24"): "for documentation",
    IPv4Network("192.31.196.0/24"): "anycast of AS112",
    IPv4Network("192.52.193.0/24"): "multicast tunnels",
    IPv4Network("192.88.99.0/24"): "6to4 relays",
    IPv4Network("192.168.0.0/16"): "private",
    IPv4Network("192.175.48.0/24"): "anycast of AS112",
    IPv4Network("198.18.0.0/15"): "for benchmarks",
    IPv4Network("198.51.100.0/24"): "for documentation",
    IPv4Network("203.0.113.0/24"): "for documentation",
    IPv4Network("224.0.0.0/4"): "multicast",
    IPv4Network("240.0.0.0/4"): "reserved, or broadcast",
}

_UNICAST_V6: Final = IPv6Network("2000::/3")
"""The only part of IPv6 that IANA gives out for unicast; NAT64 is judged by the address inside."""

_REFUSED_V6: Final = {
    IPv6Network("2001::/23"): "reserved for protocols",
    IPv6Network("2001:db8::/32"): "for documentation",
    IPv6Network("2620:4f:8000::/48"): "anycast of AS112",
    IPv6Network("3fff::/20"): "for documentation",
    IPv6Network("3ffe::/16"): "the former test network",
}

_NAT64: Final = IPv6Network("64:ff9b::/96")
_TRANSLATED: Final = IPv6Network("::ffff:0:0:0/96")
_COMPATIBLE: Final = IPv6Network("::/96")

MAX_ALLOWED: Final = 1_000
"""Hosts and networks that the setting may name."""


class AddressRefusedError(OSError):
    """A delivery would go to an address that is not public and that the setting does not allow."""


def refusal(address: Address) -> str:
    """Return why a delivery may not go to an address; empty: it is public."""
    if isinstance(address, IPv6Address):
        return _refusal_v6(address)
    return next((why for network, why in _REFUSED_V4.items() if address in network), "")


def _refusal_v6(address: IPv6Address) -> str:
    if address.scope_id is not None:
        return "of one link"
    inner = _carried(address)
    if address in _NAT64:
        return refusal(IPv4Address(int(address) & 0xFFFFFFFF))
    for network, why in _REFUSED_V6.items():
        if address in network:
            return why
    if address not in _UNICAST_V6:
        return _named(address)
    return next((why for one in inner if (why := refusal(one))), "")


def _named(address: IPv6Address) -> str:
    if address.is_loopback:
        return "loopback"
    if address.is_multicast:
        return "multicast"
    if address.ipv4_mapped is not None:
        return "an IPv4 address in the form of IPv6"
    if address.is_link_local:
        return "link-local"
    return "private" if address in IPv6Network("fc00::/7") else "not of the public part of IPv6"


def _carried(address: IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses to which a gateway might deliver what goes to an IPv6 address."""
    number = int(address)
    low = IPv4Address(number & 0xFFFFFFFF)
    found = []
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    if address in _NAT64 or address in _TRANSLATED or address in _COMPATIBLE:
        found.append(low)
    if number >> 32 & 0xFFFFFFFF in (0x5EFE, 0x02005EFE):  # ISATAP, RFC 5214, section 6.1
        found.append(low)
    return found


class AddressRules:
    """What the setting `TIDINGS_WEBHOOK_ALLOW` adds to the public addresses; everything else is refused."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """Read the setting.

        Args:
            allowed: networks (`10.1.0.0/16`, `fd00::1`), and names of hosts (`receiver.internal`), with `*.` before it
                all below it. A host that is allowed may have any address.

        Raises:
            ValueError: one is neither, or there are too many.

        """
        self._networks: list[Network] = []
        self._hosts: set[str] = set()
        self._suffixes: list[str] = []
        texts = list(allowed)
        if len(texts) > MAX_ALLOWED:
            raise ValueError(f"TIDINGS_WEBHOOK_ALLOW names {len(texts)} hosts and networks; allowed: {MAX_ALLOWED}")
        for text in texts:
            self._read(text)

    def _read(self, text: str) -> None:
        try:
            self._networks.append(ip_network(text.strip("[]")))
        except ValueError:
            host = text.removeprefix("*.").lower().rstrip(".")
            labels = host.split(".")
            if not all(one and len(one) < 64 and one.replace("-", "a").isalnum() and one.isascii() for one in labels):
                raise ValueError(
                    f"TIDINGS_WEBHOOK_ALLOW names {text!r}; it takes networks (10.1.0.0/16) and hosts "
                    "(receiver.internal, *.internal)"
                ) from None
            if text.startswith("*."):
                self._suffixes.append("." + host)
            else:
                self._hosts.add(host)

    def allows_host(self, host: str) -> bool:
        """Return whether a host may have any address, by its name in lower case."""
        name = host.rstrip(".")
        return name in self._hosts or any(name.endswith(suffix) for suffix in self._suffixes)

    @property
    def allows_networks(self) -> bool:
        """Whether some addresses that are not public are allowed."""
        return bool(self._networks)

    def check(self, host: str, address: str) -> None:
        """Check the address to which a connection for a host is about to be opened.

        Args:
            host: the host of the URL, in lower case.
            address: what the resolver, or the URL itself, said: the text of an IP address.

        Raises:
            AddressRefusedError: a delivery may not go there.

        """
        if self.allows_host(host):
            return
        try:
            found = ip_address(address)
        except ValueError:
            raise AddressRefusedError(f"{address!r} is not an IP address") from None
        # A mapped address names the host of the inner one: what is allowed of one form is allowed of the other.
        plain = found.ipv4_mapped if isinstance(found, IPv6Address) and found.ipv4_mapped is not None else found
        if any(plain in network for network in self._networks if network.version == plain.version):
            return
        why = refusal(found)
        if why:
            raise AddressRefusedError(
                f"{found} is not a public address ({why}); the operator may allow it by TIDINGS_WEBHOOK_ALLOW"
            )
