"""The consoles of the command line: they show control characters in texts of clients, workers and jobs as escapes."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.text import Text

from tidings.logging.printable import printable

PIPED_WIDTH = 200
"""Columns of a table that does not go to a terminal."""


class SafeConsole(Console):
    """A console that shows control characters in what it prints, instead of sending them to the terminal.

    The commands make texts printable themselves, so that a line stays one line and columns keep their width. This class
    catches what a command forgets.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render; see rich."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable(segment.text, lines=True), segment.style)


def open_console() -> Console:
    """Return the console for standard output; a pipe or a file gets wide lines instead of 80 columns."""
    console = SafeConsole(highlight=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = max(console.width, PIPED_WIDTH)
    return console


def error_console() -> Console:
    """Return the console for standard error. Our own texts have markup; texts of others go through `plain`."""
    return SafeConsole(stderr=True, highlight=False)


def plain(text: object) -> str:
    """Return a text of others as it may stand within markup: one line, without markup of its own."""
    return escape(printable(str(text)))


def cell(text: object, style: str = "") -> Text:
    """Return a text of others as it may stand in a table or a line."""
    return Text(printable(str(text)), style=style)
