"""The checker: what a history must hold whatever went wrong meanwhile. Pure; each rule is one function.

Numbers first. Each job has one sequence of numbers, and each observer sees a rising part of it: an
event has one number; a snapshot covers all up to its own, and carries the log chunks among them. So
a number that an observer was never sent, and that no snapshot covered, was skipped, and only
progress may be.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from tidings.protocol.states import TERMINAL

from .history import (
    Acked,
    Asked,
    CancelAsked,
    Effect,
    Followed,
    Found,
    History,
    Left,
    Refused,
    Saw,
    Stored,
    Told,
)


class Violation(msgspec.Struct, frozen=True):
    """One thing that must not be."""

    rule: str
    about: str
    """A token, a key, or a place in the store."""
    text: str


Found_ = Iterator[Violation]
"""What a rule yields."""


class Sight:
    """What one observer was shown of one job, followed by the rules of numbers."""

    def __init__(self, observer: str, token: str) -> None:
        self.observer = observer
        self.token = token
        self.seq = 0
        self.chunks: list[tuple[int, Any]] = []
        self.skipped: set[int] = set()
        self.end: str = ""
        self.told_end = False
        """Whether a snapshot told the end, and its event has not come yet."""
        self.faults: list[tuple[str, str]] = []
        """Rule and text."""

    def saw(self, entry: Saw) -> None:
        """Take an event; the snapshot of a job that has ended is followed by its terminal event, once."""
        if self.told_end and (entry.event, entry.seq) == (self.end, self.seq):
            self.told_end = False
            return
        self._check_open(f"{entry.event} {entry.seq}")
        if not entry.known:
            self._fault("early", f"{entry.event} {entry.seq} came before the answer that names the job")
        if entry.seq <= self.seq:
            self._fault("order", f"{entry.event} {entry.seq} came after {self.seq}")
            return
        self.skipped.update(range(self.seq + 1, entry.seq))
        self.seq = entry.seq
        if entry.event == "log":
            self.chunks.append((entry.seq, entry.data))
        if entry.event in TERMINAL:
            self.end = entry.event

    def told(self, entry: Told) -> None:
        """Take a snapshot."""
        self._check_open(f"a snapshot at {entry.seq}")
        if entry.rewound or entry.seq < self.seq:
            self._fault("rewound", f"a snapshot at {entry.seq} came after {self.seq}: the store forgot")
        if entry.truncated:
            self._fault("missing-chunk", f"the log was truncated after {self.seq}")
        last = self.seq
        for seq, _ in entry.log:
            if not last < seq <= entry.seq:
                self._fault("order", f"chunk {seq} came after {last} in a snapshot at {entry.seq}")
            last = seq
        self.chunks.extend(entry.log)
        self.seq = max(self.seq, entry.seq)
        if entry.status in TERMINAL:
            self.end = entry.status
            self.told_end = True

    def _check_open(self, what: str) -> None:
        if self.end:
            self._fault("after-end", f"{what} came after {self.end}")

    def _fault(self, rule: str, text: str) -> None:
        self.faults.append((rule, text))


class Case:
    """A history, sorted for the rules."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.asked: dict[str, Asked] = {}
        self.tokens: dict[str, set[str]] = defaultdict(set)
        self.keys: dict[str, str] = {}
        self.found: dict[str, list[Found]] = defaultdict(list)
        self.sights: dict[tuple[str, str], Sight] = {}
        self.events: dict[tuple[str, int], Saw] = {}
        self.cancelled: set[str] = set()
        for entry in history.entries:
            self._sort(entry)

    def sight(self, observer: str, token: str) -> Sight:
        """Return what an observer was shown of a job."""
        key = (observer, token)
        if key not in self.sights:
            self.sights[key] = Sight(observer, token)
        return self.sights[key]

    def log(self, token: str) -> list[tuple[int, Any]]:
        """Return the job's log as it is found at the end."""
        return next((found.log for found in self.found[token]), [])

    def _sort(self, entry: object) -> None:
        match entry:
            case Asked():
                self.asked[entry.key] = entry
            case CancelAsked():
                self.cancelled.add(entry.token)
            case Acked():
                self.tokens[entry.key].add(entry.token)
                self.keys[entry.token] = entry.key
                sight = self.sight(entry.observer, entry.token)
                if not entry.duplicate:
                    sight.seq = max(sight.seq, entry.seq)
            case Followed():
                self.sight(entry.observer, entry.token)
            case Saw():
                self.events.setdefault((entry.token, entry.seq), entry)
                self.sight(entry.observer, entry.token).saw(entry)
            case Told():
                self.sight(entry.observer, entry.token).told(entry)
            case Found():
                self.found[entry.token].append(entry)
            case Stored() if entry.key:
                self.tokens[entry.key].add(entry.token)


