"""The pages of the Python packages."""

import griffe

from . import python_source as source
from .markdown import HEAD, anchor, code, table
from .python_entry import entry, heading
from .python_names import PACKAGES, PAGES, PythonPage

OPTIONS_OF_JOBS = "tidings.declare.policy"
OPTIONS_OF_HANDLERS = "tidings.consumer.event_handler"


class PlaceError(Exception):
    """A public name has no place on any page."""


def python_page(name: str) -> str:
    """Return one page.

    Raises:
        PlaceError: a public name stands on no page.
        EntryError: one of the names, or something of it, has no docstring.

    """
    check_places()
    page = PAGES[name]
    parts = [HEAD, f"# {page.title}\n\n{page.text}\n\n", _contents(page)]
    for section in page.sections:
        parts.append(f"## {section.title}\n\n")
        if section.text:
            parts.append(f"{section.text}\n\n")
        for path in section.names:
            parts.append(entry(path))
            if path == "tidings.job":
                parts.append(_options(f"{OPTIONS_OF_JOBS}.JobOptions", f"{OPTIONS_OF_JOBS}.Policy"))
            if path == "tidings.on":
                parts.append(_options(f"{OPTIONS_OF_HANDLERS}.HandlerOptions", f"{OPTIONS_OF_HANDLERS}.HandlerPolicy"))
    return "".join(parts).rstrip("\n") + "\n"


def check_places() -> None:
    """Check that each public name stands on a page.

    Raises:
        PlaceError: one does not.

    """
    placed = {source.found(path).path for page in PAGES.values() for section in page.sections for path in section.names}
    for package in PACKAGES:
        for name in source.exported(package):
            if source.found(f"{package}.{name}").path not in placed:
                raise PlaceError(f"{package}.{name} is public: give it a place in docs/reference_pages/python_names.py")


def _contents(page: PythonPage) -> str:
    """Return a table of the names with the first sentence of each."""
    rows = []
    for section in page.sections:
        for path in section.names:
            name = path.rpartition(".")[2]
            first = source.says(source.found(path)).partition("\n")[0]
            rows.append((f"[`{name}`](#{anchor(heading(path))})", first))
    return table(("name", "what it is"), rows)


def _options(options: str, policy: str) -> str:
    """Return the table of a decorator's options: their types as authors write them, their meaning from the policy."""
    given, kept = source.found(options), source.found(policy)
    assert isinstance(given, griffe.Class)
    assert isinstance(kept, griffe.Class)
    meanings = {name: member for name, member in source.members(kept) if isinstance(member, griffe.Attribute)}
    rows = []
    for name, member in source.members(given):
        if name.startswith("_") or not isinstance(member, griffe.Attribute):
            continue
        meant = meanings.get(name, member)
        said = source.says(meant)
        if not said:
            raise PlaceError(f"the option {name} of {options} has no docstring")
        rows.append((code(name), code(source.hint(member.annotation)), code(source.default(meant)), said))
    return "Options, each by its name:\n\n" + table(("option", "type", "default", "meaning"), rows)
