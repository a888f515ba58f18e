"""The Dockerfile as tests read it: its stages, each with its instructions."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FOLDER = "/opt/tidings"
"""Where the image has Tidings."""


class Instruction(NamedTuple):
    """One line of a Dockerfile, continued lines joined."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The words of its JSON form, or those between blanks."""
        if self.text.startswith("["):
            words: list[str] = json.loads(self.text)
            return words
        return self.text.split()


def stages(text: str) -> list[list[Instruction]]:
    """Return the stages of a Dockerfile, each from its FROM on."""
    plain = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    found: list[list[Instruction]] = []
    for line in filter(None, map(str.strip, plain.splitlines())):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            found.append([])
        found[-1].append(Instruction(name, " ".join(rest.split())))
    return found


class Image:
    """What the last stage says of a container's process."""

    def __init__(self, text: str) -> None:
        self.build, self.final = stages(text)

    def last(self, name: str) -> Instruction:
        """Return the last instruction of a name, which holds."""
        return [one for one in self.final if one.name == name][-1]

    @property
    def environment(self) -> dict[str, str]:
        """Its variables, without what the base image has: `$PATH` is taken off."""
        pairs = (pair.partition("=") for one in self.final if one.name == "ENV" for pair in one.words)
        return {name: value.removesuffix(":$PATH") for name, _, value in pairs}

    @property
    def user(self) -> tuple[int, int]:
        """User and group, numbers."""
        user, _, group = self.last("USER").text.partition(":")
        return int(user), int(group)

    @property
    def health_check(self) -> list[str]:
        """The command of the health check."""
        return Instruction("CMD", self.last("HEALTHCHECK").text.partition(" CMD ")[2]).words

    def command(self, *arguments: str) -> list[str]:
        """Return what a container runs: the entry point, with arguments, or without with those of the image."""
        return [*self.last("ENTRYPOINT").words, *(arguments or self.last("CMD").words)]


def image() -> Image:
    """Return the image of this repository."""
    return Image((ROOT / "Dockerfile").read_text())


def merged(*parts: Mapping[str, str]) -> dict[str, str]:
    """Return some environments as one; later parts win."""
    return {name: value for part in parts for name, value in part.items()}
