"""What the tests of chats share: the AI SDK, in one Node for each module."""

from collections.abc import Iterator

import pytest

from ai.sdk import Sdk, running_sdk


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    with running_sdk() as sdk:
        yield sdk
