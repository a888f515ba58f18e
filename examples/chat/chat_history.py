"""The messages of chats, in SQLite: what a page begins with."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATH = os.environ.get("CHATS_DB", "chats.sqlite")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS chat
(owner TEXT, id TEXT, asked REAL NOT NULL, messages TEXT NOT NULL, PRIMARY KEY (owner, id))
"""

_KEEP = """
INSERT INTO chat VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET asked = excluded.asked, messages = excluded.messages
WHERE excluded.asked >= chat.asked
"""


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(PATH, timeout=10)
    try:
        with connection:
            connection.execute(_SCHEMA)
            yield connection
    finally:
        connection.close()


def keep(owner: str, chat: str, asked: float, messages: list[dict[str, Any]]) -> None:
    """Keep the messages of a chat, as they are for what was asked at a time; those kept for later questions stay."""
    with _database() as db:
        db.execute(_KEEP, (owner, chat, asked, json.dumps(messages)))


def messages_of(owner: str, chat: str) -> list[dict[str, Any]]:
    """Return the messages of a chat; none: its owner has no such chat."""
    with _database() as db:
        found = db.execute("SELECT messages FROM chat WHERE owner = ? AND id = ?", (owner, chat)).fetchone()
    return list(json.loads(found[0])) if found else []
