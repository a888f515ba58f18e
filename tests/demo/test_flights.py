from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from flights.delays import By
from flights.flights import Day, Flights

Rows = list[dict[str, str]]


def test_the_days_of_the_year_hold_all_flights(parquet: Path) -> None:
    with Flights(parquet) as flights:
        days = flights.days()
    assert len(days) == 365
    assert days[0] == Day(1, 1, 842)
    assert sum(day.flights for day in days) == 336_776


@pytest.mark.parametrize(("carrier", "by"), [*((None, by) for by in get_args(By)), ("B6", get_args(By)[-1])])
def test_the_cells_of_all_days_add_up_to_the_file(parquet: Path, csv_rows: Rows, carrier: str | None, by: By) -> None:
    expected = Counter((row[by], row["dep_delay"]) for row in csv_rows if carrier is None or row["carrier"] == carrier)
    found: Counter[tuple[str, str]] = Counter()
    with Flights(parquet) as flights:
        for day in flights.days():
            for key, minutes, count in flights.cells(day, by, carrier):
                found[str(key), "NA" if minutes is None else str(minutes)] += count
    assert found == expected


def test_an_airline_that_does_not_fly_has_no_cells(parquet: Path) -> None:
    with Flights(parquet) as flights:
        assert flights.cells(Day(1, 1, 842), "month", "ZZ") == []
