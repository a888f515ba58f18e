"""A system whose servers ask for tokens, for a module's tests."""

from functools import partial

from support.credential import JWT_SERVER, token
from support.system import system_fixture

system = system_fixture(
    servers=2, credential=partial(token, "test"), server={**JWT_SERVER, "TIDINGS_LOG_LEVEL": "debug"}
)
