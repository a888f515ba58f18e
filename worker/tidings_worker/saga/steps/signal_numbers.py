"""Which signal of its name each step of a saga takes."""

from tidings.protocol.steps import StepType
from tidings_worker.saga.journal import Journal


class SignalNumbers:
    """The numbers of the signals that the steps of one attempt have taken, for each name, from 1."""

    def __init__(self) -> None:
        self._taken: dict[str, set[int]] = {}

    def take(self, name: str, journal: Journal) -> int:
        """Return the number of the first signal of a name that no step has taken, in this attempt or in the journal."""
        taken = self._taken.setdefault(name, set())
        for row in journal.rows.values():
            if row.head.type is StepType.SIGNAL and row.head.name == name and row.head.number:
                taken.add(row.head.number)
        number = 1
        while number in taken:
            number += 1
        taken.add(number)
        return number

    def give_back(self, name: str, number: int) -> None:
        """Leave a signal to another step: the one that waited for it waits no more."""
        self._taken[name].discard(number)
