"""Calls whose answers are held back until enough replicas have what they wrote.

They go over a connection of their own, since `WAIT` holds up whatever stands behind it. Calls that come while a `WAIT`
is under way leave together when it has answered, and share the next one.

Three things make the answer of `WAIT` mean what it should:

- The call and `WAIT` leave in one write, over one connection. `WAIT` on another connection could reach a new primary,
  which would confirm what the old one never passed on.
- `WAIT` covers what its own connection wrote last. A call that finds all done before (a duplicate under its key) would
  write nothing, and be confirmed although the first call may not be. So the script writes a mark of its partition
  (`MARK`, `lua/lib/keys.lua`). It does so itself, as a command behind it could be let in where the script is not: on
  a node that has not all of the slot yet, where the mark would be in the way of the one that is to come.
- Too few replicas in time do not undo the write: the job may run. The caller gets `StoreUnconfirmedError`, and the same
  call again is confirmed by a mark and a `WAIT` of its own.

Source: https://valkey.io/commands/wait/
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from tidings.settings.durability import Replication
from tidings.store.availability.store_errors import StoreError, StoreUnconfirmedError
from tidings.store.redis.pipelined_connection import PendingCommand, PipelinedConnection

MARK: Final = "mark"
"""The last argument of a script that is to write the mark of its partition (`StoreKeys.replicated`)."""


class _HeldCall:
    """One call, and its answer until that may be told."""

    __slots__ = ("_answer", "_answered", "call")

    def __init__(self, call: PendingCommand) -> None:
        self.call = call
        self._answer: Any = None
        self._answered = False

    def take_answer(self, answer: Any) -> None:
        """Hold an answer; pass a refusal on at once: it wrote nothing that could get lost."""
        if isinstance(answer, StoreError):
            self.call.take(answer)
        else:
            self._answer, self._answered = answer, True

    def tell(self, fault: StoreUnconfirmedError | None) -> None:
        """Tell the answer, or why it is not confirmed."""
        if self._answered:
            self.call.take(self._answer if fault is None else fault)


class ReplicatedCalls:
    """The calls of one client that wait for replicas of one store, or of one node of a cluster.

    What waits in it is bounded by those who call: a batcher has one call under way.
    """

    def __init__(
        self,
        replication: Replication,
        connect: Callable[[], PipelinedConnection],
        tell: Callable[..., None],
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            replication: how many replicas, and how long to wait.
            connect: opens a connection.
            tell: gets the name of an event and its fields, when replicas begin to be too few, and when they no longer
                are.

        """
        self._replication = replication
        self._wait = ("WAIT", replication.replicas, round(replication.within_s * 1000))
        self._connect = connect
        self._tell = tell
        self._connection: PipelinedConnection | None = None
        self._gathered: list[tuple[PendingCommand, bool]] = []
        self._under_way = False
        self._short = False
        """Whether the last `WAIT` found too few replicas."""

    def send(self, call: PendingCommand, *, asking: bool = False) -> None:
        """Send a call.

        Args:
            call: of a script with `MARK`; takes its answer when enough replicas have what it wrote.
            asking: whether the node has to be asked to let it in, as its slot is on the way there.

        """
        self._gathered.append((call, asking))
        if not self._under_way:
            # At the end of this turn of the loop: whatever else the turn sends shares the `WAIT`.
            self._under_way = True
            asyncio.get_running_loop().call_soon(self._send_gathered)

    def leave(self, fault: StoreError) -> None:
        """End the connection if it stands, as it leads elsewhere now; what is under way on it fails so."""
        if self._connection is not None and self._connection.stands:
            self._connection.end(fault)

    def close(self, fault: StoreError) -> None:
        """End the connection; what is under way or gathered fails so."""
        gathered, self._gathered = self._gathered, []
        for call, _ in gathered:
            call.take(fault)
        if self._connection is not None:
            self._connection.end(fault)
            self._connection = None

    def _send_gathered(self) -> None:
        gathered, self._gathered = self._gathered, []
        held: list[_HeldCall] = []
        commands: list[PendingCommand] = []
        for call, asking in gathered:
            if call.future is not None and call.future.done():
                continue
            one = _HeldCall(call)
            held.append(one)
            if asking:  # one command after it is let in
                commands.append(PendingCommand(("ASKING",), _drop))
            commands.append(PendingCommand(call.args, one.take_answer))
        if not held:
            self._under_way = False
            return
        commands.append(PendingCommand(self._wait, partial(self._waited, held)))
        if self._connection is None or self._connection.over:
            self._connection = self._connect()
        self._connection.send_together(commands)

    def _waited(self, held: list[_HeldCall], answer: Any) -> None:
        """Tell what was held, and send what has gathered meanwhile."""
        fault = self._fault_of(answer)
        for one in held:
            one.tell(fault)
        if self._gathered:
            asyncio.get_running_loop().call_soon(self._send_gathered)
        else:
            self._under_way = False

    def _fault_of(self, answer: Any) -> StoreUnconfirmedError | None:
        if isinstance(answer, StoreError):
            return StoreUnconfirmedError(
                f"it is written, and the store does not say how many replicas have it: {answer}"
            )
        wanted, within_s = self._replication.replicas, self._replication.within_s
        short = int(answer) < wanted
        if short is not self._short:
            self._short = short
            self._tell("replicas_missing" if short else "replicas_back", confirmed=int(answer), wanted=wanted)
        if not short:
            return None
        return StoreUnconfirmedError(f"it is written, and {answer} of {wanted} replicas have it after {within_s:g} s")


def _drop(_: Any) -> None:
    """Take the answer to what needs none."""
