"""Patterns: what a server's engine and Python read alike, and what is refused with what to write instead."""

import re

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.schema.pattern import check_pattern


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        (r"\AX\Z", r"write '^X$'"),
        (r"a\z", r"write 'a$'"),
        ("^a{,3}$", r"write '^a{0,3}$'"),
        (r"(?P<n>a)(?P=n)", "without the named reference"),
        ("(?>a)b", "write `(?:`"),
        (r"\N{BULLET}", "the character itself"),
        ("(?#why)a", "without the comment"),
        ("(a)?(?(1)b|c)", "alternatives"),
        ("(?x) a b", "without blanks"),
        ("(?a)x", "without this flag"),
        ("(?<n>a)", "`(?P<name>`"),
        ("a++", "without its second"),
        ("a*+", "without its second"),
        ("a{2}+", "without its"),
        ("a{", r"`\{`"),
        ("a}", r"`\}`"),
        (r"\012", r"`\x`"),
        (r"\e", "without its backslash"),
        (r"[\b]", "without its backslash"),
        (r"\<b", "write `<`"),
        ("[[:alpha:]]", r"`\[`"),
        ("[]a]", r"`\]`"),
        ("[a&&b]", "intersection"),
        ("[a--b]", "difference"),
        ("[a", "`]` is missing"),
        ("(a", "`)` is missing"),
        (r"\u12", "4 hexadecimal digits"),
        ("(?:a{1000}){1000}", "max_length"),
        ("(?=a)*b", "repeats nothing"),
        ("(?:)?b", "repeats nothing"),
    ],
)
def test_what_a_server_reads_otherwise_is_refused_with_what_to_write(pattern: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "", "^a$", "^[A-Za-z_][A-Za-z0-9_.-]{0,127}$(?!\n)", r"^\d{4}-\d\d$", "(a|b)*?c+?", "(?i)abc", "(?s:.)",
        r"(a)\1", "(?=a)(?!b)(?<=c)(?<!d)", "(?P<year>[0-9]{4})", r"\x41\u00e9", r"[^\]\\-]", r"\\A", r"\.\/\-",
        r"\bx\B",
    ],
)  # fmt: skip
def test_what_both_read_alike_passes(pattern: str) -> None:
    check_pattern(pattern)
    re.compile(pattern)
    jsonschema_rs.validator_for({"pattern": pattern})


@given(st.text(st.sampled_from(r"ab01\dwsAZNxu{}[]()?+*|^$.,:=!<>P&-~#i"), max_size=12), st.text("ab01-", max_size=6))
def test_what_passes_the_engine_takes_and_reads_as_python_does(pattern: str, text: str) -> None:
    try:
        check_pattern(pattern)
        pythons = re.compile(pattern)
    except (ValueError, re.error, OverflowError):
        return
    engine = jsonschema_rs.validator_for({"pattern": pattern})
    assert engine.is_valid(text) == (pythons.search(text) is not None)
