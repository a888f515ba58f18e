"""Moments: how times are written, and which of a job's are kept."""

from datetime import UTC, datetime

MILESTONES = ("submitted", "enqueued", "dequeued", "started", "finished")
"""The moments of a job that its record keeps, by the store's clock."""


def rfc3339(ms: int) -> str:
    """Return ms since the epoch as RFC 3339 text, in UTC."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
