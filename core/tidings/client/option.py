"""What can be said of a submission beside its kind and input."""

from datetime import datetime
from typing import Any

import msgspec

from tidings.seconds import Duration, seconds_of


class SubmitOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Options of one submission; see CONTRACT section 2."""

    key: str | None = None
    """Idempotency key; None: the client makes one, so that a repetition after a broken connection is safe."""
    delay: Duration | None = None
    """Seconds before it may start, or a `timedelta`; at most a year."""
    at: datetime | None = None
    """Not before this moment (with a time zone); one that has passed means now. Not beside `delay`."""
    deadline: Duration | None = None
    """Seconds from now after which it is not worth finishing, or a `timedelta`; above 0, at most a year."""
    queue: str | None = None
    tier: str | None = None
    priority: int | None = None
    """-100 to 100: among jobs that may be shed the lowest goes first."""
    correlation_id: str | None = None
    traceparent: str | None = None
    """W3C Trace Context; None: that of the present span, in a program with OpenTelemetry."""
    tracestate: str | None = None

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
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return fields
