"""What `tidings status` prints."""

import io

import msgspec
import pytest
from rich.console import Console

from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.admin.queue_stats import QueueStats
from tidings_cli.operate.status_command import _show


@pytest.mark.parametrize(
    ("every", "cron", "says"),
    [(0.5, None, "every 0.5 s"), (None, "30 2 * * *", "30 2 * * * Europe/Berlin")],
)
def test_the_schedule_of_a_recurring_kind_is_shown(every: float | None, cron: str | None, says: str) -> None:
    raw = msgspec.Raw(b"{}")
    zone = "Europe/Berlin" if cron else None
    kind = KindRecord(kind="k", queue="q", input=raw, result=raw, every=every, cron=cron, timezone=zone)
    printed = io.StringIO()
    _show(QueueStats(kinds=[kind], workers=[], queues=[]), Console(file=printed, width=200))
    assert says in printed.getvalue()
