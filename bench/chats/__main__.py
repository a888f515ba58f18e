"""`python -m bench.chats [NAME…]`: tokens, idle; default: both."""

import asyncio
import os
import shutil
import statistics
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from bench.harness.named import measure_named, row
from bench.harness.running import running
from bench.harness.system import System
from bench.streams.systems import plain

from . import handlers
from .reader import ChatReader

CHATS: Final = (1, 100, 500)
PER_S: Final = 5.0
QUESTIONS: Final = 10
"""Asked in the browser, one after the other."""
TOKENS: Final = 10
LONG: Final = 3_000
"""Tokens of the chats beside it, which are broken off."""
IDLE: Final = 500
IDLE_S: Final = 10.0
HTML: Final = '<!doctype html><meta charset="utf-8"><script type="module" src="/bench-page.js"></script>'
WAYS: Final = {
    "plain": "FastAPI alone",
    "route": "Tidings, `POST /v1/chat`",
    "socket": "Tidings, `tidings/ai` over its socket",
}


@contextmanager
def _tidings() -> Iterator[tuple[System, str]]:
    path = str(Path(handlers.__file__))
    settings = {"TIDINGS_DRAIN_S": "0", "TIDINGS_MAX_CONNECTIONS_PER_CALLER": "2000"}
    with running(settings=settings, workers=((path, "--slots", "2000"),)) as (_, system, (url,)):
        yield system, url.replace("ws://", "http://").removesuffix("/v1/socket")


@contextmanager
def _plain() -> Iterator[tuple[System, str]]:
    with plain() as asked:
        yield asked.system, asked.url


@asynccontextmanager
async def _page(url: str) -> AsyncIterator[Any]:
    """Open the page in a browser, as one of the server's own."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - the tests' browser; `idle` needs none

    program = os.environ.get("TIDINGS_TEST_BROWSER") or shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
    root = Path(__file__).parents[2]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page()
        script = Path(__file__).with_name("page.js").read_text()
        await page.route("**/bench-page", lambda route: route.fulfill(body=HTML, content_type="text/html"))
        await page.route("**/bench-page.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
        await page.route(
            "**/static/**",
            lambda route: route.fulfill(path=root / "static" / route.request.url.partition("/static/")[2]),
        )
        await page.goto(f"{url}/bench-page")
        await page.wait_for_function("globalThis.read !== undefined")
        yield page
        await browser.close()


async def _beside(way: str, url: str, chats: int) -> list[ChatReader]:
    """Have other chats be answered at the same time."""
    readers = [ChatReader(url) for _ in range(chats - 1)]
    for reader in readers:
        if way == "plain":
            await reader.get(f"/say?count={LONG}&per_s={PER_S}")
        else:
            await reader.ask("tell", count=LONG, per_s=PER_S)
        await asyncio.sleep(1 / 100)
    return readers


async def tokens() -> None:
    """Measure in a browser when the first token of an answer comes, and how late each is, beside other chats."""
    for chats in CHATS:
        for way, title in WAYS.items():
            with _plain() if way == "plain" else _tidings() as (_, url):
                readers = await _beside(way, url, chats)
                await asyncio.sleep(2)
                firsts, delays = [], list[float]()
                async with _page(url) as page:
                    for number in range(QUESTIONS + 1):
                        found = await page.evaluate(
                            "([way, given]) => read(way, given)", [way, {"count": TOKENS, "per_s": PER_S * 2}]
                        )
                        if number:  # the first opens connections
                            firsts.append(found["first"])
                            delays += found["delays"]
                for reader in readers:
                    reader.close()
            late = statistics.quantiles(delays, n=20)[-1]
            row(
                f"{chats} chats, {title}",
                f"first token {statistics.median(firsts):.1f} ms (p50), {max(firsts):.1f} ms (most of {len(firsts)}); "
                f"a token {statistics.median(delays):.1f} ms (p50), {late:.1f} ms (p95)",
            )


async def idle() -> None:
    """Measure what an open chat costs while nothing is said in it."""
    for kind, title in (
        ("wait_in_worker", "its handler waits"),
        ("wait_elsewhere", "its agent waits without a worker"),
    ):
        with _tidings() as (system, url):
            warm = await _open(url, kind, 20)
            await asyncio.sleep(2)
            base = system.rss_mb()
            readers = await _open(url, kind, IDLE)
            await asyncio.sleep(3)
            rss, before = system.rss_mb(), system.cpu_s()
            await asyncio.sleep(IDLE_S)
            after = system.cpu_s()
            for reader in (*warm, *readers):
                reader.close()
        memory = ", ".join(
            f"{name} {(rss[name] - base[name]) * 1000 / IDLE:.1f} KB" for name in ("server", "worker", "store")
        )
        busy = ", ".join(
            f"{name} {(after[name] - before[name]) / IDLE_S / (IDLE + len(warm)) * 1e6:.0f} µs/s"
            for name in ("server", "worker", "store")
        )
        row(f"an open chat, {title}", f"memory: {memory}; CPU: {busy}")


async def _open(url: str, kind: str, count: int) -> list[ChatReader]:
    readers = [ChatReader(url) for _ in range(count)]
    for reader in readers:
        await reader.ask(kind)
    return readers


ALL: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {"tokens": tokens, "idle": idle}


if __name__ == "__main__":
    measure_named(ALL)
