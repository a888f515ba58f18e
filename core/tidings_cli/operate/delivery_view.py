"""Deliveries to webhooks as people see them in a terminal."""

from collections.abc import Sequence

from rich.table import Table

from tidings.store.admin.delivery_counts import QueueDeliveries
from tidings.store.registry import WorkerRecord
from tidings_cli.terminal import cell

OVERDUE_S = 5.0
"""A delivery that is due for longer than this, and that no worker takes, is reported."""


def deliveries_table(deliveries: Sequence[QueueDeliveries]) -> Table:
    """Return a table with a row for each queue that has deliveries."""
    columns = ("queue", "pending", "oldest", "dead", "paused hosts")
    table = Table(*columns, title="Deliveries to webhooks", title_justify="left")
    for one in deliveries:
        oldest = "" if one.oldest is None else f"{one.oldest:.1f} s"
        table.add_row(cell(one.queue), str(one.pending), oldest, str(one.dead), str(one.paused))
    return table


def delivery_warnings(deliveries: Sequence[QueueDeliveries], workers: Sequence[WorkerRecord]) -> list[str]:
    """Return a sentence for each thing about deliveries of which operators should know."""
    found = []
    delivering = any(one.deliveries is not None for one in workers)
    if not delivering and any(one.pending for one in deliveries):
        found.append("Deliveries to webhooks wait, and no worker delivers: start one with `tidings work --webhooks`.")
    for one in deliveries:
        if delivering and one.overdue > OVERDUE_S:
            found.append(f"In {one.queue} a delivery has been due for {one.overdue:.0f} s, and no worker took it.")
        if one.dead:
            text = f"{one.dead} deliveries of {one.queue} are dead: `tidings webhook list --state dead` shows why."
            found.append(text)
        if one.paused:
            text = f"{one.queue} delivers nothing to {one.paused} paused hosts: `tidings webhook resume HOST` ends it."
            found.append(text)
    return found


def shown_load(worker: WorkerRecord) -> str:
    """Return what a worker delivers, such as `12 of 500`; empty: nothing."""
    load = worker.deliveries
    return "" if load is None else f"{load.sending} of {load.slots}"
