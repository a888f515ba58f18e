"""A service downstream, as the steps of the programs call it: it knows each call by its idempotency key.

What was undone under a key stays so: a call that comes late changes nothing, as with any service that takes such keys.
What a child does belongs to the step it is, too; so to undo that step undoes all that the child did.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """Everything that was done and undone, in the order in which it was."""

    done: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The key of each effect → the keys of the steps above it."""
    undone: dict[str, bool] = field(default_factory=dict)
    """The key of each step that was undone, in that order → whether what it returned was known."""
    calls: Counter[str] = field(default_factory=Counter)
    """How often each key was tried: `do` or `undo`, a space, and the key."""

    on_begin: Callable[[str, int], object] = lambda _token, _signals: None
    """Called when a program begins for the first time, with the number of the signals that it will take."""
    begun: set[str] = field(default_factory=set)

    def begin_anew(self, on_begin: Callable[[str, int], object]) -> None:
        """Forget everything."""
        for part in (self.done, self.undone, self.calls, self.begun):
            part.clear()
        self.on_begin = on_begin

    def begin(self, token: str, signals: int) -> None:
        """Take note that a program begins."""
        if token not in self.begun:
            self.begun.add(token)
            self.on_begin(token, signals)

    def try_again(self, verb: str, key: str, times: int) -> bool:
        """Return whether a call fails, of which the first `times` do."""
        self.calls[f"{verb} {key}"] += 1
        return self.calls[f"{verb} {key}"] <= times

    def do(self, key: str, above: list[str]) -> None:
        """Have an effect."""
        if not self.undone.keys() & {key, *above}:
            self.done.setdefault(key, tuple(above))

    def undo(self, key: str, *, known: bool) -> None:
        """Undo what was done under a key, and beneath it."""
        self.undone.setdefault(key, known)

    def stands(self, key: str) -> list[str]:
        """Return the effects of a step, and of what lies beneath it, that nothing has undone."""
        return [
            effect
            for effect, above in self.done.items()
            if key in (effect, *above) and not self.undone.keys() & {effect, *above}
        ]
