"""An inbox that does not hear is noticed, told and mended, and nobody who watches misses anything.

The server has a link of its own to the store; the worker, and the server that takes the job, have none of its faults.
"""

import signal
from collections.abc import Awaitable, Callable

import anyio
import pytest
from redis.asyncio import Redis

from push.world import Inbox, Teller, Watchers
from support.store import BEHIND_A_PROXY, one_store
from support.system import System
from support.timeouts import scaled
from support.waiting import until_async
from tidings.store.redis.echo_probe import MISSES
from tidings_cli.lab.proxy import LinkMode

pytestmark = one_store(BEHIND_A_PROXY)

Fault = Callable[[Inbox, Redis], Awaitable[None]]


async def kill_the_subscriber(inbox: Inbox, store: Redis) -> None:
    inbox.proxy.set_mode(LinkMode.CUT, only_subscribers=True)


async def blackhole_the_subscriber(inbox: Inbox, store: Redis) -> None:
    inbox.proxy.set_mode(LinkMode.HALF_OPEN, only_subscribers=True)


async def mute_the_subscriber(inbox: Inbox, store: Redis) -> None:
    inbox.proxy.set_mode(LinkMode.MUTE, only_subscribers=True)


async def cut_everything(inbox: Inbox, store: Redis) -> None:
    inbox.proxy.set_mode(LinkMode.RESET)


async def blackhole_everything(inbox: Inbox, store: Redis) -> None:
    inbox.proxy.set_mode(LinkMode.HALF_OPEN)


async def break_the_publish_path(inbox: Inbox, store: Redis) -> None:
    inbox.proxy.set_mode(LinkMode.HALF_OPEN, only_callers=True)


@pytest.mark.parametrize(
    ("fault", "hearing"),
    [
        (kill_the_subscriber, "closed"),
        (blackhole_the_subscriber, "deaf"),
        (mute_the_subscriber, "deaf"),
        (cut_everything, "closed"),
        (blackhole_everything, "deaf"),
        (break_the_publish_path, "deaf"),
    ],
)
async def test_what_cuts_an_inbox_off_is_told_by_readyz_and_costs_no_watcher_an_event(
    inbox: Inbox, teller: Teller, store_of_system: Redis, fault: Fault, hearing: str
) -> None:
    watchers = Watchers(inbox.server, await teller.begin())
    with anyio.fail_after(scaled(60)):
        async with anyio.create_task_group() as tasks:
            watchers.start(tasks)
            teller.up_to(10)
            await watchers.until(10)
            await fault(inbox, store_of_system)
            await inbox.says("deaf", "closed")
            assert inbox.logged(f"inbox_{hearing}")
            teller.up_to(20)
            await teller.told(20)
            inbox.proxy.set_mode(LinkMode.OPEN)
            await inbox.says("open")
            teller.up_to(30, end=True)
    watchers.check(30)


async def test_a_subscriber_that_the_store_kills_is_back_at_once_and_no_watcher_misses_anything(
    inbox: Inbox, teller: Teller, store_of_system: Redis
) -> None:
    watchers = Watchers(inbox.server, await teller.begin())
    with anyio.fail_after(scaled(60)):
        async with anyio.create_task_group() as tasks:
            watchers.start(tasks)
            for goal in range(10, 60, 10):
                await watchers.until(goal - 10)
                killed = inbox.logged("inbox_closed")
                teller.up_to(goal)
                await store_of_system.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
                await until_async(lambda: inbox.logged("inbox_closed") != killed, seconds=60)  # noqa: B023 - awaited here
                await inbox.says("open")
            teller.up_to(50, end=True)
    watchers.check(50)


