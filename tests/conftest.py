"""Fixtures for all tests: one real store for the session, empty for each test."""

import gc
import signal
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from redis.asyncio import Redis

from support.http_authorities import share_authorities
from support.store import StoreProcess, running_store
from support.timeouts import scaled
from tidings.store.redis.store_client import open_store

# A shell without job control starts its background commands with Ctrl-C ignored, and what we start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

share_authorities()

# How long an example takes is the machine's business, not the test's.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Of the mutants (tests/mutants): that something fails is enough, however long the example.
settings.register_profile(
    "first", parent=settings.get_profile("tests"), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
settings.load_profile("tests")


TESTS = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Register a marker for each folder of tests: `pytest -m "not browser"` leaves one out."""
    for folder in sorted(path.name for path in TESTS.iterdir() if any(path.glob("**/test_*.py"))):
        config.addinivalue_line("markers", f"{folder}: the tests of tests/{folder}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by its folder, and put the modules first that take longest (slow_modules.txt)."""
    for item in items:
        item.add_marker(item.path.relative_to(TESTS).parts[0])
    lines = (TESTS / "slow_modules.txt").read_text().splitlines()
    places = {TESTS / line: place for place, line in enumerate(lines)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from the tests: each process collects all of them, and keeps them to its end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Scale the time after which a test that hangs is ended, before pytest-timeout reads it."""
    marker = item.get_closest_marker("timeout")
    seconds = marker.args[0] if marker else item.config.getoption("timeout") or item.config.getini("timeout")
    item.add_marker(pytest.mark.timeout(scaled(float(seconds))), append=False)
    return (yield)


@pytest.fixture(scope="session")
def store_process() -> Iterator[StoreProcess]:
    with running_store() as store:
        yield store


@pytest.fixture
async def store(store_process: StoreProcess) -> AsyncIterator[Redis]:
    client = open_store(store_process.url)
    await client.flushall()
    yield client
    await client.aclose()
