"""The store as a thread beside the event loop uses it: a connection of its own, on which each call waits.

A worker whose event loop is blocked keeps its leases through it.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry

from tidings.store.availability.store_errors import ScriptError, translate
from tidings.store.keys import StoreKeys
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import CALL_ERRORS, resolve_store_url
from tidings.store.sentinel.primary_pool import blocking_client

from .attempt_store import LeaseRenewal, MemoReply

Reply = TypeVar("Reply")

_BEAT = Script("beat", list[str])
_ONCE = Script("once", list[MemoReply])
_pack = msgspec.msgpack.Encoder().encode


class BlockingStore:
    """A few operations of a worker, for one thread; each raises `StoreError`. Nothing is connected before the first."""

    def __init__(self, url: str, keys: StoreKeys, worker: str, timeout_s: float) -> None:
        """Prepare.

        Args:
            url: as of `open_store`.
            keys: the names of the namespace.
            worker: the worker's id.
            timeout_s: how long connecting, and one answer, may take, s.

        """
        self._url = url
        self._keys = keys
        self._worker = worker
        self._timeout_s = timeout_s
        self._client: redis.Redis | None = None

    def beat(self, partition: str, beats: Sequence[LeaseRenewal]) -> list[str]:
        """Renew the leases of jobs of a partition: `ok`, `cancel` or `lost` for each."""
        return self._call(_BEAT, partition, (self._worker, beats))

    def record(self, partition: str, records: Sequence[tuple[str, int, str, str]]) -> None:
        """Record something of jobs of a partition; each: the job's id, its attempt's fence, a name, JSON text."""
        self._call(_ONCE, partition, (records,))

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _call(self, script: Script[Reply], partition: str, args: tuple[Any, ...]) -> Reply:
        root, packed = self._keys.root(partition), _pack(args)
        try:
            if self._client is None:
                self._client = self._connect()
            try:
                answer = self._client.execute_command("FCALL", script.function, 1, root, packed)  # type: ignore[no-untyped-call]
            except ResponseError:  # it knows no functions, or not these: it takes the text, or says why not
                answer = self._client.execute_command("EVAL", script.text, 1, root, packed)  # type: ignore[no-untyped-call]
        except CALL_ERRORS as error:
            self.close()
            raise translate(error) from error
        try:
            return script.decode(answer)
        except msgspec.DecodeError as error:  # a fault of one item: its record is broken
            raise ScriptError(f"{script.name}: {error}") from error

    def _connect(self) -> redis.Redis:
        return blocking_client(
            resolve_store_url(self._url),
            protocol=2,
            socket_timeout=self._timeout_s,
            socket_connect_timeout=self._timeout_s,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )
