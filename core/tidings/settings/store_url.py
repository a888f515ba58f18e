"""The address of a store: what an operator writes, taken apart, checked and shown without its secrets. Pure.

A message about an address never quotes it. Where an address is malformed, no part is known to be no password:
of `redis://:a/b@host` every parser takes `a` for a port. What is shown is made from the parts of an address that is
well formed, and from nothing else.

Source: https://www.iana.org/assignments/uri-schemes/prov/redis (the scheme), RFC 3986, section 3.2 (the authority).
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import parse_qsl, quote, unquote, urlencode

EMBEDDED = "embedded:"

MAX_DATABASE = 2**31 - 1
"""The highest number that the store reads as a database's; how many there are its own configuration says."""

_SCHEMES = {"redis": "redis", "valkey": "redis", "rediss": "rediss", "valkeys": "rediss", "unix": "unix"}
"""The scheme that operators write → the one that redis-py knows. Valkey's are the same protocol under another name."""

_BEHIND = {"sentinel": 26_379, "cluster": 6_379}
"""What stands behind a `+` in a scheme, and is asked where the store is → its usual port."""

_FORMS = (
    "redis://HOST:PORT/DATABASE, rediss:// (TLS), redis+sentinel://HOST:PORT,HOST:PORT/NAME/DATABASE, "
    "redis+cluster://HOST:PORT,HOST:PORT, unix:///PATH or embedded:FOLDER"
)

_COMMON = frozenset({"db", "username", "password", "client_name"})
_TLS = frozenset({"ssl_ca_certs", "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile"})
_OF_SENTINELS = frozenset({"sentinel_username", "sentinel_password"})
_SECRET = frozenset({"username", "password"}) | _OF_SENTINELS
"""What `shown` leaves out."""

_VERIFICATION = frozenset({"none", "optional", "required"})
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*\.?", re.ASCII)
_MALFORMED_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SERVICE = re.compile(r"[\w.-]{1,128}", re.ASCII)
"""What sentinels take as the name of a primary."""
_MAX_HOSTS = 32
"""Hosts that one address may name."""
_MAX_HOST = 253
_MAX_LABEL = 63
_MAX_URL = 8_192


class StoreUrlError(ValueError):
    """The address of a store is malformed; the message says what is, without a part of it."""


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """A well-formed address."""

    address: str
    """As redis-py takes it: one of its schemes, all parts escaped, of several hosts the first; `embedded:FOLDER` as it
    was."""
    shown: str
    """For people: without user name and password."""
    tls: bool = False
    database: int = 0
    hosts: tuple[tuple[str, int], ...] = ()
    """The sentinels that know the primary's address, or nodes of the cluster; empty: `address` is the store's own."""
    cluster: bool = False
    service: str = ""
    """The name under which sentinels know the primary."""
    sentinel_username: str | None = None
    sentinel_password: str | None = None

    def __repr__(self) -> str:
        return f"StoreUrl({self.shown})"


def parse_store_url(url: str) -> StoreUrl:
    """Return a store's address, checked.

    Args:
        url: `redis://`, `valkey://`, `rediss://` or `valkeys://` (TLS), each with `+sentinel` or `+cluster` too,
            `unix://`, or `embedded:FOLDER`.

    Raises:
        StoreUrlError: it is none of these; one line that says why and shows no part of it.

    """
    _check_text(url)
    if url.startswith(EMBEDDED):
        return StoreUrl(address=url, shown=url)
    written, separator, rest = url.partition("://")
    if not separator:
        _refuse(f"it has no scheme; allowed: {_FORMS}")
    protocol, _, behind = written.lower().partition("+")
    scheme = _SCHEMES.get(protocol)
    if scheme is None or ("+" in written and (behind not in _BEHIND or scheme == "unix")):
        _refuse(f"its scheme is unknown; allowed: {_FORMS}, and valkey:// and valkeys:// for redis:// and rediss://")
    _check_escapes(rest)
    rest, question, query = rest.partition("?")
    if scheme != "unix" and "@" in rest.partition("/")[2] + query:
        _refuse("it holds an `@` behind the first `/` or `?`; in a password write `/` as %2F, `?` as %3F, `@` as %40")
    parameters = _parameters(scheme, behind, query) if question else {}
    if behind:
        named = _behind_sentinels if behind == "sentinel" else _cluster
        return named(scheme, rest, parameters)
    return _unix(rest, parameters) if scheme == "unix" else _network(scheme, rest, parameters)


