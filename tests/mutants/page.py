"""The mutants as docs/explanation/reliability.md lists them."""

from .table import MUTANTS


def list_mutants() -> str:
    """Return the table of the page: each mutant and the tests that must notice."""
    rows = [f"| {mutant.name} | {', '.join(map(_link, mutant.tests))} |" for mutant in MUTANTS]
    return "\n".join(["| what is broken | what must notice |", "|---|---|", *rows, ""])


def _link(test: str) -> str:
    file, _, name = test.partition("::")
    return f"[`{name or file.rpartition('/')[2]}`](../../{file})"
