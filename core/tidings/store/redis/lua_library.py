"""All scripts as one library of functions, whose definitions the store makes once and not in every call.

A script that is sent by its text (EVAL) is run whole each time: each of its functions is made anew, which costs the
store several times what an empty batch otherwise would. A library (FUNCTION LOAD) is run once, when it is loaded; a
call of one of its functions (FCALL) runs that function alone. Both are made here from the same texts, as what stands
at a text's left margin is of one of three sorts:

- a function, or a constant (`local NAME = …`, in capitals): made once;
- a variable (`local name = …`): declared once where a function uses it, and set anew by each call;
- any other statement: run by each call.

Source: https://redis.io/docs/latest/develop/programmability/functions-intro/
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_WORD = re.compile(r"[A-Za-z_]\w*")
_VARIABLES = re.compile(r"local (?!function\b)(\w+(?:, *\w+)*)(?: *= *(.*))?", re.DOTALL)
_CONSTANT = re.compile(r"local [A-Z][A-Z0-9_]*\b")
_FUNCTION = re.compile(r"(?:local )?function\b")
_COMMENT = re.compile(r"(?:^|(?<=\s))--.*$", re.MULTILINE)
_FLAGS = re.compile(r"#!lua flags=([\w,-]+)\n")


class LuaLibrary(NamedTuple):
    """What FUNCTION LOAD takes, and the name under which each script is then called."""

    text: str
    functions: dict[str, str]


class _Parts(NamedTuple):
    """One text, taken apart."""

    made_once: str
    each_call: str


def build_library(prelude: str, scripts: Mapping[str, str]) -> LuaLibrary:
    """Return the library of some scripts.

    Its name and those of its functions hold a digest of the texts, so that releases of which some scripts differ stand
    side by side in one store.

    Args:
        prelude: what every script may use; runs before each.
        scripts: their texts without the prelude, by name; the first line may give flags.

    """
    digest = hashlib.sha1("\0".join((prelude, *scripts, *scripts.values())).encode(), usedforsecurity=False)
    name = f"tidings_{digest.hexdigest()[:12]}"
    functions = {script: f"{name}_{script}" for script in scripts}
    # A script's own statements use the prelude's variables, so all of those are declared.
    shared = _take_apart(prelude, declare_all=True)
    pieces = [
        f"#!lua name={name}",
        shared.made_once,
        f"local function begin(KEYS, ARGV)\n{shared.each_call}\nend",
    ]
    for script, text in scripts.items():
        flags = _FLAGS.match(text)
        listed = ", ".join(f"'{flag}'" for flag in flags[1].split(",")) if flags else ""
        own = _take_apart(text.removeprefix(flags[0]) if flags else text)
        pieces.append(
            f"do\n{own.made_once}\n"
            f"redis.register_function{{ function_name = '{functions[script]}', flags = {{ {listed} }},\n"
            f"callback = function(KEYS, ARGV)\nbegin(KEYS, ARGV)\n{own.each_call}\nend }}\nend"
        )
    return LuaLibrary("\n".join(pieces) + "\n", functions)


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
    """Return what stands at the left margin, each with the lines that belong to it, without comments."""
    statements: list[list[str]] = []
    for line in _COMMENT.sub("", text).splitlines():
        if not line.strip():
            continue
        if not line[0].isspace() and not re.match(r"(?:end|else|elseif)\b|[)}\]]", line):
            statements.append([])
        statements[-1].append(line.rstrip())
    return ["\n".join(lines) for lines in statements]
