"""A system whose servers ask for tokens, for a module's tests."""

from collections.abc import Iterator

import pytest

from support.credential import JWT_SERVER, token
from support.system import System, running_system


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system(servers=0) as system:
        for _ in range(2):
            system.add_server(token("test"), **JWT_SERVER, TIDINGS_LOG_LEVEL="debug")
        yield system
