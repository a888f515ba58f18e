"""The caller: the few commands that every job needs, sent by the short way.

Scripts share one connection, on which they follow each other without waiting for answers. A command that may wait in
the store has one of its own, as nothing behind it would be answered meanwhile.
"""

import asyncio
from typing import Any

from tidings.settings.durability import Replication
from tidings.store.availability.store_errors import StoreClosedError, StoreError
from tidings.store.availability.store_health import StoreHealth

from .pipelined_connection import Connect, PendingCommand, PipelinedConnection
from .replication.replicated_calls import MARK, ReplicatedCalls
from .reply_future import ReplyFuture


class CommandPool:
    """The connections of one client by which hot calls are made; each is opened when it is first needed."""

    sharded: bool = False
    """Whether the store is a cluster: scripts publish in their slot, and run only where all of it is."""

    def __init__(
        self, connect: Connect, health: StoreHealth, timeout_s: float | None, channel_prefix: str = ""
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            connect: makes a connection; raises `StoreError`.
            health: hears what becomes of every call.
            timeout_s: how long one answer may take, s; None: for ever.
            channel_prefix: what stands before the names of all channels (`Store.channel_prefix`).

        """
        self.script_args: tuple[str, ...] = (channel_prefix,) if channel_prefix else ()
        """What each script takes beside its arguments: nothing in database 0."""
        self.marking_args: tuple[str, ...] = (channel_prefix, MARK)
        """What a script takes instead whose answer waits for replicas."""
        self._connect = connect
        self._health = health
        self._timeout_s = timeout_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self.functions = True
        """Whether scripts are called as functions of a library: until the store says that it has none, or denies it."""
        self.replicated: ReplicatedCalls | None = None
        """What makes the calls whose answers wait for replicas; None: no call does."""
        self._connection: PipelinedConnection | None = None
        self._waiting: set[PipelinedConnection] = set()
        """Those on which a command waits, or has waited and another may."""

    def send(self, call: PendingCommand) -> None:
        """Send a call that the store answers at once, behind those that are under way."""
        connection = self._connection
        if connection is None or connection.over:
            connection = self._connection = self._open()
        connection.send(call)

    def wait_for_replicas(self, replication: Replication) -> None:
        """Have the answers to calls that come by `send_replicated` wait for replicas from now on."""
        self.replicated = ReplicatedCalls(replication, self._open, self._health.tell)

    def send_replicated(self, call: PendingCommand) -> None:
        """Send a call of a script with `marking_args`; it is answered when enough replicas have what it wrote."""
        assert self.replicated is not None, "`wait_for_replicas` was called"
        self.replicated.send(call)

    def promise(self) -> "ReplyFuture[Any]":
        """Return a future for an answer; it is made for every job, and the running loop is looked up only once."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return ReplyFuture(loop=self._loop)

    def ask(self, *args: str | bytes | int) -> "asyncio.Future[Any]":
        """Send a command that the store answers at once; a future of the answer, which fails with `StoreError`."""
        future = self.promise()
        self.send(PendingCommand(args, future.settle, future))
        return future

    async def wait(self, *args: str | bytes | int) -> Any:
        """Send a command that may wait in the store, for less than the time limit; return the answer.

        If this is cancelled the connection ends, so that the store gives away nothing that no caller takes.

        Raises:
            StoreError: the store is unavailable or full, or refused the command.

        """
        future = self.promise()
        self._waiting = {connection for connection in self._waiting if not connection.over}
        connection = next((one for one in self._waiting if one.idle), None)
        if connection is None:
            connection = self._open()
            self._waiting.add(connection)
        connection.send(PendingCommand(args, future.settle, future))
        try:
            return await future
        finally:
            if future.cancelled():
                connection.end(_closed())

    def interrupt(self, prefix: str) -> None:
        """End the connections on which a command about keys that begin so waits; it fails with `StoreClosedError`.

        What the store gives in that very moment is lost on the way: it lies with the consumer until its lease is over.
        """
        for connection in self._waiting:
            if connection.concerns(prefix):
                connection.end(_closed())

    def leave(self, fault: StoreError) -> None:
        """End the connections that stand, because they lead elsewhere now; what is under way on them fails so."""
        for connection in (self._connection, *self._waiting):
            if connection is not None and connection.stands:
                connection.end(fault)
        if self.replicated is not None:
            self.replicated.leave(fault)

    def close(self, fault: StoreError | None = None) -> None:
        """End all connections. Another call would open a new connection.

        Args:
            fault: what calls under way fail with; None: this process has let go of the store.

        """
        fault = fault or _closed()
        for connection in (self._connection, *self._waiting):
            if connection is not None:
                connection.end(fault)
        if self.replicated is not None:
            self.replicated.close(fault)
        self._connection = None
        self._waiting.clear()
        self._loop = None

    def _open(self) -> PipelinedConnection:
        return PipelinedConnection(self._connect, self._health, self._timeout_s)


def _closed() -> StoreClosedError:
    return StoreClosedError("this process has let go of the store")
