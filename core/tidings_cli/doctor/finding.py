"""What a check of a deployment has found."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """It works, and something may become a problem, or costs more than it must."""
    PROBLEM = "problem"
    """Jobs, results or clients are in danger now."""
    SKIPPED = "skipped"
    """It could not be checked; `do` says what it needs."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report."""

    check: str
    """Its name, `part.what`: stable, for programs."""
    level: Level
    says: str
    """What was found."""
    do: str = ""
    """What to do; empty: nothing."""


def ok(check: str, says: str) -> Finding:
    """Return that all is well."""
    return Finding(check=check, level=Level.OK, says=says)


def warning(check: str, says: str, do: str) -> Finding:
    """Return that something may become a problem."""
    return Finding(check=check, level=Level.WARNING, says=says, do=do)


def danger(check: str, says: str, do: str) -> Finding:
    """Return that something is wrong now."""
    return Finding(check=check, level=Level.PROBLEM, says=says, do=do)


def skipped(check: str, says: str, do: str) -> Finding:
    """Return that it could not be checked."""
    return Finding(check=check, level=Level.SKIPPED, says=says, do=do)


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level among some findings; what was skipped counts as well."""
    levels = {one.level for one in findings}
    return next((level for level in (Level.PROBLEM, Level.WARNING) if level in levels), Level.OK)
