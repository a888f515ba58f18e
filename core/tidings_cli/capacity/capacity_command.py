"""The command `tidings capacity`: what a load needs, on paper."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console

from tidings.logging.printable import printable_json
from tidings_cli.command_errors import CommandError
from tidings_cli.terminal import cell, open_console

from .model import CapacityLoad, CapacityPlan, plan

TTLS_S = (600, 3_600, 86_400)
"""Times for which the memory of results is shown, s."""


def capacity(
    *,
    jobs: Annotated[float, typer.Option(help="Jobs a second, at the peak.")],
    sockets: Annotated[int, typer.Option(help="Clients connected at a time.")] = 0,
    run: Annotated[float, typer.Option(help="How long a handler takes, mean.  [s]")] = 0.1,
    events: Annotated[float, typer.Option(help="Progress events and log entries of a job, mean.")] = 3.0,
    watchers: Annotated[float, typer.Option(help="Clients that watch a job, mean.")] = 1.0,
    input_bytes: Annotated[int, typer.Option(help="Size of an input as JSON, mean.")] = 200,
    result_bytes: Annotated[int, typer.Option(help="Size of a result as JSON, mean.")] = 200,
    log_bytes: Annotated[int, typer.Option(help="Size of a job's log; 0: it has none.")] = 0,
    keyed: Annotated[
        bool, typer.Option("--keyed/--no-keyed", help="Whether submissions have idempotency keys.")
    ] = True,
    compact: Annotated[
        bool, typer.Option("--compact/--no-compact", help="Whether workers have TIDINGS_COMPACT_RECORDS.")
    ] = False,
    result_ttl: Annotated[float, typer.Option(help="TIDINGS_RESULT_TTL_S.  [s]")] = 86_400.0,
    dedup_window: Annotated[float, typer.Option(help="TIDINGS_DEDUP_WINDOW_S.  [s]")] = 86_400.0,
    outage: Annotated[float, typer.Option(help="How long workers may be away while jobs wait.  [s]")] = 600.0,
    queues: Annotated[int, typer.Option(help="Queues that a worker serves.")] = 1,
    slots: Annotated[int, typer.Option(help="TIDINGS_SLOTS of a worker.")] = 100,
    busy: Annotated[float, typer.Option(help="Share of a core, and of the slots, that may be busy.")] = 0.6,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Work out on paper how many stores, servers and workers a load needs, and how much memory."""
    load = CapacityLoad(
        jobs_per_s=jobs,
        sockets=sockets,
        run_s=run,
        events=events,
        watchers=watchers,
        input_bytes=input_bytes,
        result_bytes=result_bytes,
        log_bytes=log_bytes,
        keyed=keyed,
        compact=compact,
        result_ttl_s=result_ttl,
        dedup_window_s=dedup_window,
        outage_s=outage,
        queues=queues,
        slots=slots,
        busy=busy,
    )
    _check(load)
    if as_json:
        print(printable_json({"load": load, "plan": plan(load)}))  # noqa: T201 - this is the command line
    else:
        _show(load, plan(load), open_console())


MOST = {"jobs_per_s": 1e7, "run_s": 1e6, "events": 1e5, "watchers": 1e5, "result_ttl_s": 31_536_000.0,
        "dedup_window_s": 31_536_000.0, "outage_s": 31_536_000.0, "sockets": 1e9, "input_bytes": 536_870_912,
        "result_bytes": 536_870_912, "log_bytes": 536_870_912, "queues": 100_000, "slots": 10_000_000}  # fmt: skip
"""The largest number of each field that makes sense."""
POSITIVE = frozenset({"jobs_per_s", "queues", "slots"})
FLAGS = {
    "jobs_per_s": "jobs",
    "run_s": "run",
    "result_ttl_s": "result-ttl",
    "dedup_window_s": "dedup-window",
    "outage_s": "outage",
}
"""Fields whose flag has another name."""


def _check(load: CapacityLoad) -> None:
    for name, most in MOST.items():
        value = getattr(load, name)
        if not (0 < value <= most if name in POSITIVE else 0 <= value <= most):
            least = "above 0" if name in POSITIVE else "0 or more"
            flag = FLAGS.get(name, name.replace("_", "-"))
            raise CommandError(f"--{flag} is {value:g}; allowed: {least}, at most {most:g}")
    if not 0.05 <= load.busy <= 0.95:
        raise CommandError(f"--busy is {load.busy:g}; allowed: 0.05 to 0.95")


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} TB"


def _show(load: CapacityLoad, found: CapacityPlan, console: Console) -> None:
    share = found.store_cores / found.stores
    print_line = console.print
    what = f"{load.jobs_per_s:,g} jobs a second and {load.sockets:,} sockets"
    print_line(cell(f"For {what}, cores {load.busy:.0%} busy:"))
    kept = f"finished jobs {_bytes(found.finished_bytes)}, keys {_bytes(found.key_bytes)}"
    waiting = f"jobs that wait {load.outage_s:g} s {_bytes(found.waiting_bytes)}"
    each = f"{_bytes(found.server_bytes)} and {found.server_files:,} open files each"
    running = f"{load.slots} slots each; {found.running:,.0f} jobs run at a time, whose own CPU is not counted"
    network = f"{found.connections:,} connections, {found.store_mb_per_s:,.0f} MB/s"
    for name, figure, says in (
        ("stores", f"{found.stores:,}", f"one core each, {share:.0%} busy; {network}"),
        ("servers", f"{found.servers:,}", f"one of them spare; {each}"),
        ("workers", f"{found.workers:,}", f"one of them spare, {running}"),
        ("maxmemory", _bytes(found.maxmemory_bytes), f"of all stores: {kept}, {waiting}"),
        ("memory", _bytes(found.machine_bytes), "of the stores' machines, while their files are rewritten"),
        ("file", f"{_bytes(found.file_bytes_per_s)}/s", "the append-only files grow by that between rewrites"),
    ):
        print_line(cell(f"  {name:<10}{figure:>10}  {says}"))
    by_ttl = (
        f"{_bytes(plan(msgspec.structs.replace(load, result_ttl_s=ttl)).finished_bytes)} at {ttl:,} s" for ttl in TTLS_S
    )
    print_line(cell(f"Memory of finished jobs by TIDINGS_RESULT_TTL_S: {', '.join(by_ttl)}."))
    if not load.compact:
        saved = found.finished_bytes - plan(msgspec.structs.replace(load, compact=True)).finished_bytes
        print_line(cell(f"TIDINGS_COMPACT_RECORDS (--compact) would save {_bytes(saved)} of that."))
    print_line(cell(f"The first limit: {found.limit}."))
