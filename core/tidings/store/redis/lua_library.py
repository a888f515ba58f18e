"""All scripts as one library of functions, whose definitions the store makes once and not in every call.

The store runs a script that it knows by its text (EVAL) whole each time: it makes each function again, which costs
several times what an empty batch otherwise would. It runs a library (FUNCTION LOAD) once, when it loads it; a call of
one of its functions (FCALL) runs that function alone. Both are made here from the same texts, as each statement at a
text's left margin is of one of three sorts:

- a function, or a constant (`local NAME = …`, in capitals): made once;
- a variable (`local name = …`): declared once where a function uses it, and set again by each call;
- any other statement: run by each call.

Source: https://redis.io/docs/latest/develop/programmability/functions-intro/
"""

import functools
import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

_WORD = re.compile(r"[A-Za-z_]\w*")
_VARIABLES = re.compile(r"local (?!function\b)(\w+(?:, *\w+)*)(?: *= *(.*))?", re.DOTALL)
_CONSTANT = re.compile(r"local [A-Z][A-Z0-9_]*\b")
_FUNCTION = re.compile(r"(?:local )?function\b")
_DEFINED = re.compile(r"local (?:function (\w+)|(\w+(?:, *\w+)*))")
_COMMENT = re.compile(r"(?:^|(?<=\s))--.*$", re.MULTILINE)
_FLAGS = re.compile(r"#!lua flags=([\w,-]+)\n")


MAX_COPIES = 3
"""A shared statement that no more scripts than these use stands in each of them."""


class LuaLibrary(NamedTuple):
    """What FUNCTION LOAD takes, and the name under which each script is then called."""

    text: str
    functions: dict[str, str]


class _Statement(NamedTuple):
    """One statement of a shared text."""

    text: str
    defined: frozenset[str] | None
    """The names that it defines; None: it defines none, and each script runs it."""

    words: frozenset[str]
    """The names that stand in it."""


class _Parts(NamedTuple):
    """One text, taken apart."""

    made_once: str
    each_call: str


def build_library(shared: str, scripts: Mapping[str, str]) -> LuaLibrary:
    """Return the library of some scripts.

    Its name and those of its functions hold a digest of the texts, so that releases of which some scripts differ stand
    side by side in one store.

    Args:
        shared: the text that every script may use; its statements run before each script.
        scripts: their texts without the shared one, by name; the first line may give flags.

    """
    digest = hashlib.sha1("\0".join((shared, *scripts, *scripts.values())).encode(), usedforsecurity=False)
    name = f"tidings_{digest.hexdigest()[:12]}"
    functions = {script: f"{name}_{script}" for script in scripts}
    bodies = {script: _FLAGS.sub("", text, count=1) for script, text in scripts.items()}
    common = _common(shared, bodies.values())
    # A script's own statements use the shared variables, so all of those are declared.
    parts = _take_apart("\n".join(common), declare_all=True)
    pieces = [
        f"#!lua name={name}",
        parts.made_once,
        f"local function begin(KEYS, ARGV)\n{parts.each_call}\nend",
    ]
    for script, text in scripts.items():
        flags = _FLAGS.match(text)
        listed = ", ".join(f"'{flag}'" for flag in flags[1].split(",")) if flags else ""
        copied = [one for one in _used(shared, bodies[script]) if one not in common]
        used, own = _take_apart("\n".join(copied), declare_all=True), _take_apart(bodies[script])
        pieces.append(
            f"(function()\n{used.made_once}\n{own.made_once}\n"
            f"redis.register_function{{ function_name = '{functions[script]}', flags = {{ {listed} }},\n"
            f"callback = function(KEYS, ARGV)\nbegin(KEYS, ARGV)\n{used.each_call}\n{own.each_call}\nend }}\nend)();"
        )
    return LuaLibrary("\n".join(pieces) + "\n", functions)


def keep_used(shared: str, body: str) -> str:
    """Return the statements of the shared text that a script uses, directly or through others.

    A script that the store knows by its text makes all of them in each call, and Lua allows 200 local variables.
    """
    return "\n".join(_used(shared, body)) + "\n"


def _used(shared: str, body: str) -> list[str]:
    """Return the statements of the shared text that `keep_used` keeps."""
    used = set(_words(body))
    kept: list[str] = []
    for statement in reversed(_shared_statements(shared)):  # what a statement uses stands before it
        if statement.defined is None or not used.isdisjoint(statement.defined):
            kept.append(statement.text)
            used |= statement.words
    return kept[::-1]


@functools.cache
def _words(body: str) -> frozenset[str]:
    """Return the names that stand in a script, read once: a script is compared with each of the shared texts."""
    return frozenset(_WORD.findall(_COMMENT.sub("", body)))


@functools.cache
def _shared_statements(shared: str) -> Sequence[_Statement]:
    """Return the statements of a shared text, read once: a process that starts compares each script with them."""
    return [
        _Statement(one, _names_defined(_DEFINED.match(one)), frozenset(_WORD.findall(one)))
        for one in _statements(shared)
    ]


def _names_defined(found: re.Match[str] | None) -> frozenset[str] | None:
    return None if found is None else frozenset(_WORD.findall(found[1] or found[2]))


def _common(shared: str, bodies: Collection[str]) -> dict[str, None]:
    """Return the statements of the shared text that stand in the library once, in their order.

    What few scripts use stands in each of them instead: Lua allows a function 200 local variables, and the shared text
    has about as many. What uses such a statement is used by no other scripts, so it stands with it.
    """
    users = Counter(statement for body in bodies for statement in _used(shared, body))
    return {one.text: None for one in _shared_statements(shared) if users[one.text] > MAX_COPIES}


def is_used(shared: str, body: str) -> bool:
    """Return whether a script uses anything that a text defines."""
    used = _words(body)
    return any(not used.isdisjoint(one.defined or ()) for one in _shared_statements(shared))


def _take_apart(text: str, *, declare_all: bool = False) -> _Parts:
    statements = _statements(text)
    definitions = [one for one in statements if _FUNCTION.match(one) or _CONSTANT.match(one)]
    used = set(_WORD.findall("\n".join(definitions)))
    once: list[str] = []
    each: list[str] = []
    for statement in statements:
        variables = _VARIABLES.fullmatch(statement)
        if _FUNCTION.match(statement) or _CONSTANT.match(statement):
            once.append(statement)
        elif variables and (declare_all or used.intersection(_WORD.findall(variables[1]))):
            once.append(f"local {variables[1]}")
            each.append(f"{variables[1]} = {variables[2] or 'nil'}")
        else:
            each.append(statement)
    return _Parts("\n".join(once), "\n".join(each))


def _statements(text: str) -> Sequence[str]:
    """Return the statements at the left margin, each with the lines that belong to it, without comments."""
    statements: list[list[str]] = []
    for line in _COMMENT.sub("", text).splitlines():
        if not line.strip():
            continue
        if not line[0].isspace() and not re.match(r"(?:end|else|elseif)\b|[)}\]]", line):
            statements.append([])
        statements[-1].append(line.rstrip())
    return ["\n".join(lines) for lines in statements]
