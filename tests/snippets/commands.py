"""What a page's commands are in a reader's terminal: the page's own places become those of this machine."""

import re
from typing import TYPE_CHECKING, Any

from snippets.pages import Block
from tidings.process.port import free_port

if TYPE_CHECKING:
    from snippets.world import World

DEFAULT = "http://127.0.0.1:8700"
FAILS = {"docs/tutorial/first-job.md#4"}
"""Commands that end with 1, as the page says."""

SUBJECTS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "docs/tutorial/first-job.md": ("brew", {"cups": 60}, False),
    "docs/how-to/dead-letters.md": ("send_invoice", {}, True),
    "docs/how-to/http.md": ("echo", {"text": "hi"}, True),
}
"""Page → the job that `TOKEN` stands for, and whether it has ended."""

_PLACES = {
    "redis://store:6379/0": "STORE_URL",
    "https://tidings.example": "SERVER_URL",
    DEFAULT: "SERVER_URL",
    ".venv/bin/python": "python",
    "--host 127.0.0.1 --port 8700": "--host 127.0.0.1 --port PORT",
    "127.0.0.1 8000": "127.0.0.1 OTHER_PORT",
}


def prepare(world: "World", block: Block, text: str) -> str:
    """Return the commands of a block for bash."""
    text = commands_of(text)
    for place, instead in _PLACES.items():
        text = text.replace(place, instead)
    values = {
        "STORE_URL": world.store.url,
        "SERVER_URL": world.server.url,
        "OTHER_PORT": str(free_port()),
        "PORT": str(free_port()),
    }
    for name, value in values.items():
        text = re.sub(rf"\b{name}\b", value, text)
    if block.page in SUBJECTS:
        text = re.sub(r"(?<!\$)\bTOKEN\b", lambda _: subject(world), text)
    if block.name in FAILS:
        text = f"! {text}"
    return f"trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{text}"


def commands_of(text: str) -> str:
    """Return the commands of a block: all of it, or of a transcript what stands behind `$`."""
    lines = text.splitlines()
    if not any(line.startswith("$ ") for line in lines):
        return text
    commands, goes_on = [], False
    for line in lines:
        if goes_on or line.startswith("$ "):
            commands.append(line.removeprefix("$ "))
            goes_on = line.endswith("\\")
    return "\n".join(commands) + "\n"


def subject(world: "World") -> str:
    """Return the token of a job that the page's commands are about."""
    kind, value, ended = SUBJECTS[world.page]
    token = world.submit(kind, value)
    if ended:
        world.end(token)
    return token