async def test_a_subscriber_that_the_store_throws_off_for_its_output_buffer_misses_nothing(
    inbox: Inbox, teller: Teller, store_of_system: Redis
) -> None:
    """The limit is less than what one progress takes, so that each ends the subscription."""
    watchers = Watchers(inbox.server, await teller.begin(fat=40_000))
    limit = "client-output-buffer-limit"
    before = str((await store_of_system.config_get(limit))[limit])
    with anyio.fail_after(scaled(60)):
        async with anyio.create_task_group() as tasks:
            watchers.start(tasks)
            teller.up_to(1)
            await watchers.until(1)
            # Valkey counts no string that it sends without a copy: here it must copy.
            await store_of_system.config_set("min-string-size-avoid-copy-reply", 10**9)
            await store_of_system.config_set(limit, "pubsub 20000 0 0")
            try:
                for goal in range(100, 600, 100):
                    teller.up_to(goal)
                    await teller.told(goal)
                await watchers.until(500)
                assert inbox.logged("inbox_closed") > 0
            finally:
                await store_of_system.config_set(limit, before)
            await inbox.says("open")
            teller.up_to(510, end=True)
    watchers.check(510)


HEAD = b"*3\r\n$7\r\nmessage\r\n$"


def at(part: str, offset: int) -> Callable[[bytes], int | None]:
    """Return what finds the first event in some bytes, and a place in it.

    Args:
        part: `head`, `channel` (from the digits of its length on), or `payload` (likewise).
        offset: bytes from there.

    """

    def sever(data: bytes) -> int | None:
        inbox = data.find(b":inbox:")
        head = data.rfind(HEAD, 0, inbox)
        if inbox < 0 or head < 0:
            return None
        end = data.index(b"\r\n", inbox)
        return {"head": head, "channel": head + len(HEAD), "payload": end + 2}[part] + offset

    return sever


@pytest.mark.parametrize(
    ("part", "offset"),
    [
        ("head", 0),
        ("head", 1),  # * | 3
        ("head", 3),  # \r | \n
        ("head", 5),  # $ | 7
        ("head", 11),  # mess | age
        ("channel", 0),
        ("channel", 1),  # within the digits
        ("channel", 9),  # within the name
        ("payload", 0),
        ("payload", 1),  # $ | length
        ("payload", 2),  # within the digits
        ("payload", 40),  # within the events
    ],
)
async def test_a_subscription_that_breaks_within_a_message_loses_none(
    inbox: Inbox, teller: Teller, part: str, offset: int
) -> None:
    watchers = Watchers(inbox.server, await teller.begin())
    with anyio.fail_after(scaled(60)):
        async with anyio.create_task_group() as tasks:
            watchers.start(tasks)
            teller.up_to(3)
            await watchers.until(3)
            inbox.proxy.sever(at(part, offset))
            teller.up_to(6)
            await watchers.until(6)
            assert inbox.proxy.severed == 1
            teller.up_to(9, end=True)
    watchers.check(9)
    assert inbox.logged("inbox_closed") == 1


async def test_a_server_that_was_stopped_for_a_while_keeps_its_inbox(inbox: Inbox, teller: Teller) -> None:
    watchers = Watchers(inbox.server, await teller.begin())
    with anyio.fail_after(scaled(60)):
        async with anyio.create_task_group() as tasks:
            watchers.start(tasks)
            teller.up_to(10)
            await watchers.until(10)
            inbox.server.signal(signal.SIGSTOP)
            teller.up_to(20)
            await teller.told(20)
            await anyio.sleep((2 * MISSES + 1) * inbox.probe_s)  # what is shown is that they do not count
            inbox.server.signal(signal.SIGCONT)
            await watchers.until(20)
            teller.up_to(30, end=True)
    watchers.check(30)
    assert inbox.logged("inbox_closed") == inbox.logged("inbox_deaf") == 0


async def test_a_store_that_is_paused_makes_it_unready_and_costs_no_reopening(inbox: Inbox, system: System) -> None:
    assert system.store.process is not None
    system.store.process.send_signal(signal.SIGSTOP)
    try:
        assert await inbox.says("deaf", "closed") == "deaf"
    finally:
        system.store.process.send_signal(signal.SIGCONT)
    await inbox.says("open")
    assert (inbox.logged("inbox_closed"), inbox.logged("inbox_open")) == (0, 2)
