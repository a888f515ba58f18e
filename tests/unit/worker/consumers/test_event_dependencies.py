"""Handlers of events with dependencies: they are made for each try, and clean up when it ends."""

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import anyio
import pytest

from tidings import Depends, Event, on
from tidings.consumer.consumed_event import ConsumedEvent, EventEnvelope, decode_event_text
from tidings.consumer.event_handler import EventHandler
from tidings.store.groups.group_store import EventOutcome, EventReport, TakenEvent
from tidings_worker.consumers.event_call import EventCall, EventServices

FRAME = (
    '{"type":"event","token":"q.t","seq":7,"at":"2026-11-30T07:47:36Z","event":"succeeded","status":"succeeded",'
    '"data":{"result":3}}'
)


@pytest.fixture
def seen() -> list[Any]:
    SEEN.clear()
    return SEEN


SEEN: list[Any] = []


async def connection(event: Event) -> AsyncIterator[str]:
    SEEN.append(f"open for {event.id}")
    try:
        yield "connection"
    except ValueError as error:
        SEEN.append(f"saw {error}")
        raise
    finally:
        SEEN.append("closed")


def ledger(pool: Annotated[str, Depends(connection)], event: Event) -> Iterator[str]:
    yield f"ledger of {pool}, {event.result}"
    SEEN.append("written")


@on("order", group="billing")
async def bill(event: Event, book: Annotated[str, Depends(ledger)], times: int = 2) -> None:
    SEEN.append((event.token, book, times))


@on("order", group="audit")
def audit(event: Event, book: str = Depends(ledger)) -> None:
    SEEN.append((book, threading.current_thread() is threading.main_thread()))


@on("order", group="broken", retry_on=ValueError)
async def fail(event: Event, pool: Annotated[str, Depends(connection)]) -> None:
    raise ValueError("the ledger is away")


EVENT = ConsumedEvent(decode_event_text(FRAME), EventEnvelope(kind="order", group="billing"), {}, None)  # type: ignore[arg-type]


class NoBreakers:
    """A worker's breakers, of which these handlers use none."""


async def run(handler: EventHandler) -> EventReport:
    services = EventServices(None, None, NoBreakers(), anyio.CapacityLimiter(1))  # type: ignore[arg-type]
    taken = TakenEvent("t", "1-1", 1, "succeeded", "order", "", "", FRAME)
    return await EventCall(services, handler.group, handler, taken).run()


async def test_a_handler_gets_its_dependencies_which_may_ask_for_the_event(seen: list[Any]) -> None:
    assert (await run(bill)).outcome is EventOutcome.DONE
    assert seen == ["open for q.t:7", ("q.t", "ledger of connection, 3", 2), "written", "closed"]
    seen.clear()
    assert (await run(bill)).outcome is EventOutcome.DONE
    assert seen[0] == "open for q.t:7", "they are made for each try"


async def test_a_plain_handler_has_those_that_need_the_event_loop_too(seen: list[Any]) -> None:
    assert (await run(audit)).outcome is EventOutcome.DONE
    assert seen == ["open for q.t:7", ("ledger of connection, 3", False), "written", "closed"]


async def test_a_dependency_sees_the_error_of_the_handler_and_the_try_is_repeated(seen: list[Any]) -> None:
    assert (await run(fail)).outcome is EventOutcome.RETRY
    assert seen == ["open for q.t:7", "saw the ledger is away", "closed"]


async def test_a_dependency_that_fails_fails_the_try_and_the_handler_is_not_called(seen: list[Any]) -> None:
    async def away() -> str:
        raise OSError("no pool")

    @on("order", retry_on=OSError)
    async def bill(event: Event, pool: Annotated[str, Depends(away)]) -> None:
        seen.append(pool)

    assert (await run(bill)).outcome is EventOutcome.RETRY
    assert seen == []


async def test_a_test_calls_a_handler_with_dependencies_of_its_own(seen: list[Any]) -> None:
    assert await bill(EVENT, "a fake ledger") is None
    assert seen == [("q.t", "a fake ledger", 2)]
