"""The jobs of a trial."""

from tidings import job


@job
async def work() -> int:
    return 1