def check(history: History) -> list[Violation]:
    """Return everything in a history that must not be."""
    case = Case(history)
    return [violation for rule in RULES for violation in rule(case)]


def _ends(case: Case) -> Found_:
    """Every acked job has one terminal state, the same for every observer and on every server."""
    told: dict[str, dict[str, str]] = defaultdict(dict)
    for (observer, token), sight in case.sights.items():
        if sight.end:
            told[token][observer] = sight.end
    for token in case.keys:
        states = {found.server: found.status for found in case.found[token]}
        for server, status in states.items():
            if status not in TERMINAL:
                yield Violation("lost", token, f"{server} says {status or 'nothing'} of an acked job")
        if not states:
            yield Violation("lost", token, "no server told of it at the end")
        if len({status for status in (*states.values(), *told[token].values()) if status in TERMINAL}) > 1:
            yield Violation("two-outcomes", token, f"{told[token] | states}")


def _outcomes(case: Case) -> Found_:
    """The result or problem is the same wherever it is told."""
    outcomes: dict[str, dict[str, Any]] = defaultdict(dict)
    for entry in case.history.entries:
        match entry:
            case Saw() if entry.event in TERMINAL:
                outcomes[entry.token].setdefault(_text(_outcome(entry)), entry.observer)
            case Told() if entry.status in TERMINAL:
                outcomes[entry.token].setdefault(_text(entry.outcome), entry.observer)
            case Found() if entry.status in TERMINAL:
                outcomes[entry.token].setdefault(_text(entry.outcome), entry.server)
    for token, different in outcomes.items():
        if len(different) > 1:
            yield Violation("two-outcomes", token, f"{different}")


def _expected(case: Case) -> Found_:
    """A job ends as its kind does, with the result of its own input."""
    for token, key in case.keys.items():
        asked = case.asked.get(key)
        for found in case.found[token] if asked else ():
            assert asked is not None
            allowed = {"failed"} if asked.kind == "refuse" else {"succeeded"}
            if token in case.cancelled:
                allowed.add("cancelled")
            if found.status in TERMINAL and found.status not in allowed:
                yield Violation("outcome", token, f"{asked.kind} ended as {found.status}: {found.outcome}")
            if found.status == "succeeded" and found.outcome != asked.input["number"]:
                yield Violation("outcome", token, f"the result of another job: {found.outcome}, not {asked.input}")


def _keys(case: Case) -> Found_:
    """No key made two jobs."""
    for key, tokens in case.tokens.items():
        if len(tokens) > 1:
            yield Violation("two-jobs", key, f"{sorted(tokens)}")
    for entry in case.history.entries:
        if isinstance(entry, Stored) and entry.key not in case.asked:
            yield Violation("two-jobs", entry.token, "the store holds a job that nobody asked for")


def _numbers(case: Case) -> Found_:
    """Numbers rise, and nothing follows the end."""
    for sight in case.sights.values():
        for rule, text in sight.faults:
            yield Violation(rule, sight.token, f"{sight.observer}: {text}")


def _heard(case: Case) -> Found_:
    """Whoever follows a job is told its end."""
    for (observer, token), sight in case.sights.items():
        if not sight.end:
            states = {found.status for found in case.found[token]}
            yield Violation("unheard", token, f"{observer} stands at {sight.seq}; the job is {states}")


