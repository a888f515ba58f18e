"""Names in the files that `tidings types` writes. Texts of strangers become names, comments and texts, and no more."""

import re
from collections.abc import Collection

MAX_DOC = 300
"""Characters of a comment."""


class TypeNames:
    """Gives each thing a name of letters, digits and `_` that nothing else of the file has."""

    def __init__(self, taken: Collection[str]) -> None:
        self._taken = set(taken)

    def type_name(self, *texts: str) -> str:
        """Return a name for a type: `PriceInput` for `price`, `input`."""
        words = [word for text in texts for word in re.findall(r"[A-Za-z0-9]+", text)]
        name = "".join(word[:1].upper() + word[1:] for word in words)[:100]
        return self._free(name if name[:1].isalpha() else f"Kind{name}")

    def function_name(self, text: str) -> str:
        """Return a name for a function: `send_mail` for `send.mail`."""
        name = re.sub(r"[^A-Za-z0-9_]+", "_", text)[:100].strip("_")
        return self._free(name if name[:1].isalpha() else f"kind_{name}".rstrip("_"))

    def _free(self, name: str) -> str:
        found, number = name, 2
        while found in self._taken:
            found, number = f"{name}_{number}", number + 1
        self._taken.add(found)
        return found


def comment(text: str) -> str:
    """Return a text as one line that cannot end a comment: of letters and signs alone, in ASCII, and bounded."""
    words = " ".join(text.split())
    line = words if len(words) <= MAX_DOC else words[: MAX_DOC - 1] + "…"
    return re.sub(r"[^ -~]", lambda one: ascii(one[0])[1:-1], line).replace("*/", "* /")
