"""Headers that are structured fields.

Source: RFC 9651, section 3.3.3; draft-ietf-httpapi-idempotency-key-header, section 2.1
"""

import re

_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]++|\\["\\])*+)"(?: *+;.*+)?')
_ESCAPED = re.compile(r'\\(["\\])')


def plain_text(header: str) -> str:
    """Return what a header says, without the quotes of a structured field: `"order-17"` is the same as `order-17`.

    Parameters behind the closing quote mean nothing. A header that begins with a quote and is no such field is returned
    as it is.
    """
    string = _QUOTED.fullmatch(header) if header.startswith('"') else None
    return _ESCAPED.sub(r"\1", string[1]) if string else header
