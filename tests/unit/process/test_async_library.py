"""What anyio learns of the event loop, where sniffio is installed."""

import asyncio

import anyio
import sniffio

from tidings.process.async_library import told_to_sniffio


async def seen_by_a_callback() -> str:
    """Return what becomes of a cancel scope, as a task group opens one, in a callback of the event loop."""
    seen = asyncio.get_running_loop().create_future()

    def begin() -> None:
        try:
            anyio.CancelScope()
            seen.set_result("opened")
        except anyio.NoEventLoopError:
            seen.set_result("refused")

    asyncio.get_running_loop().call_soon(begin)
    return str(await seen)


async def test_a_callback_may_start_tasks_until_the_last_user_has_left() -> None:
    first, second = told_to_sniffio(), told_to_sniffio()
    seen = [await seen_by_a_callback()]
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    seen.append(await seen_by_a_callback())
    second.__exit__(None, None, None)
    seen.append(await seen_by_a_callback())
    assert seen == ["refused", "opened", "refused"]
    assert sniffio.thread_local.name is None
