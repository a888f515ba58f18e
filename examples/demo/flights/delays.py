"""Delays, counted so that parts add up exactly, and the table made of them.

A part of the flights is a histogram: for each label, how many flights left how many whole minutes
late. Histograms add without loss, so mean, median and worst delay of the whole are exact,
whatever the parts were and in whichever order they came.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

By: TypeAlias = Literal["month", "hour", "origin", "carrier", "dest"]
"""What flights are grouped by."""

Key: TypeAlias = int | str
"""A group: a month (1..12), an hour (0..23), or a code."""

Cell: TypeAlias = tuple[Key, int | None, int]
"""Group, delay in minutes (negative: early; None: the flight was cancelled), number of flights."""

LATE_MIN: Final = 15
"""From how many minutes a departure counts as late; so does the Bureau of Transportation Statistics."""

CHART_BARS: Final = 25
"""The most bars a chart shows: there are 105 destinations."""

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_BY_SIZE: Final = ("origin", "carrier", "dest")
"""Groups without an order of their own: the longest delay comes first."""

_AXES: Final[Mapping[By, str]] = {
    "month": "month",
    "hour": "scheduled hour of departure",
    "origin": "airport of departure",
    "carrier": "airline",
    "dest": "destination",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column of the table."""

    name: str
    label: str
    unit: str
    """Empty for plain texts and numbers."""


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """A chart of the table: `values[i]` belongs to `labels[i]`."""

    x_label: str
    y_label: str
    labels: list[str]
    values: list[float]
    kind: Literal["bar"] = "bar"


@dataclasses.dataclass(frozen=True, slots=True)
class DelayReport:
    """What came of it."""

    title: str
    columns: list[Column]
    rows: list[list[str | int | float | None]]
    """Each as long as `columns`; null: no flight of that group left."""
    chart: Chart
    rows_scanned: int
    """Flights read, of all airlines."""
    elapsed_s: float


_COLUMNS: Final = (
    ("flights", "Flights", "flights"),
    ("average_delay", "Average departure delay", "min"),
    ("median_delay", "Median departure delay", "min"),
    ("late_share", "Late share", "%"),
    ("worst_delay", "Worst delay", "min"),
    ("cancelled_share", "Cancelled", "%"),
)


class Delays:
    """The departure delays of one group of flights."""

    __slots__ = ("_minutes", "_sum", "cancelled", "departed", "late")

    def __init__(self) -> None:
        self.departed = 0
        self.cancelled = 0
        self.late = 0
        """Flights that left at least `LATE_MIN` minutes late."""
        self._sum = 0
        self._minutes: Counter[int] = Counter()

    def add(self, minutes: int | None, flights: int) -> None:
        """Add flights that left `minutes` late; None: that did not leave."""
        if minutes is None:
            self.cancelled += flights
            return
        self.departed += flights
        self.late += flights if minutes >= LATE_MIN else 0
        self._sum += minutes * flights
        self._minutes[minutes] += flights

    @property
    def flights(self) -> int:
        """All flights, cancelled ones included."""
        return self.departed + self.cancelled

    @property
    def average(self) -> float | None:
        """The mean delay, minutes; None if no flight left."""
        return self._sum / self.departed if self.departed else None

    @property
    def worst(self) -> int | None:
        """The longest delay, minutes; None if no flight left."""
        return max(self._minutes, default=None)

    @property
    def median(self) -> float | None:
        """The median delay, minutes; between the two in the middle if their number is even."""
        if not self.departed:
            return None
        return (self._ranked((self.departed - 1) // 2) + self._ranked(self.departed // 2)) / 2

    def _ranked(self, rank: int) -> int:
        for minutes in sorted(self._minutes):
            rank -= self._minutes[minutes]
            if rank < 0:
                return minutes
        raise AssertionError("the rank is below the number of flights")


class Tally:
    """Delays by group, gathered part by part."""

    def __init__(self, by: By, names: Mapping[str, str]) -> None:
        """Begin with no flights.

        Args:
            by: what the groups are.
            names: long names of their keys, where they are codes; may lack some.

        """
        self._by: By = by
        self._names = names
        self._groups: dict[Key, Delays] = {}

    def add(self, cells: Iterable[Cell]) -> None:
        """Add a part of the flights."""
        for key, minutes, flights in cells:
            self._groups.setdefault(key, Delays()).add(minutes, flights)

    @property
    def late(self) -> int:
        """Flights so far that left at least `LATE_MIN` minutes late."""
        return sum(group.late for group in self._groups.values())

    def averages(self) -> list[tuple[str, float]]:
        """Return short label and mean delay (min) of the groups so far, as a chart shows them."""
        return [
            (self._short(key), round(group.average, 2)) for key, group in self._ordered() if group.average is not None
        ][:CHART_BARS]

    def report(self, title: str, rows_scanned: int, elapsed_s: float) -> DelayReport:
        """Return the table and its chart.

        Args:
            title: a heading for people.
            rows_scanned: flights read, also those that were none of the groups'.
            elapsed_s: seconds it took.

        """
        first = Column(self._by, _AXES[self._by].capitalize(), "")
        return DelayReport(
            title=title,
            columns=[first, *(Column(*column) for column in _COLUMNS)],
            rows=[self._row(key, group) for key, group in self._ordered()],
            chart=self._chart(),
            rows_scanned=rows_scanned,
            elapsed_s=round(elapsed_s, 3),
        )

    def _ordered(self) -> list[tuple[Key, Delays]]:
        groups = sorted(self._groups.items(), key=lambda item: f"{item[0]:>2}")  # 2 before 10, AA before UA
        if self._by in _BY_SIZE:
            groups.sort(key=lambda item: -_or_least(item[1].average))
        return groups

    def _row(self, key: Key, group: Delays) -> list[str | int | float | None]:
        return [
            self._long(key),
            group.flights,
            _rounded(group.average),
            _rounded(group.median),
            _share(group.late, group.departed),
            group.worst,
            _share(group.cancelled, group.flights),
        ]

    def _chart(self) -> Chart:
        bars = self.averages()
        x_label = _AXES[self._by]
        if len(self._groups) > CHART_BARS:
            x_label = f"{x_label} (the {CHART_BARS} with the longest delays)"
        return Chart(
            x_label=x_label,
            y_label="average departure delay (min)",
            labels=[label for label, _ in bars],
            values=[value for _, value in bars],
        )

    def _short(self, key: Key) -> str:
        match self._by, key:
            case "month", int():
                return _MONTHS[key - 1]
            case "hour", int():
                return f"{key:02}:00"
            case "carrier", str():
                return self._names.get(key, key)
            case _:
                return str(key)

    def _long(self, key: Key) -> str:
        name = self._names.get(key) if isinstance(key, str) else None
        return f"{name} ({key})" if name else self._short(key)


def day_name(month: int, day: int) -> str:
    """Return a day for people, such as "14 March"."""
    return f"{day} {_MONTHS[month - 1]}"


def _or_least(average: float | None) -> float:
    return float("-inf") if average is None else average


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _share(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None
