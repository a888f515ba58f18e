"""Whatever users name has an entry in the reference: a name, an option, a setting, a frame, a route, a command."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import typer
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from reference.pages import REFERENCE, ROOT, headings, page, rows, section
from tidings.consumer.event_handler import HandlerOptions
from tidings.declare.policy import JobOptions
from tidings.protocol.events import EventName
from tidings.protocol.frames.close_codes import CLOSE_CODES
from tidings.protocol.frames.messages import ClientFrame, ServerFrame
from tidings.protocol.problems import CODES
from tidings.settings.settings import from_env, settings_of
from tidings_cli import command_errors
from tidings_cli.main import _app
from tidings_server import create_app
from tidings_server.settings import ServerSettings
from tidings_worker.settings import WorkerSettings

FRAMES = (*get_args(ClientFrame), *get_args(ServerFrame))
INNER = {"tidings_cli"}
"""Packages whose `__all__` is for no program: the entry point of the command line."""


def public_names() -> dict[str, list[str]]:
    """Return each package's `__all__`, without importing it: Django may be missing."""
    found = {}
    for folder in ("core", "server", "worker"):
        for path in sorted((ROOT / folder).rglob("__init__.py")):
            for node in ast.parse(path.read_text()).body:
                match node:
                    case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                        package = ".".join(path.parent.relative_to(ROOT / folder).parts)
                        found[package] = list(ast.literal_eval(value))
    return {package: names for package, names in found.items() if package not in INNER}


def python_entries() -> dict[str, set[str]]:
    """Return the names that have an entry, by the package from which the entry imports them."""
    found: dict[str, set[str]] = {}
    for path in sorted((REFERENCE / "python").glob("*.md")):
        for package, name in re.findall(r"^    from ([\w.]+) import (\w+)$", path.read_text(), re.MULTILINE):
            found.setdefault(package, set()).add(name)
    return found


def test_each_public_name_of_python_has_an_entry() -> None:
    entries = python_entries()
    # What `tidings` hands on of its client has its entry there. The two events are different.
    entries["tidings.client"] |= entries["tidings"] - {"Event"}
    lacking = {
        f"{package}.{name}"
        for package, names in public_names().items()
        for name in names
        if name not in entries[package]
    }
    assert lacking == set()


def test_each_option_of_the_decorators_has_a_row() -> None:
    text = page("python/jobs")
    assert rows(section(text, "`@job`, the decorator")) >= JobOptions.__annotations__.keys()
    assert rows(section(text, "`@on`, the decorator")) >= HandlerOptions.__annotations__.keys()


def test_each_setting_has_a_row() -> None:
    named = rows(page("settings"))
    settings = {one.variable for kind in (ServerSettings, WorkerSettings) for one in settings_of(kind)}
    assert settings <= named


def test_each_metric_has_a_row() -> None:
    made = "\n".join(
        path.read_text() for folder in ("core", "server", "worker") for path in (ROOT / folder).rglob("*.py")
    )
    calls = re.findall(r"\b(?:gauges?|Counter|Histogram|\w*[Hh]istogram)\(\s*\"(tidings_[a-z_]+)\"", made)
    metrics = {*calls, *re.findall(r"^\s+\(?\"(tidings_group_[a-z_]+)\",", made, re.MULTILINE)}
    assert len(metrics) > 30
    assert metrics <= rows((ROOT / "docs/how-to/metrics.md").read_text())


def test_each_problem_and_each_close_code_has_a_row() -> None:
    text = page("protocol")
    assert rows(section(text, "Problems")) >= CODES.keys()
    closes = section(text, "Close codes of the socket")
    assert all(f"| {number} | {close.name} |" in closes for number, close in CLOSE_CODES.items())


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.__struct_config__.tag)
def test_each_frame_has_a_section_with_each_field_and_an_example(frame: type[msgspec.Struct]) -> None:
    found = section(page("frames"), f"`{frame.__struct_config__.tag}`")
    assert rows(found) >= {"type", *frame.__struct_encode_fields__}
    assert f'"type": "{frame.__struct_config__.tag}"' in found


