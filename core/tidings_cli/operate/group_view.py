"""Groups of consumers as people see them in a terminal."""

from collections.abc import Iterable

from rich.table import Table

from tidings.store.groups.group_counts import GroupCount
from tidings_cli.terminal import cell


def groups_table(groups: Iterable[GroupCount]) -> Table:
    """Return a table with a row for each group in each queue."""
    columns = ("group", "queue", "behind", "oldest", "in hand", "handled", "missed", "dead", "follows")
    table = Table(*columns, title="Groups", title_justify="left")
    for one in groups:
        behind = "?" if one.behind is None else str(one.behind)
        oldest = "" if one.oldest is None else f"{one.oldest:.1f} s"
        counts = map(str, (one.in_hand, one.handled, one.missed, one.dead))
        state = " (paused)" if one.paused else ""
        table.add_row(
            cell(f"{one.group}{state}"), cell(one.queue), behind, oldest, *counts, cell("; ".join(one.follows))
        )
    return table


def warnings_of(groups: Iterable[GroupCount]) -> list[str]:
    """Return a sentence for each group of which operators should know something."""
    found = []
    for one in groups:
        where = f"The group {one.group} in {one.queue}"
        if one.missed:
            found.append(f"{where} has missed {one.missed} events: the store trimmed them before it had taken them.")
        if one.paused:
            found.append(f"{where} is paused: it takes nothing. `tidings events resume {one.group}` ends it.")
        if one.dead:
            found.append(f"{where} could not handle {one.dead} events: `tidings events dead {one.group}` shows why.")
    return found
