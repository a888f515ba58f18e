"""What can be said of a submission beside its kind and input."""

from datetime import datetime
from typing import Any

import msgspec


class SubmitOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Options of one submission; see CONTRACT section 2."""

    key: str | None = None
    """Idempotency key; None: the client makes one, so that a repetition after a broken connection is safe."""
    delay: float | None = None
    """Seconds before it may start."""
    at: datetime | None = None
    """Not before this moment (with a time zone); one that has passed means now. Not beside `delay`."""
    deadline: float | None = None
    """Seconds from now after which it is not worth finishing."""
    queue: str | None = None
    tier: str | None = None
    priority: int | None = None
    """-100 to 100: among jobs that may be shed the lowest goes first."""
    correlation_id: str | None = None
    traceparent: str | None = None
    """W3C Trace Context; None: that of the present span, in a program with OpenTelemetry."""
    tracestate: str | None = None

    def fields(self) -> dict[str, Any]:
        """Return what of it goes into the frame."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return fields
