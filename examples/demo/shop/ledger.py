"""Books kept in SQLite: each entry has a key of its own, so that a step that runs twice stands there once."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

BUSY_S: Final = 10.0
"""How long a writer waits for another to finish."""


class Ledger:
    """One SQLite file, made when it is first used. Any number of processes and threads may write to it."""

    schema = ""
    """The statements that make the tables, where there are none yet."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._made = False
        """Whether this process has made the tables, or found them."""

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the only right to write around the body: what it reads stays true until it has written.

        When the body raises, its writes are undone.
        """
        with self._open() as books:
            books.execute("BEGIN IMMEDIATE")
            try:
                yield books
            except BaseException:
                books.execute("ROLLBACK")
                raise
            books.execute("COMMIT")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        made = self._made and self._file.exists()
        if not made:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._file, timeout=BUSY_S, isolation_level=None)) as books:
            books.row_factory = sqlite3.Row
            if not made:
                books.executescript(f"BEGIN IMMEDIATE; {self.schema} COMMIT;")
                self._made = True
            yield books
