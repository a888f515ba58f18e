"""The demo's modules stand beside each other and are found as `tidings work` finds them: by their folder."""

import csv
import io
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "demo"))


@pytest.fixture(scope="session")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from flights.dataset import flights_parquet  # noqa: PLC0415 - the path above has to be set first

    return flights_parquet(tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="session")
def csv_rows() -> list[dict[str, str]]:
    """The flights as the package has them, read without DuckDB: what sums are compared with."""
    from flights.dataset import _file  # noqa: PLC0415

    with zipfile.ZipFile(_file("flights.csv.zip")) as archive, archive.open("flights.csv") as raw:
        return list(csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline="")))
