"""The embedded store, with real processes and real signals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from support.waiting import until
from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.embedded import allocator
from tidings.store.embedded.embedded_store import EmbeddedStore, FolderInUseError, resolve_url


def client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url)


def ended(pid: int) -> bool:
    """Return whether a process is gone, or a zombie that only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until_ended(pid: int) -> None:
    until(lambda: ended(pid))


def test_it_starts_answers_and_stops(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path / "s") as store:
        with client(store.url) as redis_:
            assert redis_.ping()
        assert resolve_url(f"embedded:{tmp_path / 's'}") == store.url
        assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
        pid = store.pid
        assert pid is not None
    assert ended(pid)
    with pytest.raises(StoreUnavailableError, match="tidings dev"):
        resolve_url(f"embedded:{tmp_path / 's'}")


def test_data_is_there_after_a_restart_and_after_a_kill(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path) as store, client(store.url) as redis_:
        redis_.set("a", 1)
    with EmbeddedStore(tmp_path) as store, client(store.url) as redis_:
        assert redis_.get("a") == b"1"
        redis_.set("b", 2)
        assert store.pid is not None
        os.kill(store.pid, signal.SIGKILL)
        while (code := store.poll()) is None:
            pass
        assert code == -signal.SIGKILL
    with EmbeddedStore(tmp_path) as store, client(store.url) as redis_:
        assert redis_.get("b") == b"2"


def test_a_second_one_on_the_same_folder_is_refused_politely(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path) as store:
        with pytest.raises(FolderInUseError) as refused:
            EmbeddedStore(tmp_path).start()
        assert str(tmp_path) in str(refused.value)
        assert str(os.getpid()) in str(refused.value)
        with client(store.url) as redis_:
            assert redis_.ping()


def test_a_long_path_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    with EmbeddedStore(folder) as store, client(store.url) as redis_:
        assert redis_.ping()
        assert str(folder) not in store.url


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent ended")
def test_it_ends_with_its_parent_and_loses_nothing(tmp_path: Path) -> None:
    script = (
        "import sys, time; from tidings.store.embedded.embedded_store import EmbeddedStore\n"
        f"store = EmbeddedStore({str(tmp_path)!r}).start(); print(store.pid, store.url, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, url = parent.stdout.readline().split()
        with client(url) as redis_:
            redis_.set("a", 1)
        parent.kill()
    wait_until_ended(int(pid))
    with EmbeddedStore(tmp_path) as store, client(store.url) as redis_:
        assert redis_.get("a") == b"1"


def test_a_folder_that_cannot_be_written_is_an_error_not_a_hang(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        EmbeddedStore(tmp_path / "file" / "s").start()


@pytest.mark.skipif(allocator.find_allocator() is None, reason="this machine has no jemalloc")
def test_the_store_has_the_allocator_that_stores_are_built_with(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path) as store:
        assert "libjemalloc" in Path(f"/proc/{store.pid}/maps").read_text()


def test_it_starts_without_that_allocator_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "find_allocator", lambda: None)
    with EmbeddedStore(tmp_path) as store, client(store.url) as redis_:
        assert redis_.ping()
        assert "libjemalloc" not in Path(f"/proc/{store.pid}/maps").read_text()


def test_what_else_is_preloaded_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "find_allocator", lambda: "libjemalloc.so.2")
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    assert allocator.allocator_environment() == {"LD_PRELOAD": "libjemalloc.so.2"}
    monkeypatch.setenv("LD_PRELOAD", "libfaketime.so.1")
    assert allocator.allocator_environment() == {"LD_PRELOAD": "libjemalloc.so.2 libfaketime.so.1"}