def test_each_event_has_a_row() -> None:
    assert rows(section(page("frames"), "Events")) >= set(EventName)


def routes() -> Iterator[str]:
    """Yield each route of a server, as `METHOD /path`."""

    def shown(path: str) -> str:
        return re.sub(r"\{(\w+):\w+\}", r"{\1}", path) or "/"

    def of(route: BaseRoute) -> Iterator[str]:
        match route:
            case Mount() | WebSocketRoute():
                yield f"GET {shown(route.path)}"
            case Route():
                yield from (f"{method} {shown(route.path)}" for method in route.methods or {"GET"} if method != "HEAD")

    for front in ("kinds", "demo"):
        environment = {"TIDINGS_PAGE": front, "TIDINGS_STORE_URL": "redis://127.0.0.1:1"}  # it is not opened
        for route in create_app(from_env(ServerSettings, environment)).routes:
            yield from of(route)


def test_each_route_has_a_section_or_a_row() -> None:
    text = page("http")
    told = {heading.strip("`") for heading in headings(text)} | rows(section(text, "Beside the contract"))
    assert {route for route in routes() if route not in told} == set()


def commands(command: Any, path: tuple[str, ...] = ("tidings",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each command of the command line with its words."""
    for name, child in getattr(command, "commands", {}).items():
        yield (*path, name), child
        yield from commands(child, (*path, name))


def test_each_command_has_a_section_with_each_of_its_options() -> None:
    text = page("commands")
    lacking = set()
    for path, command in commands(typer.main.get_command(_app([]))):
        found = section(text, f"`{' '.join(path)}`")
        options = {name for one in command.params if not one.hidden for name in one.opts if name.startswith("-")}
        lacking |= {f"{' '.join(path)} {option}" for option in options - {"--help"} if f"`{option}`" not in found}
        if not found:
            lacking.add(" ".join(path))
    assert lacking == set()


def test_each_exit_code_has_a_row() -> None:
    codes = {str(value) for name, value in vars(command_errors).items() if name.startswith("EXIT_")}
    named = set(re.findall(r"^\| (\d+) \|", section(page("commands"), "Exit codes"), re.MULTILINE))
    assert {"0", *codes} <= named


def test_each_export_of_the_javascript_package_has_an_entry() -> None:
    entries = msgspec.json.decode((ROOT / "package.json").read_bytes())["exports"]
    text = page("javascript")
    for module, at in entries.items():
        declared = (ROOT / at["types"]).read_text()
        names = set(
            re.findall(r"^export (?:declare )?(?:class|function|const|type|interface) (\w+)", declared, re.MULTILINE)
        )
        for listed in re.findall(r"^export \{([^}]+)\}", declared, re.MULTILINE):
            names |= {name.strip() for name in listed.split(",")}
        told = {heading.strip("`").partition(" of ")[0] for heading in headings(text)}
        assert f"`{module.replace('.', 'tidings', 1)}`" in headings(text)
        assert names - told == set()


def test_a_name_without_an_entry_is_found() -> None:
    text = "# Page\n\n### `one`\n\n| field | meaning |\n|---|---|\n| `a`, `b` | c |\n\n### `two`\n"
    assert headings(text) == ["Page", "`one`", "`two`"]
    assert rows(section(text, "`one`")) == {"a", "b"}
    assert section(text, "`three`") == ""


@pytest.mark.parametrize("path", sorted((REFERENCE / "python").glob("*.md")), ids=lambda path: path.stem)
def test_no_table_of_an_entry_has_an_empty_meaning(path: Path) -> None:
    empty = re.findall(r"^\| `[^|]+\| *\|$", path.read_text(), re.MULTILINE)
    assert empty == []
