"""Memory that a worker shares with one child process, for large inputs and results.

Through the link between them a megabyte takes some ten turns of both event loops, as its buffers in the kernel are
small. It lies in a file without a name instead, which has no disk behind it: the kernel frees it when the last of the
two processes is gone, however they end. A child has one input and one result at a time, so there is a file for each.

Source: https://man7.org/linux/man-pages/man2/memfd_create.2.html
"""

import os
import tempfile
from typing import Final, NamedTuple, Self

SHARED_BYTES: Final = 131_072
"""From this size on a value is shared; a smaller one costs less in the message itself."""

KEPT_BYTES: Final = 4_194_304
"""What a file may keep for the next value; a larger one is given back to the kernel."""


class SharedFile:
    """One such file, in either process."""

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    @classmethod
    def make(cls) -> Self:
        """Make one.

        Raises:
            OSError: there is none to be had.

        """
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create("tidings-values", os.MFD_CLOEXEC))
        with tempfile.TemporaryFile() as file:  # systems other than Linux have no file without a disk
            return cls(os.dup(file.fileno()))

    def write(self, value: bytes) -> bool:
        """Put a value there; the one before has been read. Return whether there is memory for it."""
        view, at = memoryview(value), 0
        try:
            while at < len(view):
                at += os.pwrite(self.fd, view[at:], at)
        except OSError:
            return False
        return True

    def read(self, size: int, most: int) -> bytes:
        """Return the value of so many bytes that lies there, and keep no more room than `KEPT_BYTES`.

        Args:
            size: as the other process says.
            most: which it may have.

        Raises:
            OSError: it cannot be read.
            ValueError: it is larger, or less is there.

        """
        value = os.pread(self.fd, size, 0) if 0 < size <= most else b""
        if len(value) != size:
            raise ValueError(f"{len(value)} of {size} bytes are there")
        if size > KEPT_BYTES:
            os.ftruncate(self.fd, 0)
        return value

    def close(self) -> None:
        """Let go of it; what reads it then fails."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


class SharedMemory(NamedTuple):
    """What a worker and one child share."""

    inputs: SharedFile
    """Written by the worker."""
    results: SharedFile
    """Written by the child."""

    @classmethod
    def make(cls) -> "SharedMemory":
        """Make it.

        Raises:
            OSError: there is none to be had.

        """
        inputs = SharedFile.make()
        try:
            return cls(inputs, SharedFile.make())
        except OSError:
            inputs.close()
            raise

    def close(self) -> None:
        """Let go of it."""
        self.inputs.close()
        self.results.close()
