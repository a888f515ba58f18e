"""What `tidings.testing` needs beside the library: the packages of a worker, and for worlds those of a server."""

from collections.abc import Iterator
from contextlib import contextmanager

from .testing_errors import TestingError


@contextmanager
def extras(what: str) -> Iterator[None]:
    """Say how to install what the imports in the body lack.

    Args:
        what: who needs it, for people.

    Raises:
        TestingError: a package is not installed.

    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("tidings"):
            raise
        raise TestingError(f"{what} needs {error.name}, which is not installed: pip install 'tidings[dev]'") from error
