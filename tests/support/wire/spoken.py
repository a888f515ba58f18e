"""A store that says what a test has it say: for answers that come in pieces, late, or never."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import hiredis

from support.timeouts import scaled

Say = Callable[["Line", list[bytes]], None]
"""Gets the connection and a command; writes what it wants to, when it wants to."""


class Line:
    """One connection to it."""

    def __init__(self, number: int, writer: asyncio.StreamWriter) -> None:
        self.number = number
        """Counted from 1."""
        self.commands: list[list[bytes]] = []
        """What came, but for the client's introduction of itself."""
        self.ended = asyncio.Event()
        """Whether the client has closed it."""
        self._writer = writer

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._writer.write(data)

    async def end(self) -> None:
        """Return when the client has closed it."""
        async with asyncio.timeout(scaled(10)):
            await self.ended.wait()

    def close(self) -> None:
        """End the connection."""
        self._writer.close()


class Spoken:
    """The store: what came over its connections."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.lines: list[Line] = []
        self.url = ""
        self._came = asyncio.Event()

    async def until(self, commands: int) -> list[list[bytes]]:
        """Return what came over all connections once it is so many commands."""
        while len(found := [command for line in self.lines for command in line.commands]) < commands:
            self._came.clear()
            async with asyncio.timeout(scaled(10)):
                await self._came.wait()
        return found

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Attend to one connection."""
        line = Line(len(self.lines) + 1, writer)
        self.lines.append(line)
        parser = hiredis.Reader()
        try:
            while data := await reader.read(65_536):
                parser.feed(data)
                while (command := parser.gets()) is not False:
                    if command[0] == b"CLIENT":
                        line.write(b"+OK\r\n")
                        continue
                    line.commands.append(command)
                    self.say(line, command)
                    self._came.set()
        except OSError:
            pass  # it was reset, which is an end as well
        finally:
            line.ended.set()
            writer.close()


@asynccontextmanager
async def speaking(say: Say) -> AsyncIterator[Spoken]:
    """Run such a store around the body."""
    spoken = Spoken(say)
    server = await asyncio.start_server(spoken.serve, "127.0.0.1", 0)
    spoken.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    try:
        yield spoken
    finally:
        server.close()
        for line in spoken.lines:
            line.close()
            await line.ended.wait()
