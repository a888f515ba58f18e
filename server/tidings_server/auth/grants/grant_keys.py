"""The keys that sign grants: those of the settings, or one that the servers of a store make and share."""

import secrets
from collections.abc import Sequence

import anyio
import structlog

from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreError
from tidings.store.grant_key_store import GrantKeyStore

from .grant_codec import GrantCodec

log = structlog.get_logger()

MIN_KEY_CHARS = 32
"""Characters of a key of the settings: as many bytes as the digest has (RFC 2104, section 3)."""

MAX_KEYS = 16
"""Keys of the settings: each costs a comparison for each grant that is read."""

LOOK_S = 60.0
"""The time between two looks at the key of the store, which loses it if its data is lost."""

MAX_EARLIER_KEYS = 4
"""Keys of a store that lost them, under which the process still accepts grants."""


def check_grant_keys(keys: Sequence[str]) -> None:
    """Check the keys of the settings.

    Raises:
        ValueError: one is too short, or there are too many; the text gives its number, not its content.

    """
    if len(keys) > MAX_KEYS:
        raise ValueError(f"TIDINGS_GRANT_KEYS has {len(keys)} keys; at most {MAX_KEYS} are accepted at a time")
    for number, key in enumerate(keys, start=1):
        if len(key) < MIN_KEY_CHARS:
            raise ValueError(
                f"key {number} of TIDINGS_GRANT_KEYS has {len(key)} characters; a key has {MIN_KEY_CHARS} or more, "
                "such as `openssl rand -base64 32` prints"
            )


class GrantKeys:
    """Gives a codec its keys, and keeps them."""

    def __init__(self, codec: GrantCodec, configured: Sequence[str], store: GrantKeyStore) -> None:
        """Prepare.

        Args:
            codec: gets the keys.
            configured: the keys of the settings; empty: the store's.
            store: keeps the key that servers share.

        """
        self._codec = codec
        self._store = store
        self._configured = bool(configured)
        codec.keys = tuple(key.encode() for key in configured)

    async def run(self) -> None:
        """Keep the key of the store known, until cancelled; return at once if the settings hold the keys."""
        failures = 0
        while not self._configured:
            try:
                await self.look()
                failures, pause_s = 0, LOOK_S
            except StoreError:
                failures += 1
                pause_s = store_retry_delay(failures)
            await anyio.sleep(pause_s)

    async def look(self) -> None:
        """Learn the key of the store, or give it this process's.

        Raises:
            StoreError: the store is unavailable or full.

        """
        known = self._codec.keys
        key = (await self._store.share(known[0].decode() if known else secrets.token_urlsafe(32))).encode()
        if len(key) < MIN_KEY_CHARS:
            log.error("grant_key_broken", help="delete the key `grant-key` of the store; servers make another")
        elif key != (known[0] if known else b""):
            self._codec.keys = (key, *(earlier for earlier in known if earlier != key))[: 1 + MAX_EARLIER_KEYS]
            if known:
                log.warning("grant_key_changed", help="the store lost its key; grants under the last one still count")
