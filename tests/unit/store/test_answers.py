"""The enums of answers hold every word that the scripts may answer, and no other."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

import tidings.store
from tidings.store.answers import (
    BreakerAnswer,
    CancelAnswer,
    FenceAnswer,
    ForgetAnswer,
    JournalAnswer,
    LeaseAnswer,
    ReportAnswer,
    SignalAnswer,
    SubmitAnswer,
    WakeAnswer,
)

LUA = Path(tidings.store.__file__).parent / "lua"

WORD = re.compile(r"(?:\breturn|\band|\bor|\breply =)(?: nil,)?(?: \{)? '([a-z_]+)'")
"""A word that a function returns, alone or first in an array."""

OTHER_WORDS = {
    "submit": {"fallback", "shed", "unknown"},
    "report": {"log", "progress"},
    "wake": {"running", "succeeded", "failed", "compensating", "compensated", "compensation_failed"},
}
"""Words that stand in such places and are no answers."""


ALSO_OF = {"submit": (LUA / "jobs" / "claim.lua", LUA / "lib" / "waiting" / "earlier.lua")}
"""Other texts that answer with the words of an enum."""


def words_of(script: str) -> set[str]:
    """Return the answers in a script's text."""
    (path,) = LUA.glob(f"*/{script}.lua")
    text = "\n".join(one.read_text(encoding="utf-8") for one in (path, *ALSO_OF.get(script, ())))
    code = "\n".join(line.partition("--")[0] for line in text.splitlines())
    return set(WORD.findall(code)) - OTHER_WORDS.get(script, set())


@pytest.mark.parametrize(
    ("script", "answers"),
    [
        ("submit", SubmitAnswer),
        ("cancel", CancelAnswer),
        ("forget", ForgetAnswer),
        ("signal", SignalAnswer),
        ("report", ReportAnswer),
        ("beat", LeaseAnswer),
        ("once", FenceAnswer),
        ("step", JournalAnswer),
        ("wake", WakeAnswer),
        ("breaker", BreakerAnswer),
    ],
)
def test_an_enum_has_the_words_of_its_script(script: str, answers: type[StrEnum]) -> None:
    assert words_of(script) == {str(answer) for answer in answers}


def test_a_read_of_a_journal_answers_with_words_of_its_enum() -> None:
    assert words_of("journal") < {str(answer) for answer in JournalAnswer}
