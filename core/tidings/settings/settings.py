"""Settings: one frozen object for each process, read once from the environment and the flags.

A setting is defined in one place, as a field: its type, default, bounds, unit and meaning. From that
come the check of what the environment says, the flags of the commands, and the reference page.
"""

import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from tidings.logging.printable import printable

from .durability import Durability, Replication
from .key_prefix import DEFAULT_KEY_PREFIX, KeyPrefixError, check_key_prefix
from .store_url import StoreUrlError, parse_store_url, show_store_url
from .unit_hints import unit_hint

PREFIX = "TIDINGS_"
STORE_URL = PREFIX + "STORE_URL"
STORE_URL_FILE = PREFIX + "STORE_URL_FILE"

S = TypeVar("S", bound="StoreSettings")

Seconds = Annotated[float, Meta(gt=0, le=31_536_000, extra={"unit": "s"})]
Bytes = Annotated[int, Meta(ge=1_024, le=536_870_912, extra={"unit": "bytes"})]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]
WebhookAllow = Annotated[
    tuple[str, ...],
    Meta(
        description="Where webhooks may go beside public addresses: networks (`10.1.0.0/16`) and hosts "
        "(`receiver.internal`, `*.internal`). Servers and the workers that deliver need the same."
    ),
]
WebhookHttp = Annotated[
    bool, Meta(description="Whether webhooks may be `http://` too: for receivers in the same network, and for tests.")
]
WebhookCallersFile = Annotated[
    str,
    Meta(
        description="A JSON file with what owners have of their own: owner → `url`, `events` and `format` (a webhook "
        "of all its jobs) and `secrets`. Servers and the workers that deliver need the same."
    ),
]


MOST_SHOWN = 64
"""Characters of a value that is too long, in an error."""


