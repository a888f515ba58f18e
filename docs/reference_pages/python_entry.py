"""The entry of one public name: how one imports it, its signature, what its docstring says, its members."""

import griffe

from . import python_source as source
from .markdown import code, indented, prose, table
from .python_names import NOT_FOR_PROGRAMS

PROTOCOLS = {
    "__aenter__": "async with",
    "__enter__": "with",
    "__aiter__": "async for",
    "__iter__": "for",
    "__await__": "await",
    "__call__": "call",
}
"""Special methods that readers know by what they write."""

DECORATORS = ("tidings.job", "tidings.lifespan", "tidings.on")

FIRST = ("submit",)
"""Methods that readers look for first, wherever they are defined."""

WIDTH = 110
"""Columns of a signature on one line."""


class EntryError(Exception):
    """Something public has no text; the message names it."""


def entry(path: str) -> str:
    """Return the entry of a name, as `package.name`.

    Raises:
        EntryError: it, or something of it, has no docstring.

    """
    one = source.found(path)
    package, _, name = path.rpartition(".")
    parts = [f"### {heading(path)}\n\n", indented(f"from {package} import {name}")]
    if isinstance(one, griffe.Class):
        return "".join([*parts, *_class(name, one)])
    if isinstance(one, griffe.Function):
        return "".join([*parts, indented(signature(name, one)), docstring(one)])
    return "".join([*parts, indented(f"{name} = {one.value}"), docstring(one)])


def heading(path: str) -> str:
    """Return the heading of a name's entry. Links know no capitals, and `job` and `Job` stand on one page."""
    name = path.rpartition(".")[2]
    return f"`@{name}`, the decorator" if path in DECORATORS else f"`{name}`"


def docstring(one: griffe.Object) -> str:
    """Return what a docstring says.

    Raises:
        EntryError: there is none.

    """
    if not source.says(one):
        raise EntryError(f"{one.path} is public and has no docstring")
    parts = []
    for section in source.sections(one):
        match section:
            case griffe.DocstringSectionText():
                parts.append(prose(section.value))
            case griffe.DocstringSectionParameters():
                parts.append(_parameters(one, section))
            case griffe.DocstringSectionReturns() | griffe.DocstringSectionYields():
                parts.append(f"Returns: {prose(' '.join(_returned(one, item) for item in section.value))}")
            case griffe.DocstringSectionRaises():
                rows = ((code(str(item.annotation)), item.description) for item in section.value)
                parts.append(table(("raises", "when"), rows))
            case _:
                raise EntryError(f"{one.path}: no page has a form for `{section.kind.value}`")
    return "".join(parts)


def _returned(one: griffe.Object, item: griffe.DocstringReturn | griffe.DocstringYield) -> str:
    """Return what a function returns; of a text with a colon Griffe takes the first half for a type."""
    known = str(one.returns) if isinstance(one, griffe.Function) else ""
    first = str(item.annotation)
    return item.description if item.annotation is None or first == known else f"{first}: {item.description}"


def signature(name: str, one: griffe.Function) -> str:
    """Return how one calls a function, on one line or on several."""
    shown = [_parameter(parameter) for parameter in _given(one)]
    kinds = [parameter.kind for parameter in _given(one)]
    star = next((at for at, kind in enumerate(kinds) if kind is griffe.ParameterKind.keyword_only), None)
    if star is not None and griffe.ParameterKind.var_positional not in kinds:
        shown.insert(star, "*")
    only = sum(kind is griffe.ParameterKind.positional_only for kind in kinds)
    if only:
        shown.insert(only, "/")
    before = "async def " if "async" in one.labels else "def "
    returns = f" -> {source.hint(one.returns)}" if one.returns is not None else ""
    line = f"{before}{name}({', '.join(shown)}){returns}"
    if len(line) <= WIDTH:
        return line
    return f"{before}{name}(\n" + "".join(f"    {each},\n" for each in shown) + f"){returns}"


