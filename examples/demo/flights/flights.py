"""The flights, read from Parquet with DuckDB, one day a query."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

import duckdb

from flights.dataset import CONFIG
from flights.delays import By, Cell

_DAYS: Final = """
    SELECT month, day, count(*) FROM read_parquet($file) GROUP BY ALL ORDER BY ALL
"""

_CELLS: Final = """
    SELECT {by}, dep_delay, count(*)
    FROM read_parquet($file)
    WHERE month = $month AND day = $day AND ($carrier IS NULL OR carrier = $carrier)
    GROUP BY ALL
"""

_CELLS_BY: Final[Mapping[By, str]] = {
    "month": _CELLS.format(by="month"),
    "hour": _CELLS.format(by="hour"),
    "origin": _CELLS.format(by="origin"),
    "carrier": _CELLS.format(by="carrier"),
    "dest": _CELLS.format(by="dest"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Day:
    """A day of 2013 and how many flights were to leave on it."""

    month: int
    day: int
    flights: int


class Flights:
    """A reader of the file that `dataset.flights_parquet` makes. A context manager; for one thread."""

    def __init__(self, file: Path) -> None:
        self._file = str(file)
        self._store = duckdb.connect(config=CONFIG)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def days(self) -> list[Day]:
        """Return the days that have flights, in order."""
        rows = self._store.execute(_DAYS, {"file": self._file}).fetchall()
        return [Day(*row) for row in rows]

    def cells(self, day: Day, by: By, carrier: str | None) -> list[Cell]:
        """Count the flights of a day by group and by delay.

        Args:
            day: one of `days()`.
            by: the column to group by.
            carrier: only this airline's, a two-character code; None: all.

        """
        values = {"file": self._file, "month": day.month, "day": day.day, "carrier": carrier}
        return self._store.execute(_CELLS_BY[by], values).fetchall()
