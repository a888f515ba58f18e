"""Kinds that fail, in three queues whose slots lie on three nodes."""

from tidings import Reject, job


@job(queue="aa")
async def fail_on_first() -> None:
    raise Reject("it fails")


@job(queue="bb")
async def fail_on_second() -> None:
    raise Reject("it fails")


@job(queue="dd")
async def fail_on_third() -> None:
    raise Reject("it fails")
