"""`python -m bench.scale [AXIS…]`: measure whether costs grow in a straight line, and print a table for each axis."""

import argparse
import signal
import sys
from pathlib import Path

import msgspec

from bench.harness.files import allow_many_files
from bench.harness.machine import machine
from bench.harness.system import ROOT

from . import finished, partitions, processes, sockets, waiting, watchers
from .page import Report, page, table
from .row import Axis

DOCS = ROOT / "docs/reference/benchmarks-scale.md"

AXES = {
    "sockets": sockets.along,
    "watchers": watchers.along,
    "partitions": partitions.along,
    "processes": processes.along,
    "waiting": waiting.along,
    "finished": finished.along,
}


def main() -> None:
    """Measure what the arguments ask; what has been measured is kept in the file, and joined by what is now."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every process we started ends with us
    allow_many_files()
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description="Measure how costs grow.")
    parser.add_argument("axis", nargs="*", help=f"default: all of {', '.join(AXES)}")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each amount; below 4: fewer finished jobs too")
    parser.add_argument("--json", type=Path, help="keep the figures there, beside those of other axes it holds")
    parser.add_argument(
        "--write-docs", action="store_true", help=f"write {DOCS.relative_to(ROOT)}, of all that is kept"
    )
    options = parser.parse_args()
    for name in options.axis:
        if name not in AXES:
            parser.error(f"no axis {name!r}; there are: {', '.join(AXES)}")
    report = Report(seconds=options.seconds, machine=machine(), axes=_kept(options.json))
    for name in options.axis or AXES:
        axis = AXES[name](options.seconds)
        print(table(axis), flush=True)
        report.axes = [one for one in report.axes if one.name != axis.name] + [axis]
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    if options.write_docs:
        DOCS.write_text(page(report))


def _kept(file: Path | None) -> list[Axis]:
    if file is None or not file.exists():
        return []
    return msgspec.json.decode(file.read_bytes(), type=Report).axes


if __name__ == "__main__":
    main()
