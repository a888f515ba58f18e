"""The jobs that the clients submit."""

from tidings import job


@job
async def nothing() -> None:
    """Does nothing."""


@job
async def echo(text: str) -> str:
    """Returns what it got."""
    return text
