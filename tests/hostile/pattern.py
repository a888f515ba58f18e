"""Whether a regular expression is linear in what it is given, seen from its structure. Pure.

A repeat without a bound is refused unless the expression cannot try a piece twice:

* it repeats one set of characters (a repeat within a repeat can split a text in many ways), or is possessive;
* what must come after it cannot begin with one of them (or a failure there tries every shorter repeat);
* something before it, or the beginning of the text, cannot be one of them, unless nothing follows that could fail (or
  `search` begins again within it).

This is stricter than need be; what it refuses is to be written otherwise.
"""

import re
from typing import Any

SMALL = 300
"""A repeat of at most so many counts as bounded."""

_parser: Any = vars(re)["_parser"]
_c: Any = vars(re)["_constants"]

NOTHING: frozenset[int] = frozenset()
"""Stands for the beginning of the text: no character is it."""

END, CONDITION = -1, -2
"""What may follow besides characters: nothing, and a condition, which may fail."""

ALL = frozenset(range(0x180))
"""The characters that are told apart; those beyond stand in for each other."""


def faults(pattern: "re.Pattern[Any]") -> list[str]:
    """Return why a pattern may take more than linear time."""
    found: list[str] = []
    _sequence(list(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)), frozenset({END}), [], found)
    return found


def _sequence(  # noqa: PLR0912 - one case for each element of an expression
    items: list[Any], after: frozenset[int], begun: list[frozenset[int]], found: list[str]
) -> None:
    """Judge items in a row; `begun` are the characters that come before them, and `after` may follow."""
    before = list(begun)
    for place, (op, argument) in enumerate(items):
        following = _first(items[place + 1 :], after)
        if op in (_c.MAX_REPEAT, _c.MIN_REPEAT, _c.POSSESSIVE_REPEAT):
            least, most, repeated = argument
            held = _set(list(repeated))
            if most is _c.MAXREPEAT or most > SMALL:
                keeps = op is _c.POSSESSIVE_REPEAT
                found += _faults_of_repeat(held, following, before, goes_back=not keeps)
                if keeps:
                    _sequence(list(repeated), following | (held or ALL), before, found)
            else:
                _sequence(list(repeated), following, before, found)
            if least:
                before.append(held if held is not None else ALL)
        elif op is _c.SUBPATTERN:
            _sequence(list(argument[3]), following, before, found)
            before.append(_set(list(argument[3])) or ALL)
        elif op is _c.BRANCH:
            for branch in argument[1]:
                _sequence(list(branch), following, before, found)
        elif op is _c.AT:
            if argument in (_c.AT_BEGINNING, _c.AT_BEGINNING_STRING):
                before.append(NOTHING)
        elif op in (_c.ASSERT, _c.ASSERT_NOT):
            continue
        elif (one := _set([(op, argument)])) is not None:
            before.append(one)
        else:
            found.append(f"{op} is not known here")


def _faults_of_repeat(
    held: frozenset[int] | None, following: frozenset[int], before: list[frozenset[int]], *, goes_back: bool
) -> list[str]:
    if held is None and goes_back:
        return ["a repeat of more than one set of characters"]
    found = []
    if held is not None and held & following and goes_back:
        found.append("what follows a repeat may be of the same characters")
    may_fail = END not in following or CONDITION in following
    if may_fail and not any(not ((held or ALL) & one) for one in before):
        found.append("a search may begin within a repeat")
    return found


def _first(items: list[Any], after: frozenset[int]) -> frozenset[int]:
    """Return with which characters what follows can begin."""
    begins: frozenset[int] = frozenset()
    for op, argument in items:
        if op in (_c.AT, _c.ASSERT, _c.ASSERT_NOT):
            begins |= {CONDITION}
            continue
        if op in (_c.MAX_REPEAT, _c.MIN_REPEAT, _c.POSSESSIVE_REPEAT):
            least, _, repeated = argument
            begins |= _first(list(repeated), frozenset())
            if least:
                return begins
        elif op is _c.SUBPATTERN:
            return begins | _first(list(argument[3]), frozenset())
        elif op is _c.BRANCH:
            return begins | frozenset().union(*(_first(list(branch), frozenset()) for branch in argument[1]))
        else:
            return begins | (_set([(op, argument)]) or ALL)
    return begins | after


def _set(items: list[Any]) -> frozenset[int] | None:  # noqa: PLR0911 - one for each element of a set
    """Return the set of characters that is all there is to an item; None: there is more to it."""
    if len(items) != 1:
        return None
    op, argument = items[0]
    if op is _c.SUBPATTERN:
        return _set(list(argument[3]))
    if op is _c.ANY:
        return ALL
    if op is _c.LITERAL:
        return frozenset({min(argument, 0x17F)})
    if op is _c.NOT_LITERAL:
        return ALL - {argument}
    if op is not _c.IN:
        return None
    held: set[int] = set()
    for kind, value in argument:
        if kind is _c.LITERAL:
            held.add(min(value, 0x17F))
        elif kind is _c.RANGE:
            held.update(range(value[0], min(value[1], 0x17F) + 1) or {0x17F})
        elif kind is _c.CATEGORY:
            form = {_c.CATEGORY_DIGIT: r"\d", _c.CATEGORY_SPACE: r"\s", _c.CATEGORY_WORD: r"\w"}
            negated = {_c.CATEGORY_NOT_DIGIT: r"\D", _c.CATEGORY_NOT_SPACE: r"\S", _c.CATEGORY_NOT_WORD: r"\W"}
            one = re.compile({**form, **negated}[value], re.ASCII)
            held.update(number for number in ALL if one.match(chr(number)))
    return ALL - held if argument[0][0] is _c.NEGATE else frozenset(held)