class SettingsError(ValueError):
    """A setting is wrong: one line that names it, its value and what is allowed."""


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every process takes."""

    store_url: Annotated[
        str,
        Meta(
            description="Where the store is: `redis://USER:PASSWORD@HOST:PORT/DATABASE`, `rediss://` (TLS), "
            "`unix:///PATH`, or `embedded:FOLDER` for the one that `tidings dev` runs in that folder; `valkey://` and "
            "`valkeys://` mean the same as `redis://` and `rediss://`. Behind sentinels "
            "`redis+sentinel://USER:PASSWORD@SENTINEL:PORT,SENTINEL:PORT/NAME/DATABASE`, with `?sentinel_username=` "
            "and `sentinel_password=` where they want credentials of their own; of a cluster some nodes: "
            "`redis+cluster://USER:PASSWORD@NODE:PORT,NODE:PORT`. In a user name or password `@`, `/`, "
            "`?`, `#` and `%` are written `%40`, `%2F`, `%3F`, `%23` and `%25`. With a password rather by the "
            "variable, or a file: others on the machine can read a command line.",
        ),
    ] = "embedded:.tidings"
    store_url_file: Annotated[
        str, Meta(description="A file that holds the store's address instead, such as a secret of an orchestrator.")
    ] = ""
    key_prefix: Annotated[
        str,
        Meta(
            description="What stands before the name of every key and channel in the store, and a colon after it: "
            "installations that share a store need one each. At most 32 of the letters `a` to `z` and `A` to `Z`, "
            "digits, `.`, `_` and `-`; not `db` and a number. Give all servers, workers and commands of an "
            "installation the same."
        ),
    ] = DEFAULT_KEY_PREFIX
    durability: Annotated[
        Durability,
        Meta(
            description="What an acknowledged job outlives. `memory`: every process of Tidings, and of the store what "
            "its own settings keep; `fsync`: also the store's machine, since the store writes to its disk before it "
            "answers (its own `appendonly yes` and `appendfsync always`, without which the process does not start); "
            "`replicated`: also a failover, since each answer waits until `replicas` of the store have what it is "
            "about. Give all servers and workers the same."
        ),
    ] = "memory"
    replicas: Annotated[
        Annotated[int, Meta(ge=1, le=32)],
        Meta(
            description="With `durability` being `replicated`: how many replicas must have what is acknowledged. The "
            "promise holds where that is all replicas which may be promoted; of a cluster, all those of each primary."
        ),
    ] = 1
    replicas_within_s: Annotated[
        Annotated[float, Meta(ge=0.01, le=5, extra={"unit": "s"})],
        Meta(
            description="How long they may take. After it a client gets `unconfirmed`: it is not known whether what it "
            "asked for outlives a failover, and the same again under the same key is safe."
        ),
    ] = 1.0
    allow_eviction: Annotated[
        bool,
        Meta(
            description="Whether servers and workers start, and servers are ready, although the store's "
            "`maxmemory-policy` is not `noeviction`: such a store deletes acknowledged jobs when its memory is full."
        ),
    ] = False
    log_format: Annotated[
        Literal["console", "json"], Meta(description="Log lines for people, or one JSON object a line.")
    ] = "console"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least that is logged.")
    ] = "info"
    traces: Annotated[
        Literal["off", "otlp", "global"],
        Meta(
            description="Where spans go: `otlp` sends them as OpenTelemetry's `OTEL_…` variables say, `global` gives "
            "them to the provider that the process has set up itself. Needs the extra `otel`."
        ),
    ] = "off"
    result_ttl_s: Annotated[
        Seconds,
        Meta(
            description="How long a finished job is found under its token. The memory of finished jobs is the first "
            "limit that most installations meet; `tidings capacity` says how much it is, and `TIDINGS_COMPACT_RECORDS` "
            "of the workers more than halves it."
        ),
    ] = 86_400.0
    events_max_age_s: Annotated[
        Annotated[float, Meta(ge=60, le=31_536_000, extra={"unit": "s"})],
        Meta(
            description="How long a queue keeps the events that groups follow. A group that is later misses them, and "
            "says so. Give all servers and workers the same."
        ),
    ] = 86_400.0
    events_max_bytes: Annotated[
        Annotated[int, Meta(ge=65_536, le=1_099_511_627_776, extra={"unit": "bytes"})],
        Meta(description="Size of the events that a queue keeps for groups, about; the oldest leave first."),
    ] = 268_435_456
    chronicle: Annotated[
        Annotated[int, Meta(ge=0, le=1_000_000)],
        Meta(
            description="Ended jobs of each queue of which the times are kept, about 120 bytes each, for the console's "
            "latencies, rates and search. 0: none."
        ),
    ] = 10_000

    def __post_init__(self) -> None:
        """Check what the type of a field cannot say.

        Raises:
            SettingsError: a setting is wrong.

        """
        try:
            parse_store_url(self.store_url)
        except StoreUrlError as error:
            raise SettingsError(f"TIDINGS_STORE_URL: {error}") from None
        try:
            check_key_prefix(self.key_prefix)
        except KeyPrefixError as error:
            raise SettingsError(f"TIDINGS_KEY_PREFIX is {self.key_prefix[:MOST_SHOWN]!r}: {error}") from None

    @property
    def replication(self) -> Replication | None:
        """The replicas that must have what is acknowledged; None: the store alone."""
        return Replication(self.replicas, self.replicas_within_s) if self.durability == "replicated" else None

    def __repr__(self) -> str:
        values = ((setting, getattr(self, setting.name)) for setting in settings_of(type(self)))
        shown = (f"{setting.name}={_masked(setting, value)}" for setting, value in values)
        return f"{type(self).__name__}({', '.join(shown)})"


class Setting(NamedTuple):
    """One setting, as the flags and the reference page show it."""

    name: str
    variable: str
    flag: str
    """Empty for a secret: every user of a machine sees the arguments of all its processes."""
    type: Any
    type_name: str
    default: Any
    unit: str
    meaning: str
    secret: bool
    """Whether its value is secret: no log and no error shows it."""


def from_env(kind: type[S], environ: Mapping[str, str] | None = None, overrides: Mapping[str, Any] | None = None) -> S:
    """Return the settings of a process.

    Args:
        kind: which settings.
        environ: the environment; None: that of this process.
        overrides: what the flags say, by field name; None values are left out.

    Raises:
        SettingsError: a value is not allowed.

    """
    if environ is None:
        import os  # noqa: PLC0415 - the one place that reads it

        environ = os.environ
    given: dict[str, Any] = {}
    for setting in settings_of(kind):
        if setting.variable in environ:
            given[setting.name] = environ[setting.variable]
        value = (overrides or {}).get(setting.name)
        if value is not None:
            given[setting.name] = value
    path = given.get("store_url_file")
    if path:
        if "store_url" in given:
            raise SettingsError(f"{STORE_URL} and {STORE_URL_FILE} are both set: set one of them")
        given["store_url"] = _read_store_url(str(path))
    return _convert(kind, given)


def store_url_of(environ: Mapping[str, str]) -> str:
    """Return the store's address as an environment says it; empty: it says none.

    Raises:
        SettingsError: it names a file that cannot be read.

    """
    if environ.keys() & {STORE_URL, STORE_URL_FILE}:
        names = {name: environ[name] for name in (STORE_URL, STORE_URL_FILE) if environ.get(name)}
        return from_env(StoreSettings, names).store_url if names else ""
    return ""


MAX_STORE_URL_BYTES = 16_384


def _read_store_url(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_STORE_URL_BYTES + 1).decode()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"{STORE_URL_FILE} ({printable(path)}) cannot be read: {reason}") from error
    url = text.strip()
    if not url or len(url.split()) != 1 or len(text) > MAX_STORE_URL_BYTES:
        raise SettingsError(f"{STORE_URL_FILE} ({printable(path)}) must hold one line: the store's address")
    return url


def settings_of(kind: type[StoreSettings]) -> Iterator[Setting]:
    """Yield the settings of a process in the order of their definition."""
    for field in msgspec.structs.fields(kind):
        metas = list(_metas(field.type))
        extra = {key: value for meta in metas for key, value in (meta.extra or {}).items()}
        bare = _bare(field.type)
        yield Setting(
            name=field.name,
            variable=PREFIX + field.name.upper(),
            flag="" if extra.get("secret") else "--" + field.name.replace("_", "-"),
            type=bare,
            type_name=_type_name(bare),
            default=field.default,
            unit=extra.get("unit", ""),
            meaning=next((meta.description for meta in reversed(metas) if meta.description), ""),
            secret=bool(extra.get("secret")),
        )


def _convert(kind: type[S], given: dict[str, Any]) -> S:
    values = dict(given)
    for setting in settings_of(kind):
        value = values.get(setting.name)
        if typing.get_origin(setting.type) is tuple and isinstance(value, str):
            values[setting.name] = tuple(part.strip() for part in value.split(",") if part.strip())
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        text = str(error)
        what, _, where = text.partition(" - at `$.")
        name = where.rstrip("`").partition("[")[0]
        text, what = " ".join(text.split()), " ".join(what.split())
        if not name:
            raise SettingsError(text) from error
        wrong = next(setting for setting in settings_of(kind) if setting.name == name)
        shown = _masked(wrong, given[name])
        hint = unit_hint(wrong.unit, str(given[name]))
        said = hint or f"{what[0].lower()}{what[1:]}; allowed: {wrong.type_name}"
        raise SettingsError(f"{wrong.variable} is {shown}: {said}") from error


def _masked(setting: Setting, value: Any) -> str:
    """Return a value as errors and logs may show it: no secret, no password in an address."""
    if setting.secret and value:
        return "***"
    return repr(_shown(setting.name, value))


_USER = re.compile(r"//[^/]*@")


def _shown(name: str, value: Any) -> Any:
    """Return a value without what stands before a host in it."""
    if isinstance(value, tuple):
        return tuple(_shown(name, one) for one in value)
    if name == "store_url":
        return show_store_url(value)
    return _USER.sub("//***@", value) if isinstance(value, str) else value


def _metas(type_: Any) -> Iterator[Meta]:
    """Yield what a type is annotated with, inner annotations first."""
    if typing.get_origin(type_) is Annotated:
        inner, *metas = typing.get_args(type_)
        yield from _metas(inner)
        yield from (meta for meta in metas if isinstance(meta, Meta))


def _bare(type_: Any) -> Any:
    while typing.get_origin(type_) is Annotated:
        type_ = typing.get_args(type_)[0]
    return type_


def _type_name(type_: Any) -> str:
    origin = typing.get_origin(type_)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in typing.get_args(type_))
    if origin is tuple:
        return "list, separated by commas"
    if isinstance(type_, types.UnionType):
        return " or ".join(_type_name(part) for part in typing.get_args(type_))
    return {"str": "text", "int": "whole number", "float": "number", "bool": "`true` or `false`"}[type_.__name__]
