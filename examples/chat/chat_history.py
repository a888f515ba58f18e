"""The messages of chats, in SQLite: what a page begins with."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATH = os.environ.get("CHATS_DB", "chats.sqlite")

_SCHEMA = "CREATE TABLE IF NOT EXISTS chat (owner TEXT, id TEXT, messages TEXT NOT NULL, PRIMARY KEY (owner, id))"


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(PATH, timeout=10)
    try:
        with connection:
            connection.execute(_SCHEMA)
            yield connection
    finally:
        connection.close()


def keep(owner: str, chat: str, messages: list[dict[str, Any]]) -> None:
    """Keep the messages of a chat; those kept before go."""
    with _database() as db:
        db.execute("INSERT OR REPLACE INTO chat VALUES (?, ?, ?)", (owner, chat, json.dumps(messages)))


def messages_of(owner: str, chat: str) -> list[dict[str, Any]]:
    """Return the messages of a chat; none: its owner has no such chat."""
    with _database() as db:
        found = db.execute("SELECT messages FROM chat WHERE owner = ? AND id = ?", (owner, chat)).fetchone()
    return list(json.loads(found[0])) if found else []
