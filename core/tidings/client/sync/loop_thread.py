"""An event loop in a thread of its own, for callers without one.

`anyio.from_thread.start_blocking_portal` offers the same as a generator. A process that was forked from one with an
open client holds a copy of that generator and no copy of its thread: when the interpreter collects the copy, at the
latest at its end, the generator waits for the thread for ever. Of what stands here nothing runs by being collected.
"""

import threading
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from contextvars import Context

import anyio
from anyio.from_thread import BlockingPortal


def open_portal(stack: ExitStack, name: str) -> BlockingPortal:
    """Start a loop in a daemon thread of that name, and return the portal to it; the stack ends both.

    If an error leaves the body of the stack, the calls under way in the loop are cancelled; otherwise the end waits for
    them.
    """
    opened: Future[BlockingPortal] = Future()

    async def serve() -> None:
        async with BlockingPortal() as portal:
            opened.set_result(portal)
            await portal.sleep_until_stopped()

    def run() -> None:
        try:
            anyio.run(serve)
        except BaseException as error:  # it belongs to the caller, who waits for the portal
            if opened.done():
                raise
            opened.set_exception(error)

    # Some releases of Python give a thread a copy of its starter's context: what is set there is not the loop's.
    thread = threading.Thread(target=Context().run, args=(run,), daemon=True, name=name)
    thread.start()
    portal = opened.result()

    def stop(_kind: object, error: BaseException | None, _trace: object) -> None:
        with suppress(RuntimeError):  # the loop has ended by itself
            portal.call(portal.stop, error is not None)
        thread.join()

    stack.push(stop)
    return portal
