"""The table of docs/reference/webhook-addresses.md: each form is tried with the HTTP client of the worker."""

import re
import socket
import sys
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from tidings.webhook.address_rules import AddressRefusedError, AddressRules, refusal
from tidings.webhook.target_url import TargetError, TargetRules
from tidings_worker.webhook.guarded_session import DIALLED_HOST, guarded_session, guarded_sockets

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "webhook-addresses.md"
TABLE = re.findall(r"^\| `(.+?)` \| ([a-z ]+) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)


class Reached(OSError):  # noqa: N818 - what the test's socket says in place of a connection
    pass


class Answers(AbstractResolver):
    """A name server that gives the same answer for every name, and counts how often it was asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            ResolveResult(
                hostname=host,
                host=one,
                port=port,
                family=socket.AF_INET6 if ":" in one else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for one in self.addresses
        ]

    async def close(self) -> None:
        pass


async def verdict(url: str, rules: TargetRules, *addresses: str) -> str:
    try:
        target = rules.parse(url)
    except TargetError:
        return "refused by its form"
    guard = guarded_sockets(rules.addresses)

    def stop(info: aiohttp.AddrInfoType) -> socket.socket:
        guard(info).close()
        raise Reached

    async with guarded_session(
        rules.addresses, connections=9, per_host=9, connect_s=5, total_s=9, resolver=Answers(*addresses), sockets=stop
    ) as session:
        DIALLED_HOST.set(target.host)
        try:
            await session.post(target.url, data=b"")
        except aiohttp.ClientConnectorError as error:
            found = error.os_error
            if isinstance(found, Reached):
                return "allowed"
            if "not a public address" in str(found):
                return "refused at the connection"
            raise
    raise AssertionError("the client neither failed nor was refused")


def test_the_table_is_long_and_has_each_verdict() -> None:
    assert len(TABLE) >= 100
    assert {said for _, said, _ in TABLE} == {"allowed", "refused by its form", "refused at the connection"}


@pytest.mark.parametrize(("url", "said", "addresses"), TABLE, ids=[f"{url}-{given}" for url, _, given in TABLE])
async def test_each_row_of_the_table_is_as_it_says(url: str, said: str, addresses: str) -> None:
    rules = TargetRules(AddressRules(), allow_http=False)
    assert await verdict(url, rules, *(addresses.split(", ") if addresses else ())) == said


@pytest.mark.parametrize(("url", "said", "addresses"), TABLE, ids=[f"{url}-{given}" for url, _, given in TABLE])
async def test_what_is_refused_by_its_form_would_not_be_connected_to_either(
    url: str, said: str, addresses: str
) -> None:
    """The form is the first line of defence; an address that it let through would be refused by the second."""
    host = re.fullmatch(r"https?://\[?([0-9a-f.:]+)\]?(:\d+)?/.*", url)
    if said != "refused by its form" or host is None:
        return
    try:
        address = ip_address(host[1].rstrip("."))
    except ValueError:
        return
    with pytest.raises(AddressRefusedError):
        AddressRules().check("", str(address))


async def test_one_private_address_among_public_ones_is_not_dialled() -> None:
    rules = TargetRules(AddressRules(), allow_http=False)
    said = await verdict("https://mixed.example.com/", rules, "10.0.0.1", "93.184.216.34")
    assert said == "allowed"  # the public one was dialled: the private one was passed over at its socket


async def test_an_answer_that_changes_is_checked_at_each_connection() -> None:
    rules = TargetRules(AddressRules(), allow_http=False)
    assert await verdict("https://rebind.example.com/", rules, "93.184.216.34") == "allowed"
    assert await verdict("https://rebind.example.com/", rules, "127.0.0.1") == "refused at the connection"


async def test_a_network_of_the_setting_is_allowed_in_each_form_and_nothing_beside_it() -> None:
    rules = TargetRules(AddressRules(["10.1.0.0/16", "fd00::/64"]), allow_http=True)
    for url in ("http://10.1.2.3/", "https://[::ffff:10.1.2.3]/", "https://[fd00::7]/"):
        assert await verdict(url, rules) == "allowed", url
    for url in ("http://10.2.2.3/", "https://[fd00:0:0:1::7]/", "http://127.0.0.1/"):
        assert await verdict(url, rules) == "refused by its form", url
    assert await verdict("http://receiver.internal/", rules, "10.1.0.9") == "allowed"
    assert await verdict("http://receiver.internal/", rules, "10.9.0.9") == "refused at the connection"


async def test_a_host_of_the_setting_may_have_any_address() -> None:
    rules = TargetRules(AddressRules(["receiver.corp", "*.inside.example"]), allow_http=True)
    for url in ("http://receiver.corp/", "http://Receiver.CORP./", "https://a.b.inside.example/"):
        assert await verdict(url, rules, "10.0.0.1") == "allowed", url
    assert await verdict("https://receiver.corp.example/", rules, "10.0.0.1") == "refused at the connection"
    assert await verdict("https://inside.example/", rules, "10.0.0.1") == "refused at the connection"


@pytest.mark.parametrize("text", ["10.0.0.1/8", "https://host/", "a b", "", "host:80", "-.-.é", "*"])
def test_a_setting_that_is_neither_a_network_nor_a_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="TIDINGS_WEBHOOK_ALLOW names"):
        AddressRules([text])


def test_a_redirect_keeps_scheme_and_port() -> None:
    rules = TargetRules(AddressRules(), allow_http=True)
    first = rules.parse("https://hooks.example.com/in")
    assert rules.follow(first, "https://other.example.com/in").host == "other.example.com"
    for url in ("http://hooks.example.com/in", "https://hooks.example.com:8443/in", "https://127.0.0.1/", "/in"):
        with pytest.raises(TargetError):
            rules.follow(first, url)


def test_a_url_is_shown_without_its_query() -> None:
    target = TargetRules(AddressRules(), allow_http=False).parse("https://hooks.example.com/in?token=geheim")
    assert target.shown == "https://hooks.example.com/in?…"
    assert (target.place, target.host, target.port) == ("hooks.example.com", "hooks.example.com", 443)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_what_python_calls_private_is_never_public(address: IPv4Address | IPv6Address) -> None:
    if refusal(address):
        return
    special = (address.is_loopback, address.is_multicast, address.is_link_local, address.is_unspecified)
    assert not any(special)
    # What NAT64 and 6to4 lead to is judged by the address inside; newer releases call all of 6to4 private.
    assert not address.is_private or any(address in ip_network(net) for net in ("64:ff9b::/96", "2002::/16")), (
        sys.version
    )


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_judged_too(address: IPv4Address | IPv6Address) -> None:
    number = int(address)
    for outer in (0x0064_FF9B << 96 | number, 0x2002 << 112 | number << 80, 0x2606_4700 << 96 | 0x5EFE << 32 | number):
        assert bool(refusal(IPv6Address(outer))) == bool(refusal(address))
