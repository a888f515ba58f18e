"""Nothing that mypyc cannot keep is compiled: it would fail in a compiled wheel alone, and partly without an error."""

import ast
from collections.abc import Iterator
from pathlib import Path

from support.compiled import ROOT, compiled_modules

SHIPPED = ("core", "server", "worker")
LISTED = compiled_modules()

MADE_ONLY = {"AdmittedJob", "SubmittedJob"}
"""Structs that are made and never decoded: mypyc keeps only `list` of a field's `list[int]`, and msgspec reads it."""

PLAIN_BASES = {
    "BufferedProtocol",
    "Enum",
    "Exception",
    "ValueError",
    "ProblemError",
    "NamedTuple",
    "Protocol",
    "Generic",
    "Struct",
}
"""Bases outside the list that a class of a compiled module may have."""


def classes(module: Path) -> Iterator[tuple[str, list[str]]]:
    """Return each class of a module with the names of its bases."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
            yield node.name, [ast.unparse(base).rpartition(".")[2] for base in bases]


COMPILED = {name: (module, bases) for module in LISTED for name, bases in classes(ROOT / module)}


def test_the_list_is_in_order_and_names_files() -> None:
    assert sorted(LISTED) == LISTED
    assert [module for module in LISTED if not (ROOT / module).is_file()] == []


def test_no_interpreted_class_inherits_from_a_compiled_one() -> None:
    found = {
        f"{module.relative_to(ROOT)}: {name} of {base}"
        for part in SHIPPED
        for module in (ROOT / part).rglob("*.py")
        if module.relative_to(ROOT).as_posix() not in LISTED
        for name, bases in classes(module)
        for base in bases
        if base in COMPILED
    }
    assert found == set()


def test_a_compiled_class_has_no_base_of_another_layout() -> None:
    # `Protocol` and `BufferedProtocol` of asyncio are plain Python without attributes; `Future` is C, and a class on it
    # ends in SIGSEGV.
    found = {
        f"{name} of {base}"
        for name, (_, bases) in COMPILED.items()
        for base in bases
        if base not in COMPILED and base not in PLAIN_BASES
    }
    assert found == set()


def test_no_compiled_module_declares_what_msgspec_decodes() -> None:
    assert {name for name, (_, bases) in COMPILED.items() if "Struct" in bases} <= MADE_ONLY
