"""How a mutant differs from the sound source: small changes of a symbol that read like sentences.

A symbol is named, not the file in which it stands, and a fragment of it is found however its lines are broken: who
moves a file or formats it anew changes no mutant.

    python("Voice.say").swap("loud=True", "loud=False")
    lua("report:write").never("held ~= fence")
    script("release").drop("redis.call('DEL'")

A fragment is as short as it can be while it stands once in its symbol, and no shorter than it can be understood.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .fault import DoesNotApplyError
from .fragment import find_once, tokens
from .language import Language, Span
from .symbol import JAVASCRIPT, LUA, PYTHON, Place, Symbol


@dataclass(frozen=True)
class Change:
    """One replacement in one symbol."""

    symbol: Symbol
    fragment: str
    """Must stand once in the symbol."""
    new: str
    """Its later lines are indented as the first will be."""
    widen: Callable[[str, Span], Span] | None = None
    """Which part around the fragment is replaced; without it, the fragment alone."""

    def make(self, root: Path) -> "Made":
        """Return what it makes of a tree's file.

        Raises:
            DoesNotApplyError: the symbol or the fragment is not there, or not once, or nothing would change.

        """
        place = self.symbol.find(root)
        try:
            start, end = self._part(place)
        except DoesNotApplyError as error:
            raise DoesNotApplyError(f"{self.symbol}: {error}") from error
        margin = start - place.text.rfind("\n", 0, start) - 1
        new = self.new.replace("\n", "\n" + " " * margin)
        broken = place.text[:start] + new + place.text[end:]
        if tokens(broken) == tokens(place.text):
            raise DoesNotApplyError(f"{self.symbol}: {self.fragment!r} is what it would become")
        return Made(place, broken)

    def _part(self, place: Place) -> Span:
        """Return what is replaced: the fragment, or what holds it."""
        part = Span(*find_once(self.fragment, place.text, *place.span))
        if self.widen:
            part = self.widen(place.text, part)
        if part.start < place.span.start or part.end > place.span.end:
            raise DoesNotApplyError(f"what holds {self.fragment!r} is not all in it")
        return part


@dataclass(frozen=True)
class Made:
    """A file that a mutant has changed."""

    place: Place
    broken: str


@dataclass(frozen=True)
class Target:
    """The symbol that a mutant changes; each method returns one way to change it."""

    symbol: Symbol

    def swap(self, old: str, new: str) -> Change:
        """Put one fragment in the place of another."""
        return Change(self.symbol, old, new)

    def cut(self, fragment: str) -> Change:
        """Take a fragment out."""
        return Change(self.symbol, fragment, "")

    def drop(self, fragment: str) -> Change:
        """Take out the whole statement that holds a fragment (in Lua: that begins with it)."""
        return Change(self.symbol, fragment, self._language.nothing, self._language.statement)

    def replace(self, fragment: str, new: str) -> Change:
        """Put statements in the place of the one that holds a fragment (in Lua: that begins with it)."""
        return Change(self.symbol, fragment, new, self._language.statement)

    def always(self, fragment: str) -> Change:
        """Let the condition that holds a fragment be true."""
        return Change(self.symbol, fragment, self._language.true, self._language.condition)

    def never(self, fragment: str) -> Change:
        """Let the condition that holds a fragment be false."""
        return Change(self.symbol, fragment, self._language.false, self._language.condition)

    @property
    def _language(self) -> Language:
        return self.symbol.language


def python(name: str) -> Target:
    """Return the target of a name: `Class.method`, `function` or `CONSTANT`; `file:function` where several have it."""
    return _target(PYTHON, name)


def lua(name: str) -> Target:
    """Return the target of a function or constant of the store's scripts, or `script:function`."""
    return _target(LUA, name)


def script(name: str) -> Target:
    """Return a whole script of the store, for what it does outside its functions."""
    return Target(Symbol(LUA, name, ""))


def javascript(name: str) -> Target:
    """Return the target of a name of the pages' scripts: `Class.method` or `function`, or `file:function`."""
    return _target(JAVASCRIPT, name)


def _target(language: Language, name: str) -> Target:
    file, _, defined = name.rpartition(":")
    return Target(Symbol(language, file, defined))
