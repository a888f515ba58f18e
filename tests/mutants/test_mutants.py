"""The list of mutants cannot rot: each can still be made, and its tests are there."""

import ast
from pathlib import Path

import pytest

from mutants.mutant import Mutant
from mutants.table import MUTANTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_can_still_be_made(mutant: Mutant) -> None:
    made = mutant.change.make(ROOT)
    assert made.broken != made.place.text
    if made.place.file.suffix == ".py":
        ast.parse(made.broken)
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert (f"def {name}" if file.endswith(".py") else "\ntest(") in (ROOT / file).read_text()


def test_no_two_mutants_have_one_name() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
