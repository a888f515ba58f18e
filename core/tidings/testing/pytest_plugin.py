"""The fixtures that pytest finds where Tidings is installed: `tidings_world` and `tidings_server`.

Both serve the jobs that the fixture `tidings_jobs` names, which a test module or a `conftest.py` defines::

    @pytest.fixture
    def tidings_jobs():
        return jobs  # a module, its path, a job, or a list of these

A fixture `tidings_options` may name what these get besides, such as `{"state": FakeResources(), "lease_s": 5}`.

They are plain fixtures, and work beside every plugin for asynchronous tests.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tidings.testing.real_server import TestServer
    from tidings.testing.world import World


@pytest.fixture
def tidings_jobs() -> Any:
    """The jobs of this test's worlds and servers; to be defined by the test."""
    pytest.fail(
        "tidings_world and tidings_server serve what the fixture `tidings_jobs` names: define it here or in "
        "conftest.py, such as `def tidings_jobs(): return jobs`",
        pytrace=False,
    )


@pytest.fixture
def tidings_options() -> dict[str, Any]:
    """What worlds and servers get beside the jobs: `state`, `overrides` and settings; a test may define it."""
    return {}


@pytest.fixture
def tidings_world(tidings_jobs: Any, tidings_options: dict[str, Any]) -> "Iterator[World]":
    """A world of the test's jobs: the whole system, by a clock that the test holds."""
    from tidings.testing.world import World  # noqa: PLC0415 - only where it is used

    world = World(*_listed(tidings_jobs), **tidings_options).open()
    yield world
    world.close()


@pytest.fixture
def tidings_server(tidings_jobs: Any, tidings_options: dict[str, Any]) -> "Iterator[TestServer]":
    """A server of the test's jobs, on a free port: its `url` is for `Client`."""
    from tidings.testing.real_server import TestServer  # noqa: PLC0415 - only where it is used

    with TestServer(*_listed(tidings_jobs), **tidings_options) as server:
        yield server


def _listed(jobs: Any) -> "tuple[Any, ...]":
    return tuple(jobs) if isinstance(jobs, list | tuple | set | frozenset) else (jobs,)
