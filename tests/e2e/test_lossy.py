"""What JSON would lose of what a handler returns or says reaches no client as null: the job fails, and says where."""

import pytest

from support.peer import peer
from support.system import System, system_fixture, written

KINDS = """
import math
import msgspec
from tidings import Context, Reject, SyncContext, job

VALUES = {
    "nan": {"a": [1, math.nan]},
    "keys": {"a": {1: 1, "1": 2}},
    "raw": {"a": msgspec.Raw(b"{x")},
    "half": {"a": "\\ud800"},
}

@job
async def returned(which: str) -> object:
    return VALUES[which]

@job
def threaded(which: str) -> object:
    return VALUES[which]

@job(run_in="process")
def processed(which: str) -> object:
    return VALUES[which]

@job(expose_errors=True)
async def logged(ctx: Context, which: str) -> None:
    await ctx.log(VALUES[which])

@job(expose_errors=True)
def told(ctx: SyncContext, which: str) -> None:
    ctx.progress(0.5, data=VALUES[which])

@job(expose_errors=True)
async def remembered(ctx: Context, which: str) -> None:
    await ctx.once("it", lambda: VALUES[which])

@job
async def rejected(which: str) -> None:
    raise Reject("no", code="mine", data=VALUES[which])
"""

SAYS = {
    "nan": "nan at /a/1",
    "keys": "two keys that both become '1' at /a",
    "raw": "a msgspec.Raw that is no JSON",
    "half": "half of a character (a lone surrogate) at /a",
}


system = system_fixture(written(KINDS))


@pytest.mark.parametrize("which", SAYS)
@pytest.mark.parametrize("kind", ["returned", "threaded", "processed", "logged", "told", "remembered"])
async def test_the_job_fails_and_says_what_and_where(system: System, kind: str, which: str) -> None:
    async with peer(system.server.socket_url) as client:
        end = (await client.run(kind, {"which": which}))[-1]
    assert end["event"] == "failed"
    assert end["data"]["problem"]["code"] == "handler_error"
    says = SAYS[which].replace("at /a", "at /data/a") if kind == "told" else SAYS[which]
    assert says in end["data"]["problem"]["detail"]


@pytest.mark.parametrize("which", SAYS)
async def test_the_data_of_a_rejection_are_left_out_whole(system: System, which: str) -> None:
    async with peer(system.server.socket_url) as client:
        problem = (await client.run("rejected", {"which": which}))[-1]["data"]["problem"]
    assert problem["code"] == "rejected"
    (extra,) = problem["errors"]
    assert extra["code"] == "mine"
    assert SAYS[which] in extra["data_omitted"]
    assert "data" not in extra
