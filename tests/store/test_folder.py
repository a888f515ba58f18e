"""The folder of an embedded store is its owner's alone."""

import os
import stat
from pathlib import Path

import pytest
import redis

from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.embedded.embedded_store import EmbeddedStore


def open_to_others(folder: Path) -> list[str]:
    """Return what group or others may do anything with, of a folder and all that lies in it."""
    paths = [folder, *folder.rglob("*")]
    return [str(path) for path in paths if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077]


def run_once(folder: Path) -> list[str]:
    """Run a store that keeps an input; return what of it is open to others while it runs."""
    with EmbeddedStore(folder) as store, redis.Redis.from_url(store.url) as client:
        client.set("input", "secret")
        return open_to_others(folder)


@pytest.fixture(autouse=True)
def _wide_umask() -> "object":
    before = os.umask(0o000)
    yield
    os.umask(before)


def test_a_folder_that_is_there_and_open_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir(mode=0o755)
    assert run_once(folder) == []
    assert open_to_others(folder) == []


def test_what_an_earlier_release_left_open_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    run_once(folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    assert run_once(folder) == []


def test_a_folder_that_others_use_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    (folder / "theirs").write_text("")
    with pytest.raises(StoreUnavailableError, match=r"'theirs'.*chmod 700"):
        EmbeddedStore(folder).start()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    folder.chmod(0o700)
    assert run_once(folder) == [str(folder / "theirs")]
    sticky = tmp_path / "tmp"
    sticky.mkdir()
    sticky.chmod(0o1777)
    with pytest.raises(StoreUnavailableError, match="mode 1777"):
        EmbeddedStore(sticky).start()