def show_store_url(url: str) -> str:
    """Return an address without its secrets, for people; of a malformed one nothing."""
    try:
        return parse_store_url(url).shown
    except StoreUrlError:
        return "(a malformed address)"


def _check_text(url: str) -> None:
    if not url.strip():
        _refuse(f"it is empty; allowed: {_FORMS}")
    if len(url) > _MAX_URL:
        _refuse(f"it is longer than {_MAX_URL} characters")
    if url != url.strip() or not url.isprintable():
        _refuse("it holds a line break, a control character, or white space at an end; remove that")


def _check_escapes(text: str) -> None:
    if " " in text:
        _refuse("it holds a space; write %20")
    if "#" in text:
        _refuse("it holds a `#`; in a user name or password write %23")
    if _MALFORMED_ESCAPE.search(text):
        _refuse("it holds a `%` without two hexadecimal digits after it; in a user name or password write %25")


def _network(scheme: str, rest: str, parameters: dict[str, str]) -> StoreUrl:
    authority, _, path = rest.partition("/")
    user, at, place = authority.rpartition("@")
    host, port = _place(place, credentials=bool(at))
    database = _database(path, parameters)
    shown_user = "***@" if at or parameters.keys() & _SECRET else ""
    tail = f"{host}:{port}/{database}"
    return StoreUrl(
        address=f"{scheme}://{_credentials(user, at)}{tail}{_query(parameters)}",
        shown=f"{scheme}://{shown_user}{tail}{_query(_public(parameters))}",
        tls=scheme == "rediss",
        database=database,
    )


def _behind_sentinels(scheme: str, rest: str, parameters: dict[str, str]) -> StoreUrl:
    authority, _, path = rest.partition("/")
    user, at, named = authority.rpartition("@")
    places = _places(named, credentials=bool(at), port=_BEHIND["sentinel"])
    service, _, path = path.partition("/")
    if _SERVICE.fullmatch(service) is None:
        _refuse(
            "it names no primary; write behind the hosts the name that the sentinels have for it (of letters, digits, "
            "`.`, `_`, `-`): redis+sentinel://127.0.0.1:26379/mymaster/0"
        )
    database = _database(path, parameters)
    shown_user = "***@" if at or parameters.keys() & _SECRET else ""
    listed = ",".join(f"{host}:{port}" for host, port in places)
    own_name, own_password = (parameters.pop(name, None) for name in ("sentinel_username", "sentinel_password"))
    if own_name is not None and own_password is None:
        _refuse("it holds sentinel_username without sentinel_password")
    host, port = places[0]
    return StoreUrl(
        address=f"{scheme}://{_credentials(user, at)}{host}:{port}/{database}{_query(parameters)}",
        shown=f"{scheme}+sentinel://{shown_user}{listed}/{service}/{database}{_query(_public(parameters))}",
        tls=scheme == "rediss",
        database=database,
        hosts=tuple((host.strip("[]"), port) for host, port in places),
        service=service,
        sentinel_username=own_name,
        sentinel_password=own_password,
    )


def _cluster(scheme: str, rest: str, parameters: dict[str, str]) -> StoreUrl:
    authority, _, path = rest.partition("/")
    user, at, named = authority.rpartition("@")
    places = _places(named, credentials=bool(at), port=_BEHIND["cluster"])
    if _database(path, parameters):
        _refuse("a cluster has no database but 0; leave it out: redis+cluster://127.0.0.1:6379,127.0.0.1:6380")
    shown_user = "***@" if at or parameters.keys() & _SECRET else ""
    listed = ",".join(f"{host}:{port}" for host, port in places)
    host, port = places[0]
    return StoreUrl(
        address=f"{scheme}://{_credentials(user, at)}{host}:{port}/0{_query(parameters)}",
        shown=f"{scheme}+cluster://{shown_user}{listed}{_query(_public(parameters))}",
        tls=scheme == "rediss",
        hosts=tuple((host.strip("[]"), port) for host, port in places),
        cluster=True,
    )


def _credentials(user: str, at: str) -> str:
    name, colon, password = user.partition(":")
    return f"{_escaped(name)}{colon}{_escaped(password)}{at}"


