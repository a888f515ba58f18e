"""`tidings breaker …`, as an operator types it."""

import json
from functools import partial

import anyio.to_thread
import msgspec
import pytest
from redis.asyncio import Redis

from support.store import StoreProcess
from support.tidings_command import run_tidings
from tidings.circuit.breaker_record import BreakerSpec
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.breaker_store import BreakerStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command
from tidings.store.registry import Registry

SPEC = BreakerSpec(min_calls=2, slow_ms=2_000, open_ms=600_000)
RAW = msgspec.Raw(b"{}")


class Operator:
    """Somebody at a terminal, with the store's address in the environment."""

    def __init__(self, url: str) -> None:
        self._environment = {"TIDINGS_STORE_URL": url, "COLUMNS": "200"}

    async def types(self, *arguments: str, code: int = 0) -> str:
        """Run a command, which ends with `code`; return what it says."""
        run = partial(run_tidings, "breaker", *arguments, **self._environment)
        done = await anyio.to_thread.run_sync(run)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr


@pytest.fixture
def operator(store_process: StoreProcess) -> Operator:
    return Operator(store_process.url)


@pytest.fixture
async def breakers(store: Redis) -> BreakerStore:
    breakers = BreakerStore(store, StoreKeys())
    await breakers.step(("report", "payments", SPEC, 0, 2, 2, 1, [("pay", "w1", "ConnectionError: it is down")]))
    return breakers


async def test_list_shows_each_with_its_state_and_why(operator: Operator, breakers: BreakerStore) -> None:
    await breakers.step(("report", "mail", SPEC, 0, 1, 0, 0, []))
    table = await operator.types("list")
    for text in ("payments", "mail", "open; a call may try in", "closed", "failures", "ConnectionError: it is down"):
        assert text in table, table
    mail, payments = [json.loads(line) for line in (await operator.types("list", "--json")).splitlines()]
    assert (mail["name"], mail["state"], mail["window"]["calls"], mail["opened"]) == ("mail", "closed", 1, 0)
    assert (payments["state"], payments["reason"], payments["opened"]) == ("open", "failures", 1)
    assert 0 < payments["retry_after"] <= 600
    (failure,) = payments["last_failures"]
    assert (failure["kind"], failure["worker"], failure["text"]) == ("pay", "w1", "ConnectionError: it is down")


async def test_show_tells_what_it_goes_by(operator: Operator, breakers: BreakerStore) -> None:
    text = await operator.types("show", "payments")
    for part in (
        *("open; a call may try in", "(failures)", "50% failed, or 50% slower than 2 s, of at least 2 calls", "600 s"),
        *("1 times", "pay on w1  ConnectionError: it is down"),
    ):
        assert part in text, text
    assert json.loads(await operator.types("show", "payments", "--json"))["min_calls"] == 2


async def test_it_is_opened_closed_and_made_to_forget(operator: Operator, breakers: BreakerStore) -> None:
    assert "is closed." in await operator.types("close", "payments", "--for", "10m")
    shown = (await breakers.shown())[0]
    assert 590_000 < shown.machine.hold_until - shown.now_ms <= 600_000
    assert "is open until an operator closes it." in await operator.types("open", "payments")
    assert (await breakers.shown())[0].machine.until == 0
    assert "a call may try in" in await operator.types("open", "payments", "--for", "1h")
    await operator.types("reset", "payments")
    machine = (await breakers.shown())[0].machine
    assert (machine.state, machine.opened, machine.notes) == ("closed", 0, [])


async def test_one_of_a_kind_that_has_not_been_used_can_be_opened(
    operator: Operator, breakers: BreakerStore, store: Redis
) -> None:
    kind = KindRecord(kind="k", input=RAW, result=RAW, breaker="fresh", when_open="wait")
    await Registry(store, StoreKeys()).register([kind])
    await operator.types("open", "fresh")
    assert [one.name for one in await breakers.shown()] == ["fresh", "payments"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("open", "paymens"), "there is no breaker paymens; did you mean payments?"),
        (("show", "x"), "there is no breaker x; there are: payments"),
        (("open", "payments", "--for", "soon"), "--for soon: a duration is a number with s, m, h or d"),
        (("close", "payments", "--for", "0s"), "--for 0s: a breaker is held for more than 0 s and at most a year"),
    ],
)
async def test_what_cannot_be_is_told_in_one_line(
    operator: Operator, breakers: BreakerStore, arguments: tuple[str, ...], text: str
) -> None:
    (line,) = (await operator.types(*arguments, code=1)).splitlines()
    assert line.startswith(f"tidings: {text}")


async def test_one_whose_record_has_left_is_forgotten(breakers: BreakerStore, store: Redis) -> None:
    await command(store, "DEL", StoreKeys().breaker("payments"))
    assert await breakers.shown() == []
    assert await command(store, "EXISTS", StoreKeys().breakers) == 0


async def test_without_any_that_is_said(operator: Operator, store: Redis) -> None:
    assert "There is no breaker yet" in await operator.types("list")
