"""Who comes to the system of these tests, and what they do over and over."""

from pathlib import Path
from typing import Any

from support.credential import bearer, token
from support.peer import Peer, peer
from support.system import System
from tidings_server.auth.api_key import new_key, setting_line

MAX_GRANTS = 5

_SHOP, _ALICE = new_key(), new_key()
KEYS = [
    setting_line("shop", _SHOP, {"submit", "watch", "cancel", "delegate"}),
    setting_line("alice", _ALICE),
]
"""A back end that submits for users, and one that has a user's name."""

UNKNOWN = "default." + "a" * 22


def shop() -> str:
    """Return the API key of the back end."""
    return _SHOP


def key_named_alice() -> str:
    """Return the API key of the name that a user has too."""
    return _ALICE


def as_user(system: System, sub: str = "alice", server: int = 0, **more: Any) -> Any:
    """Open a socket as a user."""
    return peer(system.servers[server].socket_url, additional_headers=bearer(token(sub, **more)))


def as_shop(system: System, server: int = 0) -> Any:
    """Open a socket as the back end."""
    return peer(system.servers[server].socket_url, additional_headers=bearer(shop()))


def as_page(system: System, server: int = 1) -> Any:
    """Open a socket as a page that has shown nothing yet."""
    return peer(system.servers[server].socket_url)


async def waiting_job(client: Peer, path: Path, **fields: Any) -> dict[str, Any]:
    """Submit a job that waits for a file; return the ack."""
    ack = await client.submit("wait_for_file", {"path": str(path)}, **fields)
    assert ack["type"] == "ack", ack
    return ack


def told(frame: dict[str, Any]) -> tuple[str, str | None]:
    """Return the code and the field of a refusal."""
    return frame["problem"]["code"], frame["problem"].get("field")
