"""The shipped Python packages as their sources say them, read by Griffe: nothing is imported, not even Django.

Source: https://mkdocstrings.github.io/griffe/
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import griffe

ROOT = Path(__file__).parents[2]

_FIELD = re.compile(r"Field\((?:(?P<default>[^,=]+), )?description=(?P<text>(['\"]).*\3)\)$")
"""A field of a Pydantic model."""

Found = griffe.Class | griffe.Function | griffe.Attribute


@cache
def _modules() -> griffe.ModulesCollection:
    loader = griffe.GriffeLoader(
        search_paths=[ROOT / "core", ROOT / "server"],
        docstring_parser=griffe.Parser.google,
        docstring_options={"returns_named_value": False, "returns_multiple_items": False, "warnings": False},
    )
    for package in ("tidings", "tidings_cli", "tidings_server"):
        loader.load(package)
    loader.resolve_aliases(implicit=True)
    return loader.modules_collection


def found(path: str) -> Found:
    """Return what a program imports as `package.name`.

    Raises:
        KeyError: there is no such name.

    """
    one = _modules()[path]
    target = one.final_target if isinstance(one, griffe.Alias) else one
    if isinstance(target, griffe.Module):  # a function that is named as its module
        target = target[target.name]
    assert isinstance(target, griffe.Class | griffe.Function | griffe.Attribute), path
    return target


def exported(package: str) -> list[str]:
    """Return the names of a package's `__all__`."""
    module = _modules()[package]
    return sorted(str(name) for name in module.exports or ())


def members(one: griffe.Class) -> Iterator[tuple[str, griffe.Function | griffe.Attribute]]:
    """Yield the functions and attributes of a class, its own first, then those of its bases in the library."""
    for name, member in {**one.members, **one.inherited_members}.items():
        target = member.final_target if isinstance(member, griffe.Alias) else member
        if isinstance(target, griffe.Function | griffe.Attribute):
            yield name, target


def says(one: griffe.Object) -> str:
    """Return the docstring of something, or the description of a model's field; empty: it has none."""
    if one.docstring is None and isinstance(one, griffe.Attribute) and (field := _FIELD.match(str(one.value))):
        return str(ast.literal_eval(field["text"]))
    return one.docstring.value if one.docstring else ""


def default(one: griffe.Attribute) -> str:
    """Return the default of a field; empty: it has none."""
    text = "" if one.value is None else str(one.value)
    if field := _FIELD.match(text):
        return field["default"] or ""
    return default_text(one.value)


def default_text(value: griffe.Expr | str | None) -> str:
    """Return a default as readers see it: of a constant its value; empty: there is none."""
    if isinstance(value, griffe.ExprName) and (constant := _constant(value)) is not None:
        value = constant.value
    text = "" if value is None else str(value)
    return "" if text in ("UNSET", "msgspec.UNSET") else text


def hint(annotation: griffe.Expr | str | None) -> str:
    """Return a type as readers see it: our own names of unions are spelled out, and bounds left to the text."""
    if annotation is None:
        return ""
    text = str(annotation)
    names = (
        [one for one in annotation.iterate(flat=True) if isinstance(one, griffe.ExprName)]
        if isinstance(annotation, griffe.Expr)
        else []
    )
    for name in names:
        alias = _constant(name)
        if alias is not None and isinstance(alias.value, griffe.ExprBinOp | griffe.ExprSubscript):
            spelled = hint(alias.value).replace("\\", "\\\\")
            text = re.sub(rf"(?<![\w.]){name.name}\b", spelled, text)
    text = _without_bounds(text)
    return text if "Literal" in text else re.sub(r"['\"](\w[\w\[\], .|]*)['\"]", r"\1", text)


def _constant(name: griffe.ExprName) -> griffe.Attribute | None:
    try:
        one = _modules()[name.canonical_path]
    except (KeyError, griffe.NameResolutionError):
        return None
    target = one.final_target if isinstance(one, griffe.Alias) else one
    return target if isinstance(target, griffe.Attribute) and target.value is not None else None


def _without_bounds(text: str) -> str:
    """Return a type with `Annotated[X, …]` replaced by `X`."""
    while (start := text.find("Annotated[")) >= 0:
        depth, comma, at = 0, 0, start + len("Annotated")
        while True:
            if text[at] in "[({":
                depth += 1
            elif text[at] in "])}":
                depth -= 1
            elif text[at] == "," and depth == 1 and not comma:
                comma = at
            if depth == 0:
                break
            at += 1
        text = text[:start] + text[start + len("Annotated[") : comma] + text[at + 1 :]
    return text


def sections(one: griffe.Object) -> list[griffe.DocstringSection]:
    """Return the parts of a docstring: its text, its arguments and so on."""
    if one.docstring is None and (text := says(one)):
        return [griffe.DocstringSectionText(text)]
    return list(one.docstring.parsed) if one.docstring else []


def is_record(one: griffe.Class) -> bool:
    """Return whether a class is a record with fields: a struct, a named tuple, a typed dictionary, a model."""
    bases = {str(base).rpartition(".")[2] for base in one.bases}
    if bases & {"Struct", "NamedTuple", "TypedDict", "BaseModel"}:
        return True
    return any(is_record(base) for base in one.mro())


def is_enumeration(one: griffe.Class) -> bool:
    """Return whether a class is an enumeration."""
    return any(str(base).rpartition(".")[2] in ("StrEnum", "Enum") for base in one.bases)


def is_error(one: griffe.Class) -> bool:
    """Return whether a class is an exception."""
    names = [str(base) for each in (one, *one.mro()) for base in each.bases]
    return any(name.endswith(("Exception", "Error")) for name in names)