def _class(name_here: str, one: griffe.Class) -> list[str]:
    parts = []
    hidden = NOT_FOR_PROGRAMS.get(one.name, ())
    found = [(name, member) for name, member in source.members(one) if name not in hidden]
    constructor = dict(found).get("__init__")
    if isinstance(constructor, griffe.Function) and source.says(constructor):
        parts.append(indented(signature(name_here, constructor).removeprefix("def ").removesuffix(" -> None")))
    bases = [code(str(base)) for base in one.bases if str(base) in ("ValueError", "TypeError", "TimeoutError")]
    parts.append(docstring(one))
    if source.is_error(one) and bases:
        parts.append(f"It is a {' and a '.join(bases)} too.\n\n")
    if isinstance(constructor, griffe.Function) and source.says(constructor):
        parts.append(docstring(constructor))
    public = [(name, member) for name, member in found if not name.startswith("_")]
    attributes = [(name, member) for name, member in public if isinstance(member, griffe.Attribute)]
    parts.append(_attributes(one, attributes))
    for name, member in sorted(found, key=lambda one: one[0] not in FIRST):
        if not isinstance(member, griffe.Function) or name == "__init__":
            continue
        if not name.startswith("_"):
            parts += [f"#### `{name_here}.{name}`\n\n", indented(signature(name, member)), docstring(member)]
        elif name in PROTOCOLS and source.says(member):
            parts += [f"#### `{PROTOCOLS[name]}` of `{name_here}`\n\n", docstring(member)]
    return parts


def _attributes(one: griffe.Class, found: list[tuple[str, griffe.Attribute]]) -> str:
    for _, member in found:
        if not source.says(member):
            raise EntryError(f"{one.path}.{member.name} is public and has no docstring")
    if source.is_enumeration(one):
        values = ((code(name), code(str(member.value)), _text(member)) for name, member in found)
        return table(("member", "value", "meaning"), values)
    if source.is_record(one) and any("property" not in member.labels for _, member in found):
        fields = (
            (code(name), code(source.hint(member.annotation)), code(source.default(member)), _text(member))
            for name, member in found
        )
        return table(("field", "type", "default", "meaning"), fields)
    given = one.members.get("__init__")
    taken = {each.name: each.annotation for each in given.parameters} if isinstance(given, griffe.Function) else {}
    rows = (
        (code(name), code(source.hint(member.annotation or taken.get(str(member.value)))), _text(member))
        for name, member in found
    )
    return table(("attribute", "type", "meaning"), rows)


def _text(one: griffe.Attribute) -> str:
    """Return what is said of an attribute, in a cell."""
    said = []
    for section in source.sections(one):
        match section:
            case griffe.DocstringSectionText():
                said.append(prose(section.value))
            case griffe.DocstringSectionRaises():
                said += [f"Raises `{item.annotation}`: {item.description}" for item in section.value]
    return " ".join(said)


def _parameters(one: griffe.Object, section: griffe.DocstringSectionParameters) -> str:
    by_name = {parameter.name: parameter for parameter in _given(one)} if isinstance(one, griffe.Function) else {}
    rows = []
    for item in section.value:
        parameter = by_name.get(item.name.lstrip("*"))
        hint = source.hint(parameter.annotation) if parameter is not None else ""
        if hint.startswith("Unpack["):
            continue  # a table of its own has the options
        default = "" if parameter is None or _gathers(parameter) else source.default_text(parameter.default)
        rows.append((code(item.name), code("" if hint == "Any" else hint), code(default), item.description))
    return table(("argument", "type", "default", "meaning"), rows)


def _given(one: griffe.Function) -> list[griffe.Parameter]:
    return [parameter for parameter in one.parameters if parameter.name not in ("self", "cls")]


def _gathers(parameter: griffe.Parameter) -> bool:
    return parameter.kind in (griffe.ParameterKind.var_positional, griffe.ParameterKind.var_keyword)


def _parameter(parameter: griffe.Parameter) -> str:
    stars: dict[griffe.ParameterKind | None, str] = {
        griffe.ParameterKind.var_positional: "*",
        griffe.ParameterKind.var_keyword: "**",
    }
    hint = source.hint(parameter.annotation)
    shown = stars.get(parameter.kind, "") + parameter.name + (f": {hint}" if hint and hint != "Any" else "")
    if parameter.default is None or _gathers(parameter):
        return shown
    equals = " = " if ": " in shown else "="
    return shown + equals + (source.default_text(parameter.default) or "...")
