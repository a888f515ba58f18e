"""Kinds whose traces are looked at; one worker serves them all."""

from opentelemetry import trace

from tidings import Context, Reject, Retry, SyncContext, job

_tracer = trace.get_tracer("theirs")
_missing: set[str] = set()


@job
async def plain(ctx: Context) -> str:
    """Returns what it would tell a service that it calls."""
    return ctx.traceparent


@job(run_in="process")
def apart(ctx: SyncContext) -> list[str]:
    """Does so in a process, and returns what OpenTelemetry would tell."""
    context = trace.get_current_span().get_span_context()
    return [ctx.traceparent, f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"]


@job
async def spanning() -> None:
    """Has a span of its own."""
    with _tracer.start_as_current_span("theirs"):
        pass


@job
def spanning_in_thread() -> None:
    """Has one in a thread."""
    with _tracer.start_as_current_span("theirs"):
        pass


@job(retries=2)
async def flaky(ctx: Context) -> int:
    """Fails once."""
    if ctx.attempt == 1:
        raise Retry("not yet", after=0.01)
    return ctx.attempt


@job
async def broken() -> None:
    """Fails."""
    raise ValueError


@job
async def order(ctx: Context, sold_out: bool = False) -> str:
    """Reserves, ships from another queue, and undoes both if it is sold out."""
    await ctx.step(reserve, ctx.token, undo=release, retries=1)
    await ctx.call("ship", parcel="box", undo="recall")
    if sold_out:
        raise Reject("sold out")
    return ctx.traceparent


async def reserve(name: str) -> None:
    if name not in _missing:
        _missing.add(name)
        raise Retry("not yet", after=0.01)


async def release(name: str) -> None:
    pass


@job(queue="shipping")
async def ship(ctx: Context, parcel: str) -> str:
    """Ships."""
    return ctx.correlation_id


@job(queue="shipping")
async def recall(parcel: str) -> None:
    """Undoes it."""


@job(every=1)
async def tick() -> None:
    """Runs by the clock."""
