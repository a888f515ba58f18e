"""What can be said of a submission beside its kind and input."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from tidings.protocol.decoding.name_suggestions import name_hint
from tidings.protocol.grants import GrantRequest
from tidings.seconds import Duration, seconds_of


class SubmitOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Options of one submission."""

    key: str | None = None
    """Idempotency key; None: the client makes one, so that a repetition after a broken connection is safe."""
    delay: Duration | None = None
    """Seconds before it may start, or a `timedelta`; at most a year."""
    at: datetime | None = None
    """Not before this moment (with a time zone); one that has passed means now. Not beside `delay`."""
    deadline: Duration | None = None
    """Seconds from now after which it is not worth finishing, or a `timedelta`; above 0, at most a year."""
    queue: str | None = None
    """The queue of the kind, for callers who want to be sure of it; another is refused."""
    tier: str | None = None
    """Which of the kind's tiers the job belongs to; None: the kind's own, or what the kind's rule says."""
    priority: int | None = None
    """-100 to 100: among jobs that may be shed the lowest goes first."""
    correlation_id: str | None = None
    """1 to 256 printable ASCII characters, which come back wherever the job shows; None: the job's token."""
    tags: Sequence[str] | None = None
    """At most 8 of 1 to 64 visible ASCII characters, by which the owner lists and follows jobs."""
    traceparent: str | None = None
    """W3C Trace Context; None: that of the present span, in a program with OpenTelemetry."""
    tracestate: str | None = None
    """W3C Trace Context: what vendors add to `traceparent`."""
    webhook: str | Mapping[str, Any] | None = None
    """A URL that workers send the job's end, signed; or a mapping with `url`, `events`, `id` and `format`."""
    owner: str | None = None
    """For whom the job is: a subject, 1 to 255 characters, who then owns it. Wants the scope `delegate`."""
    grant: bool | GrantRequest | None = None
    """Whether the handle gets a grant for the job, whose bearer may follow it; `GrantRequest` says which."""
    watch: bool | None = None
    """Whether the handle follows the job. One that does not has no events and no result, takes none of the connection's
    watches, and needs no right to watch. None: it does, unless the job is for another `owner` and no `grant` allows it
    to be watched."""

    def __post_init__(self) -> None:
        """Make durations seconds.

        Raises:
            TypeError: one is neither a number nor a `timedelta`.
            ValueError: one is out of bounds.

        """
        for name, above in (("delay", False), ("deadline", True)):
            if (value := getattr(self, name)) is not None:
                seconds = seconds_of(name, value, above=above, most_word="a year (31536000)")
                msgspec.structs.force_setattr(self, name, seconds)

    def fields(self) -> dict[str, Any]:
        """Return what of it goes into the frame."""
        said = {name: value for name in OPTION_NAMES if (value := getattr(self, name)) is not None}
        if isinstance(self.webhook, str):
            said["webhook"] = {"url": self.webhook}
        return said


OPTION_NAMES = SubmitOptions.__struct_fields__
"""The names of all options."""


def option_fields(
    options: SubmitOptions | None,
    watch: bool | None = None,
    grant: bool | GrantRequest | None = None,
    owner: str | None = None,
) -> dict[str, Any]:
    """Return what options say in a frame.

    Args:
        options: those given together.
        watch: given by itself, as those that follow; None: as `options` say.
        grant: the same.
        owner: the same.

    Raises:
        TypeError: they are none.

    """
    if options is not None and not isinstance(options, SubmitOptions):
        raise TypeError(f"submit() takes options=SubmitOptions(…), not a {type(options).__qualname__}")
    said = {} if options is None else options.fields()
    for name, value in {"watch": watch, "grant": grant, "owner": owner}.items():
        if value is None:
            continue
        if not isinstance(value, _DIRECT[name]):
            raise TypeError(f"{name} is {_FORMS[name]}; a field of that name is given in a mapping: {_MAPPING_FORM}")
        said[name] = value
    if said.get("grant") is False:
        del said["grant"]
    if said.setdefault("watch", "owner" not in said or _may_watch(said.get("grant"))) is True:
        del said["watch"]  # that is what is meant without it
    return said


_DIRECT: dict[str, Any] = {"watch": bool, "grant": bool | GrantRequest, "owner": str}
_FORMS = {"watch": "True or False", "grant": "True, False or a GrantRequest", "owner": "text"}
"""What an option may be that is given by itself."""


def _may_watch(grant: bool | GrantRequest | None) -> bool:
    return grant is True or (isinstance(grant, GrantRequest) and "watch" in grant.may)


def input_of(value: Any, fields: Mapping[str, Any]) -> Any:
    """Return the input of a submission: what was given as such, or the keyword arguments.

    Raises:
        TypeError: it is not clear which is meant, or options stand where fields of the input do.

    """
    if isinstance(value, SubmitOptions):
        raise TypeError("submit() got SubmitOptions as the input: write options=SubmitOptions(…)")
    if value is None:
        mistaken = [name for name in fields if name in _RESERVED_NAMES]
        if not mistaken:
            return fields
        raise TypeError(
            f"submit() got {_listed(mistaken)} as a field of the input; for an option write {_written(mistaken)}, and "
            f"for a field of that name give the input as a mapping: {_MAPPING_FORM}"
        )
    if fields:
        options = [name for name in fields if name in OPTION_NAMES]
        others = [name for name in fields if name not in OPTION_NAMES]
        advice = (
            f"write {_written(options)}"
            if options
            else f"`{others[0]}` is no option ({name_hint(others[0], OPTION_NAMES)})"
        )
        raise TypeError(
            f"submit() got an input and beside it {_listed([*fields])}: {advice}; fields go into the input, options "
            "into SubmitOptions"
        )
    return value


_RESERVED_NAMES = frozenset({*OPTION_NAMES, "input"})
"""Names of keyword arguments under which callers mean something else than a field of the input."""

_MAPPING_FORM = 'submit(kind, {"…": …})'


def _listed(names: list[str]) -> str:
    return ", ".join(f"{name}=…" for name in names)


def _written(names: list[str]) -> str:
    options = [name for name in names if name in OPTION_NAMES]
    return f"options=SubmitOptions({_listed(options)})" if options else _MAPPING_FORM
