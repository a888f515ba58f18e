"""The kinds that run a program: a saga that interprets it, the jobs that it calls, and what undoes them."""

from typing import Any

from saga.programs.ledger import Ledger
from saga.programs.program import (
    Body,
    Call,
    Catch,
    Fails,
    Gather,
    Nest,
    Node,
    Signal,
    Sleep,
    Step,
    Stumble,
    Undo,
    signals_in,
)
from tidings import Context, Reject, Retry, StepError, job

SAGAS, PARTS = "programs", "parts"
TIMES: dict[Fails, int] = {"": 0, "for_a_time": 1, "for_good": 1_000_000, "always": 1_000_000}
SHORT_S = 0.02
SIGNAL = "go"
RETRIES = 1

ledger = Ledger()
"""The service downstream of all programs of this process."""


def _work(verb: str, key: str, fails: Fails) -> None:
    if ledger.try_again(verb, key, TIMES[fails]):
        if fails == "for_good":
            raise Reject("no")
        raise Retry("not now", after=0)


async def do_step(ctx: Context, fails: Fails, undo_fails: Fails, above: list[str]) -> str:
    """Has an effect."""
    _work("do", ctx.idempotency_key, fails)
    ledger.do(ctx.idempotency_key, above)
    return "step"


async def undo_step(ctx: Context, fails: Fails, undo_fails: Fails, above: list[str], result: str | None) -> None:
    """Undoes it."""
    _work("undo", ctx.idempotency_key, undo_fails)
    ledger.undo(ctx.idempotency_key, known=result is not None)


async def undo_call(ctx: Context, value: dict[str, Any], result: Any) -> None:
    """Undoes what a child did."""
    _work("undo", ctx.idempotency_key, value["undo_fails"])
    ledger.undo(ctx.idempotency_key, known=result is not None)


@job(queue=PARTS, retries=RETRIES, max_deliveries=100)
async def part(ctx: Context, fails: Fails, undo_fails: Fails, above: list[str]) -> str:
    """Has an effect, elsewhere."""
    _work("do", ctx.idempotency_key, fails)
    ledger.do(ctx.idempotency_key, above)
    return "call"


@job(queue=PARTS, retries=RETRIES, max_deliveries=100)
async def undo_part(ctx: Context, fails: Fails, undo_fails: Fails, above: list[str], result: str | None) -> None:
    """Undoes it."""
    _work("undo", ctx.idempotency_key, undo_fails)
    ledger.undo(ctx.idempotency_key, known=result is not None)


@job(queue=SAGAS, retries=RETRIES, max_deliveries=100)
async def program(ctx: Context, body: Body, above: list[str], undo_fails: Fails = "") -> list[Any]:
    """Runs a program."""
    ledger.begin(ctx.token, signals_in(body))
    return await _Run(ctx, [*above, ctx.idempotency_key]).all(body)


@job(queue=SAGAS, retries=RETRIES, max_deliveries=100)
async def undo_program(ctx: Context, body: Body, above: list[str], undo_fails: Fails, result: list[Any] | None) -> None:
    """Undoes all that one did."""
    _work("undo", ctx.idempotency_key, undo_fails)
    ledger.undo(ctx.idempotency_key, known=result is not None)


KINDS = (part, undo_part, program, undo_program)


class _Run:
    """One run of a program."""

    def __init__(self, ctx: Context, above: list[str]) -> None:
        self._ctx = ctx
        self._more: Any = {"above": above}
        """The steps that the run is part of, its own job's last."""

    async def all(self, body: Body) -> list[Any]:
        return [await self._one(node) for node in body]

    async def _one(self, node: Node) -> Any:  # noqa: PLR0911 - a line for each sort
        ctx, more = self._ctx, self._more
        match node:
            case Step(undo, fails, undo_fails):
                # A kind as undo gets the arguments of the step, by their names.
                how = {"": None, "function": undo_step, "kind": "undo_part"}[undo]
                steps = ctx.with_options(undo=how, retries=RETRIES)
                return await steps.step(do_step, fails=fails, undo_fails=undo_fails, **more)
            case Call(undo, fails, undo_fails):
                return await ctx.call("part", fails=fails, undo_fails=undo_fails, undo=_undo(undo, "undo_part"), **more)
            case Nest(body, undo, undo_fails):
                how = _undo(undo, "undo_program")
                return await ctx.call("program", body=body, undo_fails=undo_fails, undo=how, **more)
            case Gather(branches):
                return await ctx.gather(*(self.all(branch) for branch in branches))
            case Sleep():
                return await ctx.sleep(SHORT_S)
            case Signal(given):
                await (ctx.signal(SIGNAL) if given else ctx.signal("never", timeout=SHORT_S))
                return "signal"
            case Catch(body):
                try:
                    return await self.all(body)
                except StepError as error:
                    return error.problem.code
            case Stumble():
                if ledger.try_again("stumble", ctx.token, 1):
                    raise Retry("stumbled", after=0)
                return "stumbled"
            case _:
                raise Reject("no")


def _undo(how: Undo, kind: str) -> Any:
    return {"": None, "function": undo_call, "kind": kind}[how]
