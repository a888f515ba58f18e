"""Printing a stream of a job as it comes: text as it is, anything else as a line of JSON."""

import sys
from typing import Any, TextIO

from rich.console import Console

from tidings.client import Handle, StreamReset
from tidings.logging.printable import printable, printable_json_line


class StreamOutput:
    """What has been printed of a stream: whether its last line has ended."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._in_line = False

    def write(self, chunk: Any) -> None:
        """Print a chunk. A terminal gets no character that it would obey; a file or a pipe gets the text itself."""
        text = chunk if isinstance(chunk, str) else f"{printable_json_line(chunk)}\n"
        if not text:
            return
        self._file.write(printable(text, lines=True) if self._file.isatty() else text)
        self._file.flush()
        self._in_line = not text.endswith("\n")

    def end_line(self) -> None:
        """End the line that has begun, if one has."""
        if self._in_line:
            self.write("\n")


async def print_stream(handle: Handle, name: str, console: Console) -> None:
    """Print a stream of a job to its end.

    Where a later attempt starts again, a line for people says so, and what counts is printed from its beginning.
    """
    reader, output = handle.stream(name), StreamOutput(sys.stdout)
    while True:
        try:
            async for chunk in reader:
                output.write(chunk)
            break
        except StreamReset as reset:
            output.end_line()
            console.print(f"[yellow]attempt {reset.attempt} starts again[/yellow]")
            for chunk in reader.chunks[: reset.keep]:
                output.write(chunk)
    output.end_line()
