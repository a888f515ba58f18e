"""A name of a class or of a file means one thing in all that is shipped, so that a search finds the one place."""

from collections import defaultdict
from collections.abc import Iterable

from suite.source import files, python_definitions, shown

SAME_THING = {
    "settings": "each package's own settings, read from the environment in the same way",
    "run": "each process's entry: it takes the settings, starts the process and waits for its end",
    "errors": "each package's own exceptions, the tree drawn in the docstring",
}
"""Files that have one name in several packages because they are the same thing of each; why."""

UNNAMED = frozenset({"__init__", "__main__"})


def repeated(places: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the names that stand in several places, with the places."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, place in places:
        found[name].append(place)
    return {name: where for name, where in found.items() if len(where) > 1}


def test_no_class_name_occurs_twice() -> None:
    classes = (
        (one.name, shown(file)) for file in files(".py") for one in python_definitions(file.read_text()) if one.is_class
    )
    assert repeated(classes) == {}


def test_no_file_name_stands_for_two_things() -> None:
    for suffix in (".py", ".lua"):
        found = repeated((file.stem, shown(file)) for file in files(suffix) if file.stem not in UNNAMED)
        assert {name: where for name, where in found.items() if name not in SAME_THING} == {}


def test_each_name_that_is_allowed_twice_is_there_once_in_each_of_several_packages() -> None:
    for name in SAME_THING:
        where = [shown(file) for file in files(".py") if file.stem == name]
        assert len(where) > 1, f"{name} stands in one package: take it off the list"
        assert len({place.split("/")[1] for place in where}) == len(where), where


def test_a_repetition_is_found() -> None:
    assert repeated([("A", "x"), ("B", "x"), ("A", "y")]) == {"A": ["x", "y"]}
