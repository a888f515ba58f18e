"""The store as a thread beside the event loop uses it: a connection of its own, on which each call waits.

A worker whose event loop is blocked keeps its leases through it.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.exceptions import MovedError, ResponseError
from redis.retry import Retry

from tidings.store.availability.store_errors import ScriptError, StoreError, StoreUnavailableError, translate
from tidings.store.keys import StoreKeys
from tidings.store.redis.cluster.slot_map import SlotMap, read_slots, slot_of
from tidings.store.redis.script import Script, declared_keys, script_form
from tidings.store.redis.store_client import CALL_ERRORS, resolve_store_url
from tidings.store.sentinel.address_vote import Address
from tidings.store.sentinel.primary_pool import blocking_client

from .attempt_store import LeaseRenewal, MemoReply

Reply = TypeVar("Reply")

_ONLY: Address = ("", 0)
"""In the place of an address where the store is no cluster."""

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
        self._place = resolve_store_url(url)
        self._keys = keys
        self._worker = worker
        self._timeout_s = timeout_s
        self._clients: dict[Address, redis.Redis] = {}
        """A connection to each node; of a store that is no cluster, to the one that there is."""
        self._slots: SlotMap | None = None
        """Of a cluster, when it is known."""

    def beat(self, partition: str, beats: Sequence[LeaseRenewal]) -> list[str]:
        """Renew the leases of jobs of a partition: `ok`, `cancel` or `lost` for each."""
        return self._call(_BEAT, partition, (self._worker, beats))

    def record(self, partition: str, records: Sequence[tuple[str, int, str, str]]) -> None:
        """Record something of jobs of a partition; each: the job's id, its attempt's fence, a name, JSON text."""
        self._call(_ONCE, partition, (records,))

    def close(self) -> None:
        """Close the connections; the next call opens another, and asks a cluster again which node holds what."""
        clients, self._clients, self._slots = self._clients, {}, None
        for client in clients.values():
            client.close()

    def _call(self, script: Script[Reply], partition: str, args: tuple[Any, ...]) -> Reply:
        root, packed = self._keys.root(partition), _pack(args)
        form = script_form(script.name, sharded=self._place.cluster)
        keys = declared_keys(root, sharded=self._place.cluster)
        try:
            client = self._client_of(root)
            try:
                answer = client.execute_command("FCALL", form.function, *keys, packed)  # type: ignore[no-untyped-call]
            except MovedError:
                raise
            except ResponseError:  # it knows no functions, or not these: it takes the text, or says why not
                answer = client.execute_command("EVAL", form.text, *keys, packed)  # type: ignore[no-untyped-call]
        except CALL_ERRORS as error:
            self.close()
            raise translate(error) from error
        except StoreError:
            self.close()
            raise
        try:
            return script.decode(answer)
        except msgspec.DecodeError as error:  # a fault of one item: its record is broken
            raise ScriptError(f"{script.name}: {error}") from error

    def _client_of(self, root: str) -> redis.Redis:
        if not self._place.cluster:
            return self._node(_ONLY)
        if self._slots is None:
            self._slots = self._ask()
        owner = self._slots.owner(slot_of(root))
        if owner is None:
            raise StoreUnavailableError(f"no node of the cluster holds the slot of {root}")
        return self._node(owner)

    def _ask(self) -> SlotMap:
        """Return which node holds what, as the first says that answers.

        Raises:
            StoreUnavailableError: none answers.

        """
        fault: Exception = StoreUnavailableError("no node of the cluster answers")
        slots = SlotMap()
        for host, port in self._place.hosts:
            try:
                node = self._node((host, port))
                slots.take(read_slots(node.execute_command("CLUSTER", "SLOTS"), host))  # type: ignore[no-untyped-call]
            except (*CALL_ERRORS, ValueError) as error:
                fault = error
            else:
                return slots
        raise StoreUnavailableError(str(fault)) from fault

    def _node(self, address: Address) -> redis.Redis:
        node = self._clients.get(address)
        if node is None:
            node = self._clients[address] = blocking_client(
                self._place,
                None if address is _ONLY else address,
                protocol=2,
                socket_timeout=self._timeout_s,
                socket_connect_timeout=self._timeout_s,
                retry=Retry(NoBackoff(), 0),
                health_check_interval=0,
            )
            # `read_slots` takes the answer as the store gives it.
            node.response_callbacks.pop("CLUSTER SLOTS", None)
        return node
