"""What `tidings.testing` raises.

::

    TestingError           a test uses it in a way that cannot work
    └── WorldStuckError    a world does not come where the test wants it; says what it does, or waits for
"""


class TestingError(RuntimeError):
    """A test uses `tidings.testing` in a way that cannot work; the text says what to do."""

    __test__ = False
    """Not a class of tests, though its name begins like one."""


class WorldStuckError(TestingError):
    """A world does not come where the test wants it: what it waits for never comes, or it does not come to rest."""
