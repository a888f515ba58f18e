"""A table of dead letters has whole tokens, at the width of any terminal: operators copy them."""

import io

import msgspec
import pytest
from rich.console import Console

from tidings.protocol.problems import Problem
from tidings.store.admin.dead_letter import DeadLetter
from tidings_cli.operate.dead_letters.letter_view import letter_table

SHOWN = "default.H2Q_8mNVJ5A1kiW4dtwsjA"
PROBLEM = Problem(type="", title="", status=500, detail="it could not be undone, " * 20, code="cancelled")
LETTER = DeadLetter(
    token=SHOWN, entry="1-1", died=0, kind="book_tour", version=1, queue="default", tier="standard", attempt=2,
    replays=0, owner="", correlation_id="", problem=PROBLEM, error="", traceback="",
    input=msgspec.Raw(b"{}"), history=[], milestones={},
)  # fmt: skip


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_token_stands_on_one_line_however_long_the_detail_is(width: int) -> None:
    text = io.StringIO()
    Console(file=text, width=width).print(letter_table([LETTER]))
    assert SHOWN in text.getvalue()
    assert "boo" in text.getvalue(), "the other columns have some width"
