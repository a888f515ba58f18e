"""Processes: the same load over more servers and workers. On a machine with too few cores for all of them they share
them, so that jobs a second say little; what a job costs says whether they stand in each other's way."""

from bench.harness.measure import measure
from bench.harness.running import running
from bench.peer.tidings import JOBS

from .row import Axis, Row, row_of

COUNTS = ((1, 1), (2, 1), (1, 2), (2, 2))


def _with(servers: int, workers: int, seconds: float) -> Row:
    with running(servers=servers, workers=[[str(JOBS)]] * workers) as (_, system, urls):
        found = measure(system._replace(socket_url=" ".join(urls)), "closed_loop", 1.0, seconds)[""]
    row = row_of(f"{servers} + {workers}", found)
    ceiling = 1e6 / row.cpu_us["store"]
    shares = {name: busy for name, busy in found.busy.items() if name.partition(" ")[0] in ("server", "worker")}
    return row_of(
        row.amount,
        found,
        {
            "busy: each server and worker": " + ".join(f"{share:.0%}" for share in shares.values()),
            "one core of the store is full at, jobs/s": f"{ceiling:,.0f}",
        },
    )


def along(seconds: float) -> Axis:
    """Measure each amount for so many seconds."""
    return Axis(
        name="servers + workers",
        sentence="200 sockets, each a job with three progress events, over so many servers and workers on one queue",
        thing="job",
        rows=[_with(servers, workers, seconds) for servers, workers in COUNTS],
    )