def _unix(rest: str, parameters: dict[str, str]) -> StoreUrl:
    authority, slash, path = rest.partition("/")
    user, at, place = authority.rpartition("@")
    if place:
        _refuse("the path of a unix socket is absolute (unix:///run/store.sock); in a password write `/` as %2F")
    if not slash or not path.strip("/"):
        _refuse("it names no unix socket; write its path, such as unix:///run/store.sock")
    if at and "@" in path:
        _refuse(
            "it holds an `@` behind the first `/` and another before it; write `@` as %40, and in a password `/` as %2F"
        )
    if "\0" in unquote(path):
        _refuse("its path holds a zero character")
    where = "/" + quote(unquote(path))
    database = _database("", parameters)
    tail = _query({"db": str(database)} | parameters if database else parameters)
    shown_user = "***@" if at or parameters.keys() & _SECRET else ""
    return StoreUrl(
        address=f"unix://{_credentials(user, at)}{where}{tail}",
        shown=f"unix://{shown_user}{where}{_query({'db': str(database)} if database else {})}",
        database=database,
    )


def _places(named: str, *, credentials: bool, port: int) -> list[tuple[str, int]]:
    """Return the hosts and ports of a list."""
    places = named.split(",")
    if len(places) > _MAX_HOSTS:
        _refuse(f"it names {len(places)} hosts; allowed: {_MAX_HOSTS}")
    found = [_place(place, credentials=credentials, usual=port) for place in places]
    if len(set(found)) != len(found):
        _refuse("it names a host with the same port twice")
    return found


def _place(place: str, *, credentials: bool, usual: int = 6_379) -> tuple[str, int]:
    """Return host and port; an IPv6 address keeps its brackets."""
    if place.startswith("["):
        address, bracket, tail = place[1:].partition("]")
        if not bracket or not _is_ipv6(address):
            _refuse("what stands in brackets is not an IPv6 address")
        host, (colon, port) = f"[{address}]", (tail[:1], tail[1:])
        if tail and colon != ":":
            _refuse("the port behind an IPv6 address begins with a colon: redis://[::1]:6379/0")
    else:
        host, colon, port = place.partition(":")
        _check_host(host)
    if colon and not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65_535):
        advice = "" if credentials else "; credentials stand before an `@`, a `/` in them is written %2F, an `@` %40"
        _refuse(f"its port is not a number from 1 to 65535{advice}")
    return host, int(port) if colon else usual


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _check_host(host: str) -> None:
    if not host:
        _refuse("it names no host; write one, such as redis://127.0.0.1:6379/0")
    labels = host.rstrip(".").split(".")
    if _HOST.fullmatch(host) is None or len(host) > _MAX_HOST or max(map(len, labels)) > _MAX_LABEL:
        _refuse("its host is not a name or an IP address (an IPv6 address stands in brackets)")


def _database(path: str, parameters: dict[str, str]) -> int:
    """Return the number of the database, and take it out of the parameters."""
    asked = parameters.pop("db", None)
    if asked is not None and path:
        _refuse("it names the database twice, in its path and as `db`; name it once")
    text = asked if asked is not None else path
    if text == "" and asked is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAX_DATABASE):
        _refuse("its database is not a whole number from 0; write it behind the port: redis://127.0.0.1:6379/0")
    return int(text)


def _parameters(scheme: str, behind: str, query: str) -> dict[str, str]:
    allowed = _COMMON | (_TLS if scheme == "rediss" else frozenset())
    allowed |= _OF_SENTINELS if behind == "sentinel" else frozenset()
    names = ", ".join(sorted(allowed))
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=20)
    except ValueError:
        _refuse(f"behind `?` it takes NAME=VALUE, joined by `&`; there are: {names}; in a password write `?` as %3F")
    found = dict(pairs)
    if not found.keys() <= allowed:
        more = "" if scheme == "rediss" else "; those of TLS (ssl_…) need rediss://"
        _refuse(f"a name behind `?` is unknown; there are: {names}{more}; in a password write `?` as %3F")
    if len(found) != len(pairs):
        _refuse("a name behind `?` stands there twice")
    if found.get("ssl_cert_reqs", "none") not in _VERIFICATION:
        _refuse("ssl_cert_reqs is none, optional or required")
    if found.get("ssl_check_hostname", "true").lower() not in ("true", "false"):
        _refuse("ssl_check_hostname is true or false")
    return found


def _public(parameters: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name not in _SECRET}


def _query(parameters: dict[str, str]) -> str:
    return "?" + urlencode(parameters, quote_via=quote) if parameters else ""


def _escaped(text: str) -> str:
    """Return a part that was written with or without escapes, with all that it needs."""
    return quote(unquote(text), safe="")


def _refuse(why: str) -> NoReturn:
    raise StoreUrlError(f"the store's address is malformed: {why}")