def _changes(case: Case) -> Found_:
    """An observer may miss progress, and nothing else."""
    for (observer, token), sight in case.sights.items():
        for seq in sorted(sight.skipped):
            event = case.events.get((token, seq))
            if event is not None and event.event != "progress":
                yield Violation("missing-change", token, f"{observer} was never sent {event.event} {seq}")


def _log_chunks(case: Case) -> Found_:
    """Whoever followed to the end has every chunk of the log, in order, once."""
    for (observer, token), sight in case.sights.items():
        whole = case.log(token)
        if sight.end and case.found[token] and sight.chunks != whole:
            missing = sorted({seq for seq, _ in whole} - {seq for seq, _ in sight.chunks})
            yield Violation("missing-chunk", token, f"{observer} lacks {missing}; saw {len(sight.chunks)}")


def _runs(case: Case) -> Found_:
    """The chunks of one run of a handler are numbered without a hole, and runs do not mix."""
    for token in case.keys:
        last: dict[str, int] = {}
        order: list[str] = []
        for seq, chunk in case.log(token):
            run = chunk["run"]
            if chunk["n"] != last.get(run, -1) + 1:
                yield Violation("missing-chunk", token, f"chunk {chunk['n']} of {run} at {seq} after {last.get(run)}")
            last[run] = chunk["n"]
            if run in order and run != order[-1]:
                yield Violation("fence", token, f"{run} spoke at {seq}, after {order[-1]} had begun")
            if run not in order:
                order.append(run)
        asked = case.asked.get(case.keys[token])
        ended = any(found.status == "succeeded" for found in case.found[token])
        if ended and asked is not None and asked.kind == "chunks":
            whole = asked.input["count"] - 1
            if not order or last[order[-1]] != whole:
                yield Violation("missing-chunk", token, f"the run that succeeded logged up to {last}, not {whole}")


def _same(case: Case) -> Found_:
    """One number of one job is one event, whoever sees it."""
    for entry in case.history.entries:
        if isinstance(entry, Saw):
            first = case.events[entry.token, entry.seq]
            if (first.event, first.data) != (entry.event, entry.data):
                text = f"{first.observer} saw {first.event} and {entry.observer} {entry.event}"
                yield Violation("unlike", entry.token, f"at {entry.seq} {text}")


def _once(case: Case) -> Found_:
    """Every attempt that got past a `once` had the same value of it."""
    values: dict[str, set[str]] = defaultdict(set)
    for entry in case.history.entries:
        if isinstance(entry, Effect) and entry.what == "once":
            values[entry.token].add(_text(entry.value))
    for token, different in values.items():
        if len(different) > 1:
            yield Violation("once", token, f"{sorted(different)}")


def _worked(case: Case) -> Found_:
    """A job that succeeded was run to its end by somebody."""
    ended = {entry.token for entry in case.history.entries if isinstance(entry, Effect) and entry.what == "ended"}
    for token in case.keys:
        if any(found.status == "succeeded" for found in case.found[token]) and token not in ended:
            yield Violation("outcome", token, "it succeeded, and no handler came to its end")


def _left(case: Case) -> Found_:
    """Nothing is refused for good, and nothing waits at the end."""
    for entry in case.history.entries:
        match entry:
            case Left() if entry.count:
                yield Violation("left", entry.what, f"{entry.count} left")
            case Stored() if entry.status not in TERMINAL:
                yield Violation("left", entry.token, f"its record says {entry.status}")
            case Refused():
                yield Violation("refused", entry.what, f"{entry.observer}: {entry.problem}")


RULES: tuple[Callable[[Case], Found_], ...] = (
    _ends,
    _outcomes,
    _expected,
    _keys,
    _numbers,
    _heard,
    _changes,
    _log_chunks,
    _runs,
    _same,
    _once,
    _worked,
    _left,
)


def _outcome(entry: Saw) -> Any:
    data = entry.data or {}
    return data.get("result", data.get("problem"))


def _text(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
