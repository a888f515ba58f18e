"""The users of the application, their sessions and their orders, in SQLite."""

import hashlib
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

PATH = os.environ.get("REPORTS_DB", "reports.sqlite")
SESSION_S = float(os.environ.get("REPORTS_SESSION_S", "28800"))
"""How long a login lasts, s."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS user (name TEXT PRIMARY KEY, salt BLOB NOT NULL, digest BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS session (digest BLOB PRIMARY KEY, name TEXT NOT NULL, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS sale (name TEXT NOT NULL, year INTEGER, month INTEGER, cents INTEGER);
"""

_FIRST_USERS = {"alice": "wonderland", "bob": "builder"}


class Login(NamedTuple):
    """A session that has not ended."""

    user: str
    expires_at: float
    """Seconds since the epoch."""


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    """Open the database around the body, in a transaction."""
    connection = sqlite3.connect(PATH, timeout=10)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def prepare() -> None:
    """Make the tables and the first users, where they are missing."""
    with database() as db:
        db.executescript(_SCHEMA)
        for number, (name, password) in enumerate(_FIRST_USERS.items(), start=1):
            salt = secrets.token_bytes(16)
            made = db.execute("INSERT OR IGNORE INTO user VALUES (?, ?, ?)", (name, salt, _hashed(password, salt)))
            if made.rowcount:
                sales = [(name, 2025, month, 1000 * number * month) for month in range(1, 13)]
                db.executemany("INSERT INTO sale VALUES (?, ?, ?, ?)", sales)


def log_in(name: str, password: str) -> str | None:
    """Return the cookie of a new session; None: there is no such user, or the password is another."""
    with database() as db:
        found = db.execute("SELECT salt, digest FROM user WHERE name = ?", (name,)).fetchone()
        salt, digest = found or (b"", b"")
        if not secrets.compare_digest(_hashed(password, salt), digest):
            return None
        session = secrets.token_urlsafe()
        db.execute("DELETE FROM session WHERE expires_at < ?", (time.time(),))
        db.execute("INSERT INTO session VALUES (?, ?, ?)", (_digest(session), name, time.time() + SESSION_S))
        return session


def log_out(session: str) -> None:
    """End a session."""
    with database() as db:
        db.execute("DELETE FROM session WHERE digest = ?", (_digest(session),))


def login_of(session: str) -> Login | None:
    """Return whose session a cookie is; None: no user's, or not any more."""
    with database() as db:
        found = db.execute(
            "SELECT name, expires_at FROM session WHERE digest = ? AND expires_at > ?", (_digest(session), time.time())
        ).fetchone()
    return Login(*found) if found else None


def sales_of(name: str, year: int, month: int) -> int:
    """Return what a user has sold in a month, in cents."""
    with database() as db:
        query = "SELECT coalesce(sum(cents), 0) FROM sale WHERE name = ? AND year = ? AND month = ?"
        return int(db.execute(query, (name, year, month)).fetchone()[0])


def _hashed(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


def _digest(session: str) -> bytes:
    return hashlib.sha256(session.encode()).digest()
