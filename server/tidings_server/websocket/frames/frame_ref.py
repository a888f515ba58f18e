"""The `ref` of a frame that no parser takes, so that its refusal reaches the call that it answers.

A frame is refused for one broken text in it, or for its depth; its `ref` is as a rule quite readable. It is looked for
among the members of the outermost object, over as few tokens as a real client's frame has: each is found in time linear
in its length, whatever it holds, and after `MAX_TOKENS` the search is given up.
"""

import re

MAX_TOKENS = 2_000
"""Strings and runs of brackets that are looked at."""

# A string that does not end is one token to the end of the text: no place is read twice. `++` never goes back.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[\[{]++|[\]}]++', re.DOTALL)
_NUMBER = re.compile(r"[ \t\r\n]*+:[ \t\r\n]*+([0-9]{1,16})(?![0-9.eE])")
_NAME = '"ref"'


def find_ref(text: str) -> int | None:
    """Return the number under `ref` in the outermost object of a text that is nearly JSON; None: none is seen."""
    depth = 0
    for count, token in enumerate(_TOKEN.finditer(text)):
        if count == MAX_TOKENS:
            return None
        start, end = token.span()
        match text[start]:
            case '"':
                number = _NUMBER.match(text, end) if depth == 1 and text[start:end] == _NAME else None
                if number is not None:
                    return int(number[1])
            case "[" | "{":
                depth += end - start
            case _:
                depth -= end - start
    return None
