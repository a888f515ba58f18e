"""The folder of an embedded store: inputs and results lie in it, for its owner alone."""

import os
import stat
from pathlib import Path
from typing import IO

from tidings.store.availability.store_errors import StoreUnavailableError

OTHERS = 0o077
"""What group and others may do, of a mode."""

OURS = frozenset({".gitignore", "appendonlydir", "dump.rdb", "lock", "store.log", "store.sock", "store.url"})
"""What a store makes in its folder."""


def open_private(path: Path, mode: str) -> IO[str]:
    """Open a text file, which none but its owner may read if this makes it; whatever the umask is."""
    return open(path, mode, encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600))


def close_to_others(folder: Path) -> None:
    """Have none but its owner enter a folder, and read what a store wrote there before.

    Raises:
        StoreUnavailableError: the folder is another user's, or is open to others and holds more than a store's data:
            closing it could take from others what they share.

    """
    status = folder.stat()
    if os.geteuid() not in (0, status.st_uid):
        raise StoreUnavailableError(f"the folder {folder} belongs to another user: name another, or own it")
    if stat.S_IMODE(status.st_mode) & OTHERS:
        foreign = sorted(entry.name for entry in os.scandir(folder) if entry.name not in OURS)
        if foreign or status.st_mode & stat.S_ISVTX:
            held = f" and holds {foreign[0]!r}, which is no store's" if foreign else ""
            raise StoreUnavailableError(
                f"the folder {folder} is open to other users (mode {stat.S_IMODE(status.st_mode):04o}){held}: name a "
                f"folder of its own, or close it (chmod 700)"
            )
        folder.chmod(0o700)
    for path in _files(folder):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) & OTHERS:
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def _files(folder: Path) -> list[Path]:
    """Return what a store has in its folder, so far as it is there."""
    found = [folder / name for name in sorted(OURS) if os.path.lexists(folder / name)]
    data = folder / "appendonlydir"
    return [*found, *(data.iterdir() if data.is_dir() and not data.is_symlink() else ())]
