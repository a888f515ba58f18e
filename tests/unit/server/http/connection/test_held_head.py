"""The head of a response leaves with its body in one write, and never waits for a body that is late."""

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tidings_server.http.connection.direct_http import HeldHead


class Wire:
    """A transport that keeps what is written, each write by itself."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def writelines(self, parts: Iterable[bytes]) -> None:
        self.writes.append(b"".join(parts))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


class Cycle:
    """What the head needs of uvicorn's: where it writes."""

    transport: Any


def held() -> tuple[Wire, Cycle, HeldHead]:
    wire, cycle = Wire(), Cycle()
    head = HeldHead(asyncio.get_running_loop(), cast("RequestResponseCycle", cycle), cast("asyncio.Transport", wire))
    cycle.transport = head
    return wire, cycle, head


async def test_head_and_body_leave_in_one_write_and_what_follows_goes_straight() -> None:
    wire, cycle, _ = held()
    cycle.transport.write(b"head ")
    assert wire.writes == []
    cycle.transport.write(b"body")
    cycle.transport.write(b"more")
    await asyncio.sleep(0)
    assert wire.writes == [b"head body", b"more"]
    assert cycle.transport is wire


async def test_a_head_whose_body_is_late_leaves_at_the_end_of_the_turn() -> None:
    wire, cycle, _ = held()
    cycle.transport.write(b"head")
    await asyncio.sleep(0)
    assert wire.writes == [b"head"]
    cycle.transport.write(b"body")
    assert wire.writes == [b"head", b"body"]


async def test_a_connection_that_ends_gets_the_head_before() -> None:
    wire, cycle, _ = held()
    cycle.transport.write(b"head")
    cycle.transport.close()
    assert (wire.writes, wire.closed) == ([b"head"], True)


async def test_a_head_that_is_held_waits_for_its_owner_and_one_that_has_come_cannot_be() -> None:
    wire, cycle, head = held()
    assert head.hold()
    cycle.transport.write(b"head")
    await asyncio.sleep(0)
    assert wire.writes == []
    assert head.take() == b"head"
    _, other, late = held()
    other.transport.write(b"head")
    assert not late.hold()
