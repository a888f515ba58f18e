"""The glossary and the code say the same: our words occur there, and names are made of them and of plain English."""

import ast
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "glossary.md"
PACKAGES = ("core", "server", "worker")

PLAIN = frozenset((Path(__file__).parent / "plain_words.txt").read_text().split())
"""Plain English of programming, of the web and of what we build on: words that mean here what they mean everywhere."""

Term = tuple[str, str]
"""A word of ours, and what it is said of where the page says so: `("replay", "of a letter")`."""


@cache
def terms() -> dict[Term, str]:
    """Return what the page says of each word."""
    rows = re.findall(r"^\| \*\*(.+?)\*\*(?: \((.+?)\))? \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    found = {(word, of_what): meaning for word, of_what, meaning in rows}
    assert len(found) == len(rows), "the glossary has a word twice: say in parentheses of what, or give it one meaning"
    return found


@cache
def said() -> frozenset[str]:
    """Return the words, and the pairs of words, of all that is shipped, in lower case; joints of names part words."""
    files = [path for folder in PACKAGES for end in ("py", "lua") for path in sorted((ROOT / folder).rglob(f"*.{end}"))]
    files += sorted((ROOT / "static").rglob("*.js"))
    text = "\n".join(path.read_text() for path in files)
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())
    return frozenset(words) | {f"{word} {after}" for word, after in pairwise(words)}


def names() -> dict[str, str]:
    """Return the parts of all names of modules, packages and classes, each with one name that has it."""
    found: dict[str, str] = {}
    for folder in PACKAGES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = path.parent.name if path.stem == "__init__" else path.stem
            classes = [node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
            for name in (module, *classes):
                for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name):
                    found.setdefault(part.lower(), f"{name} in {path.relative_to(ROOT)}")
    return found


def singulars(part: str) -> set[str]:
    """Return what a part may be the plural of, itself among it."""
    return {part, part.removesuffix("s"), part.removesuffix("es"), re.sub("ies$", "y", part)}


@pytest.mark.parametrize("word", sorted({word for word, _ in terms()}))
def test_each_word_of_the_glossary_occurs_in_the_code(word: str) -> None:
    head, _, rest = word.lower().replace("-", " ").partition(" ")
    # "handed back" is "hand back", and "dead letters" is "dead letter"
    forms = {f"{head}{ending} {rest}".strip() for ending in ("", "s", "d", "ed", "es", "ing")}
    assert (forms | {f"{form}s" for form in forms}) & said(), (
        f"no shipped source says {word!r}: take it out of {PAGE.relative_to(ROOT)}"
    )


def test_each_word_has_one_sentence() -> None:
    long = [word for (word, _), meaning in terms().items() if ". " in meaning or meaning.endswith(".")]
    assert not long, f"say these in one sentence, without a full stop: {long}"


def test_names_are_made_of_words_of_the_glossary_and_of_plain_english() -> None:
    ours = {part for word, _ in terms() for part in re.split("[ -]", word.lower())}
    unknown = {part: name for part, name in names().items() if not singulars(part) & (ours | PLAIN)}
    assert not unknown, (
        "These words of names are neither in docs/reference/glossary.md nor in PLAIN of this test:\n"
        + "".join(f"  {part}: {name}\n" for part, name in sorted(unknown.items()))
        + "Does the field have a word for it? Rename. Is it a word of ours? Give it a row in the glossary. "
        "Does any programmer know it? Add it to PLAIN."
    )


def test_a_word_of_ours_is_not_called_plain_english_too() -> None:
    both = sorted({word for word, _ in terms()} & PLAIN)
    assert not both, f"these stand in the glossary: take them out of PLAIN of this test: {both}"
